/* SIGCHLD; see reap.h. A known child is handed to child.h; of a stray nobody wants to know how it ended. */
#include "proc/reap.h"
#include "loop/loop.h"
#include "proc/child.h"

#include <event2/event.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static struct event *on_child;

/* Peeks first: whoever is a known child's leader must be waited for by its pidfd. */
static void reap(evutil_socket_t number, short what, void *arg) {
  (void)number;
  (void)what;
  (void)arg;
  for (;;) {
    siginfo_t info = {0};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
      return;
    struct child *child = child_by_pid(info.si_pid);
    if (!child)
      waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
    else
      child_leader_ended(child);
  }
}

bool reap_init(void) {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    return false;
  on_child = evsignal_new(loop_base(), SIGCHLD, reap, NULL);
  return on_child && event_add(on_child, NULL) == 0;
}

void reap_release(void) {
  if (on_child)
    event_free(on_child);
  on_child = NULL;
}
