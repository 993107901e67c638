/* A running host of its own for one test: a folder in /tmp with a configuration, a state folder and a log. */
#ifndef HOST_PROCESS_H
#define HOST_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct host_process {
  char folder[64];
  int port;
  pid_t pid; /* 0: not running */
};

/* Makes the folder, writes the configuration and starts the host. `modules` is Lua text. */
void host_begin(struct host_process *host, const char *modules);
/* Writes another configuration and asks for a reload. */
void host_reconfigure(struct host_process *host, const char *modules);
/* Starts it again in the same folder. */
void host_start(struct host_process *host);
/* Waits for this text in the log; false after `seconds`. The host may have ended meanwhile. */
bool host_log_has(const struct host_process *host, const char *text, int seconds);
/* GET on the main listener. Returns the status (0: no answer), and the answer in `ret_body` (static). */
int host_get(const struct host_process *host, const char *path, const char **ret_body);
/* Waits for the end without asking for it; returns the wait status. */
int host_wait(struct host_process *host);
/* SIGTERM; returns the wait status. Removes the folder. */
int host_end(struct host_process *host);
/* The whole log, static. */
const char *host_log(const struct host_process *host);

#endif
