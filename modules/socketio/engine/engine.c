/* The engine itself: the table of sessions by id, the allowance for waiting bytes, and the timer that looks at deadlines. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 64u
#define SLACK_MAX_MS 250

int64_t engine_now_ms(const struct engine *engine) {
  return engine->t.core->now_monotonic_ns() / 1000000 + 1;
}

/* ---- The table ---- */

/* Ids are random, so their first characters are spread well enough. */
static uint32_t bucket_of(const struct engine *engine, const char *sid) {
  uint32_t hash = 0;
  for (unsigned i = 0; i < 8; i++)
    hash = hash * 67 + (unsigned char)sid[i];
  return hash & (engine->bucket_count - 1);
}

/* Takes as long for a near miss as for a far one. */
static bool same_sid(const char *a, const char *b) {
  unsigned char difference = 0;
  for (unsigned i = 0; i < SID_BYTES; i++)
    difference |= (unsigned char)(a[i] ^ b[i]);
  return difference == 0;
}

struct session *engine_find(struct engine *engine, bp_str sid) {
  if (sid.len != SID_BYTES)
    return NULL;
  struct session *session = engine->buckets[bucket_of(engine, sid.ptr)];
  while (session && !same_sid(session->sid, sid.ptr))
    session = session->same_hash;
  return session;
}

static void put_in_bucket(struct engine *engine, struct session *session) {
  struct session **bucket = &engine->buckets[bucket_of(engine, session->sid)];
  session->same_hash = *bucket;
  *bucket = session;
}

/* Longer chains are all that is lost where there is no memory for a larger table. */
static void grow(struct engine *engine) {
  struct session **larger = calloc((size_t)engine->bucket_count * 4, sizeof(*larger));
  if (!larger)
    return;
  free(engine->buckets);
  engine->buckets = larger;
  engine->bucket_count *= 4;
  for (struct session *s = engine->first; s; s = s->next)
    put_in_bucket(engine, s);
}

void engine_table_add(struct engine *engine, struct session *session) {
  if (engine->count >= engine->bucket_count)
    grow(engine);
  session->next = engine->first;
  if (engine->first)
    engine->first->previous = session;
  engine->first = session;
  engine->count++;
  put_in_bucket(engine, session);
}

void engine_table_remove(struct engine *engine, struct session *session) {
  struct session **link = &engine->buckets[bucket_of(engine, session->sid)];
  while (*link != session)
    link = &(*link)->same_hash;
  *link = session->same_hash;
  *(session->previous ? &session->previous->next : &engine->first) = session->next;
  if (session->next)
    session->next->previous = session->previous;
  engine->count--;
}

/* ---- Waiting bytes ---- */

/* What WebSockets had waiting is known from their last message only: before the answer is no, it is asked for anew. */
static void recount(struct engine *engine) {
  for (struct session *s = engine->first; s; s = s->next) {
    if (s->backlog == 0)
      continue;
    uint64_t now = engine->t.ws->buffered(s->ws);
    uint32_t waiting = now < s->backlog ? (uint32_t)now : s->backlog;
    engine->waiting_bytes -= s->backlog - waiting;
    s->backlog = waiting;
  }
}

bool engine_charge(struct engine *engine, int64_t bytes) {
  if (bytes > 0 && engine->waiting_bytes + (uint64_t)bytes > engine->limits.total_bytes) {
    recount(engine);
    if (engine->waiting_bytes + (uint64_t)bytes > engine->limits.total_bytes)
      return false;
  }
  engine->waiting_bytes += (uint64_t)bytes;
  return true;
}

/* ---- Deadlines ---- */

static void on_timer(void *ctx, bp_timer timer);

/* Deadlines close to each other share one wake-up. */
static int64_t slack_ms(const struct engine *engine) {
  const struct engine_limits *l = &engine->limits;
  int64_t shorter = l->ping_interval_ms < l->ping_timeout_ms ? l->ping_interval_ms : l->ping_timeout_ms;
  int64_t slack = shorter / 64;
  return slack > SLACK_MAX_MS ? SLACK_MAX_MS : slack;
}

