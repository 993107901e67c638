/* What a command is, and what it gets: its words and options after parsing. Parsing is in parse.c. */
#ifndef HOST_CLI_COMMAND_H
#define HOST_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#define CLI_DONE 0
#define CLI_FAILED 1
#define CLI_MISUSED 2

#define CLI_WORDS_MAX 16
#define CLI_OPTIONS_MAX 16

/* An option. `value` names its value in help texts; NULL makes it a switch. */
struct cli_option {
  const char *name;      /* "--follow" */
  const char *shorthand; /* "-f", or NULL */
  const char *value;
  const char *doc;
};

struct cli_call {
  const struct cli_command *command;
  const char *words[CLI_WORDS_MAX];
  unsigned word_count;
  struct {
    const struct cli_option *option;
    const char *value; /* "" for a switch */
  } given[CLI_OPTIONS_MAX];
  unsigned given_count;
  char *state_dir; /* absolute, resolved; owned by cli_main */
  int port_offset;
  bool wants_json;
};

struct cli_command {
  const char *name;
  const char *synopsis; /* words after the name: "[--follow] [--module ID]" */
  const char *summary;  /* one line for the list of commands */
  const char *help;     /* paragraphs, as on a manual page */
  unsigned words_min, words_max;
  const struct cli_option *options; /* ends with a zeroed entry; NULL: none of its own */
  int (*run)(const struct cli_call *call);
};

/* Options every command has: --config, --state, --port-offset, --modules, --json, --help. */
extern const struct cli_option cli_global_options[];

/* The commands in alphabetical order, ending with a zeroed entry. */
extern const struct cli_command *const cli_commands[];
const struct cli_command *cli_find(const char *name);

/* Fills `call`. Returns CLI_DONE, or CLI_MISUSED with the mistake said on stderr. */
int cli_parse(int argc, char **argv, struct cli_call *call);

/* The value of an option ("" for a switch that was given), or NULL. */
const char *cli_value(const struct cli_call *call, const char *name);
/* The option's value as a number within bounds, or `otherwise` where it was not given. False: said on stderr. */
bool cli_number(const struct cli_call *call, const char *name, long minimum, long maximum, long otherwise, long *ret);

/* For commands whose first word is a verb. */
struct cli_verb {
  const char *name;
  unsigned words_min, words_max; /* after the verb */
  int (*run)(const struct cli_call *call);
};
/* Runs the verb that words[0] names, or says which there are. The table ends with a zeroed entry. */
int cli_run_verb(const struct cli_call *call, const struct cli_verb *verbs);

#endif
