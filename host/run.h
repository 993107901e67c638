/* `backplane run`: the start-up order, the signals and the graceful stop. The command line is host/cli's. */
#ifndef HOST_RUN_H
#define HOST_RUN_H

#include <stdbool.h>

/* How the host was asked to run. Strings are borrowed for the call. */
struct run_options {
  const char *config_file; /* NULL: found by config_find */
  const char *state_dir;   /* NULL: state_dir_find's */
  const char *module_dir;  /* of installed modules, also after a reload; NULL: the configuration's, else the installed one */
  int port_offset;         /* added to every TCP port */
  bool keep_cores;         /* allows core files and a debugger: off, because memory holds secrets */
};

/* Runs the host until it is told to stop. Returns the exit status: 0 after a graceful stop, 1 when it could not start. */
int host_run_main(const struct run_options *options);

struct config;
/* Settles config->module_dir: the command line's, else the configuration's, else the installed one; absolute where it exists. */
void run_set_module_dir(struct config *config, const char *from_command_line);

#endif
