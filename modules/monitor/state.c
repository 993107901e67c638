/* What the files held when they were last looked at, on main. One scan runs at a time; whoever asks while it runs waits for the
 * next, so that an answer is never older than its question. */
#include "monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_MS 20
#define WATCH_RETRY_MS 2000

struct waiter {
  struct waiter *next;
  scanned_fn fn;
  void *ctx;
};

static void tell_all(struct waiter *waiter, bp_status status) {
  while (waiter) {
    struct waiter *next = waiter->next;
    waiter->fn(waiter->ctx, status);
    free(waiter);
    waiter = next;
  }
}

/* ---- Taking over what a scan saw ---- */

static void drop_lines(struct monitor *m, uint32_t count) {
  for (; count > 0 && m->line_count > 0; count--) {
    struct message *first = &m->lines[m->line_first];
    m->line_bytes -= message_bytes(first);
    message_free(first);
    m->line_first = (m->line_first + 1) % LINES_MOST;
    m->line_count--;
  }
}

static void add_line(struct monitor *m, const struct message *message) {
  if (m->line_count == LINES_MOST)
    drop_lines(m, 1);
  m->lines[(m->line_first + m->line_count++) % LINES_MOST] = *message;
  m->line_bytes += message_bytes(message);
  while (m->line_bytes > TAIL_BYTES && m->line_count > 1)
    drop_lines(m, 1);
}

static bool is_same_text(const struct kit_text *a, const struct kit_text *b) {
  return a->len == b->len && (a->len == 0 || memcmp(a->ptr, b->ptr, a->len) == 0);
}

static void take_agents(struct monitor *m, struct scan *scan) {
  if (!scan->has_agents)
    return;
  bool is_touched = scan->agents_mark.inode != m->agents_mark.inode || scan->agents_mark.modified_ns != m->agents_mark.modified_ns;
  m->agents_changed |= is_touched || scan->agents.exists != m->agents.exists || !is_same_text(&scan->agents.answer, &m->agents.answer);
  agents_free(&m->agents);
  m->agents = scan->agents;
  scan->agents = (struct agents_seen){0};
  m->agents_mark = scan->agents_mark;
}

static void take_locks(struct monitor *m, struct scan *scan) {
  m->locks_changed |= scan->locks.signature != m->locks.signature;
  kit_text_free(&m->locks.answer);
  m->locks = scan->locks;
  scan->locks = (struct locks_seen){0};
}

static void take_messages(struct monitor *m, struct scan *scan) {
  bool has_news = scan->line_count > 0 || scan->has_partial != m->has_partial || !is_same_text(&scan->partial.json, &m->partial.json);
  m->messages_changed |= has_news || (scan->is_log_new && (m->line_count > 0 || scan->log_exists != m->log_exists));
  if (scan->is_log_new)
    drop_lines(m, m->line_count);
  for (uint32_t i = 0; i < scan->line_count; i++)
    add_line(m, &scan->lines[(scan->line_first + i) % LINES_MOST]);
  scan->line_count = 0;
  message_free(&m->partial);
  m->partial = scan->partial;
  m->has_partial = scan->has_partial;
  scan->partial = (struct message){0};
  m->tail = scan->tail;
  m->log_exists = scan->log_exists;
}

/* ---- Scanning ---- */

static void scan_begin(struct monitor *m);

static void scanned(void *ctx, bp_status status) {
  struct monitor *m = ctx;
  struct scan *scan = m->scan;
  struct waiter *waiters = m->running;
  m->scan = NULL;
  m->running = NULL;
  if (status == BP_OK) {
    take_agents(m, scan);
    take_locks(m, scan);
    take_messages(m, scan);
  }
  scan_free(scan);
  tell_all(waiters, status);
  if (m->waiting && !m->scan)
    scan_begin(m);
}

/* The worker has its own struct; what main holds is changed when it is done. */
static void work(void *ctx) {
  const struct monitor *m = ctx;
  scan_run(m->scan);
}

