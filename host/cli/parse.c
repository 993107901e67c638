/* Parsing of the command line: command, words, options (anywhere, `--name value` or `--name=value`, `--` ends them). */
#include "base/str.h"
#include "cli/command.h"
#include "cli/say.h"
#include "config/config.h"
#include "state_dir.h"

#include <string.h>

const struct cli_option cli_global_options[] = {
    {"--config", NULL, "FILE", "the configuration (default: backplane/backplane.lua in ~/.config, else in /etc, else as installed)"},
    {"--help", "-h", NULL, "show the command's help"},
    {"--json", NULL, NULL, "answer as JSON"},
    {"--modules", NULL, "DIR", "the folder of installed modules"},
    {"--port-offset", NULL, "N", "added to every port, so that several copies run side by side"},
    {"--state", NULL, "DIR", "the state folder (default: $XDG_STATE_HOME/backplane, else ~/.local/state/backplane)"},
    {0},
};

static const struct cli_option no_options[] = {{0}};

static const struct cli_option *own_options(const struct cli_command *command) {
  return command && command->options ? command->options : no_options;
}

static bool names_option(const struct cli_option *option, const char *text, size_t len) {
  if (option->shorthand && strlen(option->shorthand) == len && memcmp(option->shorthand, text, len) == 0)
    return true;
  return strlen(option->name) == len && memcmp(option->name, text, len) == 0;
}

static const struct cli_option *find_option(const struct cli_command *command, const char *text, size_t len) {
  for (const struct cli_option *option = own_options(command); option->name; option++)
    if (names_option(option, text, len))
      return option;
  for (const struct cli_option *option = cli_global_options; option->name; option++)
    if (names_option(option, text, len))
      return option;
  return NULL;
}

static int unknown_option(const struct cli_command *command, const char *text) {
  const char *names[2 * CLI_OPTIONS_MAX + 1] = {0};
  unsigned count = 0;
  for (const struct cli_option *option = own_options(command); option->name && count < CLI_OPTIONS_MAX; option++)
    names[count++] = option->name;
  for (const struct cli_option *option = cli_global_options; option->name; option++)
    names[count++] = option->name;
  const char *nearest = say_nearest(text, names);
  if (nearest)
    return say_misuse("unknown option \"%s\"; did you mean \"%s\"?", text, nearest);
  return say_misuse("unknown option \"%s\"", text);
}

static int unknown_command(const char *name) {
  const char *names[64] = {0};
  for (unsigned i = 0; cli_commands[i] && i < 63; i++)
    names[i] = cli_commands[i]->name;
  const char *nearest = say_nearest(name, names);
  if (nearest)
    return say_misuse("unknown command \"%s\"; did you mean \"%s\"?", name, nearest);
  return say_misuse("unknown command \"%s\"", name);
}

/* Takes argv[*at] as an option, and its value. */
static int take_option(int argc, char **argv, int *at, struct cli_call *call) {
  const char *text = argv[*at];
  const char *equals = strncmp(text, "--", 2) == 0 ? strchr(text, '=') : NULL;
  size_t len = equals ? (size_t)(equals - text) : strlen(text);
  const struct cli_option *option = find_option(call->command, text, len);
  if (!option)
    return unknown_option(call->command, text);
  if (call->given_count == CLI_OPTIONS_MAX)
    return say_misuse("too many options");
  const char *value = "";
  if (option->value) {
    value = equals ? equals + 1 : *at + 1 < argc ? argv[++*at] : NULL;
    if (!value)
      return say_misuse("option \"%s\" needs a value: %s %s", option->name, option->name, option->value);
  } else if (equals) {
    return say_misuse("option \"%s\" takes no value", option->name);
  }
  call->given[call->given_count].option = option;
  call->given[call->given_count++].value = value;
  return CLI_DONE;
}

static int take_word(const char *word, struct cli_call *call) {
  if (!call->command) {
    call->command = cli_find(word);
    return call->command ? CLI_DONE : unknown_command(word);
  }
  if (call->word_count == CLI_WORDS_MAX)
    return say_misuse("too many words after \"%s\"", call->command->name);
  call->words[call->word_count++] = word;
  return CLI_DONE;
}

/* The command is found first, because what an option may be depends on it; before it only global options are known. */
static int take_all(int argc, char **argv, struct cli_call *call) {
  bool only_words = false;
  for (int i = 1; i < argc; i++) {
    int code;
    if (!only_words && strcmp(argv[i], "--") == 0) {
      only_words = true;
      continue;
    }
    if (!call->command && strcmp(argv[i], "--version") == 0)
      code = take_word("version", call);
    else if (!only_words && argv[i][0] == '-' && argv[i][1])
      code = take_option(argc, argv, &i, call);
    else
      code = take_word(argv[i], call);
    if (code != CLI_DONE)
      return code;
  }
  return CLI_DONE;
}

const char *cli_value(const struct cli_call *call, const char *name) {
  for (unsigned i = call->given_count; i > 0; i--)
    if (strcmp(call->given[i - 1].option->name, name) == 0)
      return call->given[i - 1].value;
  return NULL;
}

bool cli_number(const struct cli_call *call, const char *name, long minimum, long maximum, long otherwise, long *ret) {
  const char *text = cli_value(call, name);
  int64_t value = otherwise;
  if (text && (!str_to_i64(str_from(text), &value) || value < minimum || value > maximum)) {
    say_misuse("option \"%s\" takes a number from %ld to %ld, not \"%s\"", name, minimum, maximum, text);
    return false;
  }
  *ret = (long)value;
  return true;
}

static int check_words(const struct cli_call *call) {
  const struct cli_command *command = call->command;
  if (call->word_count < command->words_min || call->word_count > command->words_max)
    return say_misuse("usage: backplane %s %s", command->name, command->synopsis);
  return CLI_DONE;
}

int cli_parse(int argc, char **argv, struct cli_call *call) {
  int code = take_all(argc, argv, call);
  if (code != CLI_DONE)
    return code;
  long offset;
  if (!cli_number(call, "--port-offset", 0, 56000, 0, &offset))
    return CLI_MISUSED;
  call->port_offset = (int)offset;
  config_port_offset(call->port_offset);
  call->wants_json = cli_value(call, "--json") != NULL;
  if (!call->command)
    call->command = cli_find("help");
  if (!cli_value(call, "--help") && check_words(call) != CLI_DONE)
    return CLI_MISUSED;
  call->state_dir = state_dir_find(cli_value(call, "--state"));
  return call->state_dir ? CLI_DONE : say_misuse("there is no home folder to keep state in; name one with --state");
}

int cli_run_verb(const struct cli_call *call, const struct cli_verb *verbs) {
  const char *names[16] = {0};
  for (unsigned i = 0; verbs[i].name && i < 15; i++) {
    names[i] = verbs[i].name;
    if (strcmp(call->words[0], verbs[i].name) != 0)
      continue;
    if (call->word_count - 1 < verbs[i].words_min || call->word_count - 1 > verbs[i].words_max)
      return say_misuse("usage: backplane %s %s", call->command->name, call->command->synopsis);
    return verbs[i].run(call);
  }
  const char *nearest = say_nearest(call->words[0], names);
  if (nearest)
    return say_misuse("\"%s %s\" is unknown; did you mean \"%s\"?", call->command->name, call->words[0], nearest);
  return say_misuse("\"%s %s\" is unknown; usage: backplane %s %s", call->command->name, call->words[0], call->command->name,
                    call->command->synopsis);
}
