/* When samples are taken: each second while somebody listens, every few seconds for the history, and for a request. A worker
 * takes them, one at a time; requests that come meanwhile share it. */
#include "system.h"

#include <stdlib.h>

#define TICK_MS 1000
#define WAITING_MOST 1024
#define USAGE_NS 200000000 /* the least time a usage is told of */

struct waiting {
  struct waiting *next;
  bp_request request;
};

struct work {
  struct system *system;
  struct sample sample;
};

static bool is_loopback(const struct net *net) {
  return net->name[0] == 'l' && net->name[1] == 'o' && net->name[2] == '\0';
}

static uint64_t all_bytes(const struct sample *sample, bool sent) {
  uint64_t bytes = 0;
  for (unsigned i = 0; i < sample->net_count; i++)
    if (!is_loopback(&sample->nets[i]))
      bytes += sent ? sample->nets[i].sent_bytes : sample->nets[i].received_bytes;
  return bytes;
}

static double rate(uint64_t before, uint64_t now, double seconds) {
  return now >= before && seconds > 0 ? (double)(now - before) / seconds : 0;
}

/* What only two samples together tell. Too soon after the one before, its figures are told again. */
static void compare(struct system *s, struct sample *now) {
  const struct sample *before = &s->last;
  int64_t passed_ns = now->monotonic_ns - before->monotonic_ns;
  if (before->time_ns == 0) {
    s->last = *now;
    return;
  }
  if (passed_ns < USAGE_NS) {
    now->cpu_usage = before->cpu_usage;
    now->received_per_s = before->received_per_s;
    now->sent_per_s = before->sent_per_s;
    return;
  }
  double seconds = (double)passed_ns / 1e9;
  now->cpu_usage = cpu_percent(&before->ticks, &now->ticks);
  now->received_per_s = rate(all_bytes(before, false), all_bytes(now, false), seconds);
  now->sent_per_s = rate(all_bytes(before, true), all_bytes(now, true), seconds);
  s->last = *now;
}

static void keep(struct system *s, const struct sample *sample) {
  const struct point *newest = s->history_count ? &s->history[(s->history_next + HISTORY_MOST - 1) % HISTORY_MOST] : NULL;
  int64_t least_ns = s->history_every_s * 1000000000 - 500000000;
  if (!s->history || (newest && sample->monotonic_ns - newest->monotonic_ns < least_ns))
    return;
  s->history[s->history_next] = point_of(sample);
  s->history_next = (s->history_next + 1) % HISTORY_MOST;
  s->history_count += s->history_count < HISTORY_MOST;
}

static void publish(const struct system *s, const struct sample *sample) {
  bp_json_writer out = 0;
  bp_str text;
  if (s->live->listeners(BP_LIT("system.stats")) == 0 || s->json->writer_new(s->self, &out) != BP_OK)
    return;
  const struct point point = point_of(sample);
  write_point(s, &point, out);
  if (s->json->writer_text(out, &text, NULL) == BP_OK)
    s->live->publish(s->self, BP_LIT("system.stats"), bp_str_make(NULL, 0), text);
  s->json->writer_free(out);
}

static void answer_waiting(struct system *s, const struct sample *sample, bp_status status) {
  struct waiting *waiting = s->waiting;
  s->waiting = NULL;
  s->waiting_count = 0;
  for (struct waiting *next; waiting; waiting = next) {
    next = waiting->next;
    if (sample)
      answer_stats(s, waiting->request, sample);
    else
      s->http->reply_failure(waiting->request, status, NULL);
    free(waiting);
  }
}

static void run(void *ctx) {
  sample_read(&((struct work *)ctx)->sample);
}

static void taken(void *ctx, bp_status status) {
  struct work *work = ctx;
  struct system *s = work->system;
  s->is_sampling = false;
  if (status == BP_OK) {
    compare(s, &work->sample);
    keep(s, &work->sample);
    publish(s, &work->sample);
  }
  answer_waiting(s, status == BP_OK ? &work->sample : NULL, status);
  free(work);
}

static bp_status take(struct system *s) {
  if (s->is_sampling)
    return BP_OK;
  struct work *work = calloc(1, sizeof(*work));
  if (!work)
    return BP_E_NO_MEMORY;
  work->system = s;
  bp_status status = s->loop->work(s->self, run, taken, work);
  if (status == BP_OK)
    s->is_sampling = true;
  else
    free(work);
  return status;
}

static void on_tick(void *ctx, bp_timer timer) {
  struct system *s = ctx;
  (void)timer;
  bool is_due = s->last.time_ns == 0 || s->core->now_monotonic_ns() - s->last.monotonic_ns >= s->history_every_s * 1000000000 - 500000000;
  if (is_due || s->live->listeners(BP_LIT("system.stats")) > 0)
    take(s);
}

void sampler_answer(struct system *s, bp_request request) {
  struct waiting *waiting = s->waiting_count < WAITING_MOST ? calloc(1, sizeof(*waiting)) : NULL;
  bp_status status = waiting ? take(s) : BP_E_BUSY;
  if (status != BP_OK) {
    free(waiting);
    s->http->reply_failure(request, status, NULL);
    return;
  }
  s->http->defer(request, NULL, NULL);
  *waiting = (struct waiting){.next = s->waiting, .request = request};
  s->waiting = waiting;
  s->waiting_count++;
}

bp_status sampler_start(struct system *s) {
  take(s);
  return s->loop->timer(s->self, TICK_MS, TICK_MS, on_tick, s, NULL);
}
