/* Rounds of finding and signalling; see quarry.h. */
#include "proc/quarry.h"
#include "base/buf.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "proc/child.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAUSE_LEAST_MS 10u
#define PAUSE_MOST_MS 200u

static struct quarry *running;

/* ---- On a worker: one round ---- */

struct round {
  struct quarry *quarry;
  const struct proc_fact *facts;
  size_t count;
  bool *is_in;  /* by index of facts */
  bool *is_out; /* spared, with all below */
};

static ptrdiff_t index_of(const struct round *round, pid_t pid) {
  size_t low = 0, high = round->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (round->facts[middle].pid == pid)
      return (ptrdiff_t)middle;
    if (round->facts[middle].pid < pid)
      low = middle + 1;
    else
      high = middle;
  }
  return -1;
}

static void spare(const struct round *round) {
  const struct quarry *quarry = round->quarry;
  for (size_t i = 0; i < quarry->spared_count; i++) {
    ptrdiff_t at = index_of(round, quarry->spared[i]);
    if (at >= 0)
      round->is_out[at] = true;
  }
  for (ptrdiff_t at = index_of(round, getpid()); at >= 0; at = index_of(round, round->facts[at].parent)) {
    round->is_out[at] = true;
    if (round->facts[at].parent == 0)
      break;
  }
}

static void recall_members(const struct round *round) {
  const struct quarry *quarry = round->quarry;
  for (size_t i = 0; i < quarry->member_count; i++) {
    ptrdiff_t at = index_of(round, quarry->members[i].pid);
    if (at >= 0 && round->facts[at].started == quarry->members[i].started && !round->is_out[at])
      round->is_in[at] = true;
  }
}

static void apply_rule(const struct round *round) {
  const struct quarry *quarry = round->quarry;
  for (size_t i = 0; quarry->rule && i < round->count; i++)
    if (!round->is_in[i] && !round->is_out[i] && !round->facts[i].is_dead && quarry->rule(quarry, &round->facts[i]))
      round->is_in[i] = true;
}

/* Pids wrap around, so a child may stand before its parent: repeated until nothing changes. */
static void add_descendants(const struct round *round) {
  for (bool is_changed = true; is_changed;) {
    is_changed = false;
    for (size_t i = 0; i < round->count; i++) {
      ptrdiff_t parent = round->is_in[i] || round->is_out[i] ? -1 : index_of(round, round->facts[i].parent);
      if (parent >= 0 && round->is_in[parent])
        is_changed = round->is_in[i] = true;
    }
  }
}

static const struct quarry_member *find_member(const struct quarry *quarry, const struct proc_fact *fact) {
  for (size_t i = 0; i < quarry->member_count; i++)
    if (quarry->members[i].pid == fact->pid && quarry->members[i].started == fact->started)
      return &quarry->members[i];
  return NULL;
}

/* The pidfd is opened first: what it names cannot change any more while we look whether it is the one we mean. False if it
 * is gone, or if we may not signal it (a program that has become another user): then waiting for it is in vain. */
static bool signal_one(const struct proc_fact *fact, int number) {
  int pidfd = (int)syscall(SYS_pidfd_open, fact->pid, 0);
  if (pidfd < 0)
    return false;
  bool is_sent = fact_is_same(fact->pid, fact->started) && syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0) == 0;
  close(pidfd);
  return is_sent;
}

static void tell(struct round *round) {
  struct quarry *quarry = round->quarry;
  struct buf members = {0};
  quarry->alive = 0;
  for (size_t i = 0; i < round->count; i++) {
    const struct proc_fact *fact = &round->facts[i];
    if (!round->is_in[i] || fact->is_dead)
      continue;
    const struct quarry_member *before = find_member(quarry, fact);
    struct quarry_member member = {.pid = fact->pid, .started = fact->started, .was_told = true};
    if (!signal_one(fact, quarry->should_kill ? SIGKILL : before && before->was_told ? 0 : SIGTERM))
      continue;
    quarry->alive++;
    buf_append(&members, &member, sizeof(member));
  }
  free(quarry->members);
  quarry->members = (struct quarry_member *)(void *)members.data;
  quarry->member_count = members.failed ? 0 : members.len / sizeof(struct quarry_member);
}

