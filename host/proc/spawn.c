/* clone(CLONE_VM | CLONE_VFORK): the child borrows our memory on a stack of its own until it execs, so it tells its errors by
 * writing them there. Signals are blocked meanwhile, or a handler of ours would run twice; see spawn.h.
 * ThreadSanitizer keeps books on memory and descriptors that such a child would spoil: its build forks, and a pipe tells the errors. */
#include "proc/spawn.h"
#include "loop/loop.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES (64 * 1024)
#define EXIT_NOT_STARTED 127

/* What the child reads and where it reports. */
struct launch {
  const struct spawn_plan *plan;
  struct spawn_result *result;
  sigset_t mask; /* that the program starts with */
  pid_t host;
  int report; /* where only the result can be sent: the pipe for it; closed by exec */
};

/* ---- In the child: async-signal-safe calls only, no allocation, no locks ---- */

static int give_up(const struct launch *launch, enum spawn_step step) {
  launch->result->failed_step = step;
  launch->result->error = errno;
#ifdef __SANITIZE_THREAD__
  if (write(launch->report, launch->result, sizeof *launch->result) < 0)
    abort();
#endif
  _exit(EXIT_NOT_STARTED);
}

static void reset_signals(void) {
  const struct sigaction standard = {.sa_handler = SIG_DFL};
  for (int number = 1; number < NSIG; number++)
    sigaction(number, &standard, NULL);
}

static bool die_with_host(const struct launch *launch) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    return false;
  if (getppid() == launch->host)
    return true;
  errno = ESRCH; /* the host ended in between: the signal would never come */
  return false;
}

static bool set_limits(void) {
  const struct rlimit none = {0};
  if (process_before.files.rlim_max)
    setrlimit(RLIMIT_NOFILE, &process_before.files);
  umask(process_before.umask);
  return setrlimit(RLIMIT_CORE, &none) == 0;
}

/* dup2 leaves the copy open across exec; all else above 2 is closed by it, whoever opened it. */
static bool set_descriptors(const struct spawn_plan *plan) {
  for (int to = 0; to < 3; to++)
    if (dup2(plan->fds[to], to) < 0)
      return false;
  if (plan->has_terminal && ioctl(0, TIOCSCTTY, 0) != 0)
    return false;
  if (plan->cgroup_fd >= 0 && write(plan->cgroup_fd, "0", 1) != 1)
    errno = 0; /* it runs in the host's group then, and is still found by its mark */
  return close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

__attribute__((no_sanitize("address", "thread"))) static int child_main(void *arg) {
  const struct launch *launch = arg;
  const struct spawn_plan *plan = launch->plan;
  reset_signals();
  if (setsid() < 0 || (plan->dies_with_host && !die_with_host(launch)) || !set_limits() || !set_descriptors(plan))
    return give_up(launch, SPAWN_SETUP);
  if (chdir(plan->cwd) != 0)
    return give_up(launch, SPAWN_CHDIR);
  sigprocmask(SIG_SETMASK, &launch->mask, NULL);
  execve(plan->program, plan->argv, plan->envp);
  return give_up(launch, SPAWN_EXEC);
}

/* ---- In the host ---- */

#ifdef __SANITIZE_THREAD__
static pid_t make_child(struct launch *launch) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return -1;
  launch->report = ends[1];
  pid_t pid = fork();
  if (pid == 0)
    _exit(child_main(launch));
  int error = errno;
  close(ends[1]);
  if (pid > 0 && read(ends[0], launch->result, sizeof *launch->result) < 0)
    abort();
  close(ends[0]);
  launch->result->pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;
  errno = error;
  return pid;
}
#else
static pid_t make_child(struct launch *launch) {
  static _Alignas(64) char stack[STACK_BYTES];
  return clone(child_main, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, launch, &launch->result->pidfd);
}
#endif

static void bury(const struct spawn_result *result) {
  siginfo_t info;
  while (waitid(P_PID, (id_t)result->pid, &info, WEXITED) != 0 && errno == EINTR)
    continue;
  close(result->pidfd);
}

bool spawn_process(const struct spawn_plan *plan, struct spawn_result *ret) {
  LOOP_MAIN();
  *ret = (struct spawn_result){.pidfd = -1};
  struct launch launch = {.plan = plan, .result = ret, .host = getpid()};
  sigset_t all, before;
  sigfillset(&all);
  sigemptyset(&launch.mask);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t pid = make_child(&launch);
  int error = errno;
  sigprocmask(SIG_SETMASK, &before, NULL);
  if (pid < 0) {
    ret->error = error;
    return false;
  }
  ret->pid = pid;
  if (ret->error == 0)
    return true;
  bury(ret);
  return false;
}