static void wake_at(struct engine *engine, int64_t at_ms) {
  if (engine->timer_ms != 0 && engine->timer_ms <= at_ms)
    return;
  if (engine->timer_ms != 0)
    engine->t.loop->timer_cancel(engine->timer);
  int64_t delay_ms = at_ms - engine_now_ms(engine);
  engine->timer_ms = engine->t.loop->timer(engine->t.self, delay_ms > 0 ? delay_ms : 0, 0, on_timer, engine, &engine->timer) == BP_OK ? at_ms : 0;
}

void engine_due(struct engine *engine, enum queue queue, struct due *due, int64_t at_ms) {
  due_set(&engine->queues[queue], due, at_ms);
  wake_at(engine, at_ms + slack_ms(engine));
}

static void ping(struct session *session) {
  struct engine *engine = session->engine;
  /* Counted from when the ping was due, so that the answer's time does not drift with ours. Where it leaves late, because the machine
   * was busy, the client still has half of the time. */
  int64_t due_ms = session->beat.at_ms + engine->limits.ping_timeout_ms;
  int64_t least_ms = engine_now_ms(engine) + engine->limits.ping_timeout_ms / 2;
  due_clear(&engine->queues[QUEUE_PING], &session->beat);
  session->waits_pong = true;
  engine_due(engine, QUEUE_PONG, &session->beat, due_ms > least_ms ? due_ms : least_ms);
  session_send(session, BP_LIT("2"));
}

static struct session *session_of(struct due *due, size_t offset) {
  return (struct session *)(void *)((char *)due - offset);
}

static void run_due(struct engine *engine, enum queue queue, struct due *due) {
  switch (queue) {
  case QUEUE_PING:
    ping(session_of(due, offsetof(struct session, beat)));
    break;
  case QUEUE_PONG:
    session_end(session_of(due, offsetof(struct session, beat)), "ping timeout");
    break;
  case QUEUE_UPGRADE: {
    struct session *session = session_of(due, offsetof(struct session, upgrade_due));
    due_clear(&engine->queues[queue], due);
    websocket_close(session, &session->probe, 1000);
    break;
  }
  default:
    session_end(session_of(due, offsetof(struct session, expect_due)), "connect timeout");
  }
}

static void on_timer(void *ctx, bp_timer timer) {
  struct engine *engine = ctx;
  int64_t now_ms = engine_now_ms(engine), next_ms = 0;
  (void)timer;
  engine->timer_ms = INT64_MIN; /* what is set now need not wake anybody: the end of this does */
  for (unsigned queue = 0; queue < QUEUE_COUNT; queue++)
    while (engine->queues[queue].first && engine->queues[queue].first->at_ms <= now_ms)
      run_due(engine, (enum queue)queue, engine->queues[queue].first);
  engine->timer_ms = 0;
  for (unsigned queue = 0; queue < QUEUE_COUNT; queue++) {
    const struct due *first = engine->queues[queue].first;
    if (first && (next_ms == 0 || first->at_ms < next_ms))
      next_ms = first->at_ms;
  }
  if (next_ms != 0 && !engine->is_closed)
    wake_at(engine, next_ms + slack_ms(engine));
}

/* ---- Life ---- */

struct engine *engine_new(const struct engine_tables *tables, const struct engine_limits *limits, const struct engine_events *events, void *ctx) {
  struct engine *engine = calloc(1, sizeof(*engine));
  if (!engine)
    return NULL;
  *engine = (struct engine){.t = *tables, .limits = *limits, .events = events, .ctx = ctx, .bucket_count = BUCKETS_MIN};
  engine->buckets = calloc(BUCKETS_MIN, sizeof(*engine->buckets));
  if (engine->buckets)
    return engine;
  free(engine);
  return NULL;
}

static bool is_polling(const struct session *session) {
  return !session->ws;
}

void engine_stop(struct engine *engine) {
  engine->is_stopping = true;
  sessions_end(engine, is_polling, "server shutting down");
}

void engine_close(struct engine *engine) {
  engine->is_closed = true;
  while (engine->first)
    session_end(engine->first, "server shutting down");
}

void engine_free(struct engine *engine) {
  if (!engine)
    return;
  free(engine->handles);
  free(engine->waiting);
  free(engine->buckets);
  free(engine);
}