static struct scan *scan_new(const struct monitor *m) {
  struct scan *scan = calloc(1, sizeof(*scan));
  if (!scan)
    return NULL;
  scan->lines = calloc(LINES_MOST, sizeof(*scan->lines));
  scan->json = m->json;
  scan->self = m->self;
  snprintf(scan->root, sizeof(scan->root), "%s", m->root);
  scan->agents_mark = m->agents_mark;
  scan->tail = m->tail;
  if (scan->lines)
    return scan;
  free(scan);
  return NULL;
}

static void scan_begin(struct monitor *m) {
  m->running = m->waiting;
  m->waiting = NULL;
  m->scan = scan_new(m);
  bp_status status = m->scan ? m->loop->work(m->self, work, scanned, m) : BP_E_NO_MEMORY;
  if (status == BP_OK)
    return;
  struct waiter *waiters = m->running;
  m->running = NULL;
  scan_free(m->scan);
  m->scan = NULL;
  tell_all(waiters, status);
}

void state_refresh(struct monitor *m, scanned_fn fn, void *ctx) {
  struct waiter *waiter = malloc(sizeof(*waiter));
  if (!waiter) {
    fn(ctx, BP_E_NO_MEMORY);
    return;
  }
  *waiter = (struct waiter){.next = m->waiting, .fn = fn, .ctx = ctx};
  m->waiting = waiter;
  if (!m->scan)
    scan_begin(m);
}

const struct message *state_line(const struct monitor *m, uint32_t index) {
  if (m->has_partial && index-- == 0)
    return &m->partial;
  if (index >= m->line_count)
    return NULL;
  return &m->lines[(m->line_first + m->line_count - 1 - index) % LINES_MOST];
}

/* ---- Watching ---- */

static void refreshed(void *ctx, bp_status status) {
  (void)ctx, (void)status; /* the stream's next tick tells what has changed */
}

static void changed(void *ctx, bp_watch watch, uint32_t changes, bp_str name) {
  struct monitor *m = ctx;
  (void)watch, (void)changes, (void)name;
  if (m->is_ticking)
    state_refresh(m, refreshed, m);
}

static void log_changed(void *ctx, bp_watch watch, uint32_t changes, bp_str name) {
  history_catch_up(ctx, NULL, NULL);
  changed(ctx, watch, changes, name);
}

/* The folder of locks may come and go: then the watch of a file gives way to that of a folder. */
static void locks_changed(void *ctx, bp_watch watch, uint32_t changes, bp_str name) {
  struct monitor *m = ctx;
  if (name.len == 0 && (changes & BP_WATCH_CREATED)) {
    char path[4200];
    snprintf(path, sizeof(path), "%s/" LOCKS_FOLDER, m->root);
    m->watch->close(watch);
    m->watch->open(m->self, str_z(path), SETTLE_MS, locks_changed, m, NULL);
  }
  changed(ctx, watch, changes, name);
}

static const struct {
  const char *name;
  bp_watch_fn fn;
} watched[] = {{AGENTS_FILE, changed}, {LOCKS_FOLDER, locks_changed}, {LOG_FILE, log_changed}};

static void watch_again(void *ctx, bp_timer timer) {
  (void)timer;
  state_watch(ctx);
}

/* The folder they lie in may come later: then it is tried again. */
void state_watch(struct monitor *m) {
  bool is_missing = false;
  for (unsigned i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
    char path[4200];
    if (m->is_watching[i])
      continue;
    snprintf(path, sizeof(path), "%s/%s", m->root, watched[i].name);
    m->is_watching[i] = m->watch->open(m->self, str_z(path), SETTLE_MS, watched[i].fn, m, NULL) == BP_OK;
    is_missing |= !m->is_watching[i];
  }
  if (is_missing)
    m->loop->timer(m->self, WATCH_RETRY_MS, 0, watch_again, m, NULL);
}

void state_free(struct monitor *m) {
  if (m->lines)
    drop_lines(m, m->line_count);
  message_free(&m->partial);
  agents_free(&m->agents);
  kit_text_free(&m->locks.answer);
  free(m->lines);
}
