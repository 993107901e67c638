/* The answers, written from what state.c holds. */
#include "monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bp_json_writer begin(const struct monitor *m) {
  bp_json_writer out = 0;
  return m->json->writer_new(m->self, &out) == BP_OK ? out : 0;
}

static void put_integer(const struct monitor *m, bp_json_writer out, bp_str name, int64_t value) {
  m->json->key(out, name);
  m->json->put_integer(out, value);
}

static void put_boolean(const struct monitor *m, bp_json_writer out, bp_str name, bool value) {
  m->json->key(out, name);
  m->json->put_boolean(out, value);
}

/* A member that holds JSON text, null without one. */
static void put_text(const struct monitor *m, bp_json_writer out, bp_str name, const struct kit_text *text) {
  m->json->key(out, name);
  m->json->put_raw(out, text && text->ptr ? kit_text_str(text) : BP_LIT("null"));
}

static bp_json_writer whole(const struct monitor *m, const struct kit_text *text, bp_str empty) {
  bp_json_writer out = begin(m);
  if (out)
    m->json->put_raw(out, text->ptr ? kit_text_str(text) : empty);
  return out;
}

bp_json_writer render_agents(const struct monitor *m) {
  return whole(m, &m->agents.answer, BP_LIT("{\"session_name\":null,\"updated_at\":null,\"agents\":[]}"));
}

bp_json_writer render_locks(const struct monitor *m) {
  return whole(m, &m->locks.answer, BP_LIT("{\"locks\":[],\"count\":0}"));
}

/* Lines that are looked at: at most `limit`, from the end. */
static uint32_t line_total(const struct monitor *m, uint32_t limit) {
  uint32_t total = m->line_count + m->has_partial;
  return total < limit ? total : limit;
}

bp_json_writer render_messages(const struct monitor *m, uint32_t limit) {
  bp_json_writer out = begin(m);
  uint32_t count = 0;
  if (!out)
    return 0;
  m->json->object_begin(out);
  m->json->key(out, BP_LIT("messages"));
  m->json->array_begin(out);
  for (uint32_t i = line_total(m, limit); i-- > 0;) {
    const struct message *message = state_line(m, i);
    if (!message->json.ptr)
      continue;
    m->json->put_raw(out, kit_text_str(&message->json));
    count++;
  }
  m->json->array_end(out);
  put_integer(m, out, BP_LIT("count"), count);
  put_integer(m, out, BP_LIT("limit"), limit);
  m->json->object_end(out);
  return out;
}

/* ---- Statistics ---- */

static int by_text(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* {"INFO": 3, …} of the types, which are sorted for it. */
static void put_types(const struct monitor *m, bp_json_writer out, char **types, uint32_t count) {
  qsort(types, count, sizeof(*types), by_text);
  m->json->key(out, BP_LIT("message_types"));
  m->json->object_begin(out);
  for (uint32_t from = 0, to; from < count; from = to) {
    for (to = from + 1; to < count && strcmp(types[to], types[from]) == 0;)
      to++;
    put_integer(m, out, str_z(types[from]), to - from);
  }
  m->json->object_end(out);
}

bp_json_writer render_stats(const struct monitor *m) {
  char *types[LINES_MOST];
  uint32_t count = 0;
  const struct kit_text *latest = NULL;
  bp_json_writer out = begin(m);
  if (!out)
    return 0;
  for (uint32_t i = line_total(m, LINES_MOST); i-- > 0;) {
    const struct message *message = state_line(m, i);
    if (!message->json.ptr || !message->type.ptr)
      continue;
    types[count++] = message->type.ptr;
    latest = &message->timestamp;
  }
  m->json->object_begin(out);
  put_integer(m, out, BP_LIT("agent_count"), m->agents.count);
  put_integer(m, out, BP_LIT("lock_count"), m->locks.count);
  put_integer(m, out, BP_LIT("message_count"), count);
  put_types(m, out, types, count);
  put_text(m, out, BP_LIT("latest_activity"), latest);
  put_text(m, out, BP_LIT("session_name"), &m->agents.session_name);
  put_text(m, out, BP_LIT("updated_at"), &m->agents.updated_at);
  m->json->object_end(out);
  return out;
}

/* ---- Time ---- */

bp_str timestamp_now(const struct monitor *m, char text[TIMESTAMP_BYTES]) {
  int64_t now_ns = m->core->now_wall_ns();
  time_t seconds = (time_t)(now_ns / 1000000000);
  struct tm parts;
  gmtime_r(&seconds, &parts);
  size_t len = strftime(text, TIMESTAMP_BYTES, "%Y-%m-%dT%H:%M:%S", &parts);
  snprintf(text + len, TIMESTAMP_BYTES - len, ".%06u", (unsigned)(now_ns / 1000 % 1000000));
  return bp_str_make(text, strlen(text));
}

bp_json_writer render_timestamp(const struct monitor *m, const char *status) {
  char text[TIMESTAMP_BYTES];
  bp_json_writer out = begin(m);
  if (!out)
    return 0;
  m->json->object_begin(out);
  if (status)
    json_text_member(m->json, out, BP_LIT("status"), str_z(status));
  json_text_member(m->json, out, BP_LIT("timestamp"), timestamp_now(m, text));
  m->json->object_end(out);
  return out;
}

bp_json_writer render_health(const struct monitor *m) {
  char text[TIMESTAMP_BYTES];
  bp_json_writer out = begin(m);
  if (!out)
    return 0;
  m->json->object_begin(out);
  json_text_member(m->json, out, BP_LIT("status"), BP_LIT("healthy"));
  json_text_member(m->json, out, BP_LIT("timestamp"), timestamp_now(m, text));
  m->json->key(out, BP_LIT("files"));
  m->json->object_begin(out);
  put_boolean(m, out, BP_LIT("agents"), m->agents.exists);
  put_boolean(m, out, BP_LIT("messages"), m->log_exists);
  put_boolean(m, out, BP_LIT("locks_dir"), m->locks.exists);
  m->json->object_end(out);
  m->json->object_end(out);
  return out;
}
