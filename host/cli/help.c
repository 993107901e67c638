/* `backplane help`: the list of commands, or one command's page. */
#include "cli/commands.h"
#include "cli/say.h"

#include <stdio.h>
#include <string.h>

static void show_options(const struct cli_option *options, const char *title) {
  if (!options || !options->name)
    return;
  printf("\n%s\n", title);
  for (; options->name; options++) {
    char left[64];
    snprintf(left, sizeof(left), "%s%s%s%s%s", options->shorthand ? options->shorthand : "", options->shorthand ? ", " : "", options->name,
             options->value ? " " : "", options->value ? options->value : "");
    printf("  %-20s  %s\n", left, options->doc);
  }
}

static int show_overview(void) {
  puts("usage: backplane COMMAND [options]\n\nOne small process that tools around coding agents plug into.\n\ncommands");
  for (const struct cli_command *const *command = cli_commands; *command; command++)
    printf("  %-10s  %s\n", (*command)->name, (*command)->summary);
  show_options(cli_global_options, "options of every command");
  puts("\nexit codes: 0 done, 1 it failed, 2 called wrongly. `backplane help COMMAND` says more.");
  return CLI_DONE;
}

int help_show(const struct cli_command *command) {
  if (command == &command_help)
    return show_overview();
  printf("usage: backplane %s %s\n\n%s\n", command->name, command->synopsis, command->help);
  show_options(command->options, "options");
  show_options(cli_global_options, "options of every command");
  return CLI_DONE;
}

static int run(const struct cli_call *call) {
  if (call->word_count == 0)
    return show_overview();
  const struct cli_command *command = cli_find(call->words[0]);
  if (command)
    return help_show(command);
  const char *names[64] = {0};
  for (unsigned i = 0; cli_commands[i] && i < 63; i++)
    names[i] = cli_commands[i]->name;
  const char *nearest = say_nearest(call->words[0], names);
  return nearest ? say_misuse("there is no command \"%s\"; did you mean \"%s\"?", call->words[0], nearest)
                 : say_misuse("there is no command \"%s\"", call->words[0]);
}

const struct cli_command command_help = {
    .name = "help",
    .synopsis = "[COMMAND]",
    .summary = "show the commands, or one command's page",
    .help = "Shows what a command does, its options and its exit codes.",
    .words_max = 1,
    .run = run,
};
