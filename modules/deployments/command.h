/* What a start finds in the repository, and the program it makes of it. Read on a worker; see command.c. */
#ifndef DEPLOYMENTS_COMMAND_H
#define DEPLOYMENTS_COMMAND_H

#include "script.h"

#include <backplane/backplane.h>

#define PACKAGE_BYTES_MOST (1024 * 1024)

struct command {
  char *path; /* of the repository; owned */
  int64_t port;
  char *package; /* the text of package.json */
  size_t package_len;
  struct script script;
  char *local;     /* the path of a program of node_modules/.bin that stands for the first word */
  char fault[400]; /* what is wrong, or empty */
  bool is_port_taken;
};

/* [worker] Reads package.json and sees whether the port is free. Faults are told in `fault`. */
void command_inspect(struct command *command);
/* The program, from the text read. False: `fault` says why. */
bool command_parse(struct command *command, const bp_json_1 *json, bp_plugin self);
/* [worker] Looks for the first word in node_modules/.bin. */
void command_release(struct command *command);

#endif