static void run_round(struct work *work) {
  struct round round = {.quarry = (struct quarry *)work};
  round.quarry->alive = 1; /* without memory nothing is known: another round */
  struct proc_fact *facts = facts_all(&round.count);
  bool *flags = facts ? calloc(round.count ? round.count * 2 : 1, sizeof(bool)) : NULL;
  if (flags) {
    round.facts = facts;
    round.is_in = flags;
    round.is_out = flags + round.count;
    spare(&round);
    recall_members(&round);
    apply_rule(&round);
    add_descendants(&round);
    tell(&round);
  }
  free(flags);
  free(facts);
}

/* ---- Rules ---- */

bool quarry_is_marked(const struct quarry *quarry, const struct proc_fact *fact) {
  char marker[MARKER_BYTES];
  if (fact->started < quarry->leader_started)
    return false;
  if (fact_environment(fact->pid, MARKER_NAME, marker, sizeof(marker)))
    return strcmp(marker, quarry->marker) == 0;
  return fact->parent == getpid() && fact->session == quarry->leader;
}

/* The group's number is taken as long as it has a member; a process of that pid that started at another time has taken it
 * over since. */
bool quarry_is_in_group(const struct quarry *quarry, const struct proc_fact *fact) {
  struct proc_fact leader;
  if (fact->group != quarry->leader || fact->owner != geteuid())
    return false;
  return !fact_read(quarry->leader, &leader) || leader.started == quarry->leader_started;
}

bool quarry_is_stray(const struct quarry *quarry, const struct proc_fact *fact) {
  (void)quarry;
  return fact->parent == getpid();
}

/* ---- On main ---- */

static void free_quarry(struct quarry *quarry) {
  struct quarry **at = &running;
  while (*at && *at != quarry)
    at = &(*at)->next;
  if (*at)
    *at = quarry->next;
  evtimer_del(&quarry->timer);
  free(quarry->members);
  free(quarry->spared);
  free(quarry);
}

static void submit(struct quarry *quarry) {
  free(quarry->spared);
  quarry->spared = children_pids(&quarry->spared_count, quarry->leader);
  quarry->should_kill = quarry->kill_at_ms <= loop_now_ms();
  quarry->is_working = true;
  workers_submit(&quarry->work);
}

static void wait_a_little(struct quarry *quarry) {
  unsigned pause_ms = quarry->round > 4 ? PAUSE_MOST_MS : PAUSE_LEAST_MS << quarry->round;
  const struct timeval delay = {.tv_usec = (suseconds_t)pause_ms * 1000};
  quarry->round++;
  evtimer_add(&quarry->timer, &delay);
}

static void round_done(struct work *work, bool cancelled) {
  struct quarry *quarry = (struct quarry *)work;
  quarry->is_working = false;
  if (quarry->is_abandoned || cancelled) {
    free_quarry(quarry);
    return;
  }
  if (quarry->alive) {
    wait_a_little(quarry);
    return;
  }
  void (*done)(void *ctx) = quarry->done;
  void *ctx = quarry->ctx;
  free_quarry(quarry);
  if (done)
    done(ctx);
}

static void on_timer(evutil_socket_t fd, short what, void *arg) {
  struct quarry *quarry = arg;
  (void)fd;
  (void)what;
  if (!quarry->is_working)
    submit(quarry);
}

struct quarry *quarry_begin(const struct quarry *wanted) {
  LOOP_MAIN();
  struct quarry *quarry = mem_alloc(sizeof(*quarry));
  *quarry = *wanted;
  quarry->work = (struct work){.run = run_round, .done = round_done};
  quarry->next = running;
  running = quarry;
  evtimer_assign(&quarry->timer, loop_base(), on_timer, quarry);
  if (quarry->leader) {
    quarry->members = mem_alloc(sizeof(*quarry->members));
    *quarry->members = (struct quarry_member){.pid = quarry->leader, .started = quarry->leader_started};
    quarry->member_count = 1;
  }
  submit(quarry);
  return quarry;
}

void quarry_hasten(struct quarry *quarry) {
  quarry->kill_at_ms = 0;
  quarry->round = 0;
  if (!quarry->is_working)
    event_active(&quarry->timer, EV_TIMEOUT, 0);
}

unsigned quarries_running(void) {
  unsigned count = 0;
  for (const struct quarry *quarry = running; quarry; quarry = quarry->next)
    count++;
  return count;
}

void quarries_hasten(void) {
  for (struct quarry *quarry = running; quarry; quarry = quarry->next)
    quarry_hasten(quarry);
}

void quarries_release(void) {
  for (struct quarry *quarry = running, *next; quarry; quarry = next) {
    next = quarry->next;
    quarry->is_abandoned = true;
    if (!quarry->is_working)
      free_quarry(quarry);
  }
  running = NULL;
}
