/* The one place that forks: a child from finished plans, vfork-style, with async-signal-safe calls only in between. */
#ifndef HOST_PROC_SPAWN_H
#define HOST_PROC_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

struct spawn_plan {
  const char *program; /* path; relative ones are meant from `cwd` */
  char *const *argv;
  char *const *envp;
  const char *cwd;
  int fds[3];    /* become 0, 1 and 2; each at least 3 */
  int cgroup_fd; /* cgroup.procs of the child's own group, or -1 */
  bool dies_with_host;
  bool has_terminal; /* fds[0] becomes the controlling terminal */
};

enum spawn_step { SPAWN_FORK, SPAWN_SETUP, SPAWN_CHDIR, SPAWN_EXEC };

struct spawn_result {
  pid_t pid;
  int pidfd;
  enum spawn_step failed_step;
  int error; /* errno of that step; 0: the program runs */
};

/* Starts the program in a session of its own. Returns when it runs or has failed; on failure nothing is left. Main thread. */
bool spawn_process(const struct spawn_plan *plan, struct spawn_result *ret);

#endif
