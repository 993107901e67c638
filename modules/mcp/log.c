/* What servers say outside the protocol: live to who watches, and kept in the store in pieces, the newest of each server. */
#include "instance.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>

#define LINES_A_SECOND 200u
#define WAITING_BYTES_MOST (64u * 1024)
#define LINE_BYTES_MOST (8u * 1024)
#define PIECES_KEPT 200

static const char *stream_name(uint32_t stream) {
  return stream == BP_PROC_STDERR ? "stderr" : "stdout";
}

/* False where the line is not UTF-8: the writer refuses it. */
static bool publish(struct server *server, uint32_t stream, bp_str line) {
  struct mcp *m = server->m;
  bp_json_writer out = 0;
  char at[KIT_TIME_BYTES], event[MCP_ID_BYTES_MAX + 16];
  bp_str text;
  if (m->json->writer_new(m->self, &out) != BP_OK)
    return true;
  m->json->object_begin(out);
  json_text_member(m->json, out, BP_LIT("id"), str_z(server->id));
  json_text_member(m->json, out, BP_LIT("data"), line);
  json_text_member(m->json, out, BP_LIT("stream"), str_z(stream_name(stream)));
  json_text_member(m->json, out, BP_LIT("timestamp"), kit_time_text(m->core->now_wall_ns(), at));
  m->json->object_end(out);
  bool is_text = m->json->writer_text(out, &text, NULL) == BP_OK;
  if (is_text) {
    m->live->publish(m->self, BP_LIT("mcp.log"), str_z(server->id), text);
    snprintf(event, sizeof(event), "mcp:%s:log", server->id);
    server_tell(m, event, "", text);
  }
  m->json->writer_free(out);
  return is_text;
}

/* At most LINE_BYTES_MOST, not ending in the middle of a character. */
static bp_str cut(bp_str line) {
  if (line.len <= LINE_BYTES_MOST)
    return line;
  line.len = LINE_BYTES_MOST;
  while (line.len && (line.ptr[line.len] & 0xC0) == 0x80)
    line.len--;
  return line;
}

void log_line(struct server *server, uint32_t stream, bp_str line) {
  struct mcp *m = server->m;
  int64_t now = m->core->now_monotonic_ns();
  char plain[LINE_BYTES_MOST];
  line = cut(line);
  if (now - server->log_window_ns > 1000000000) {
    server->log_window_ns = now;
    server->log_lines = 0;
  }
  server->log_lines++;
  if (server->log_lines == LINES_A_SECOND + 1)
    line = BP_LIT("[backplane] more lines this second are left out");
  else if (server->log_lines > LINES_A_SECOND)
    return;
  if (!publish(server, stream, line)) {
    for (size_t i = 0; i < line.len; i++)
      plain[i] = (unsigned char)line.ptr[i] < 0x80 && line.ptr[i] ? line.ptr[i] : '?';
    line.ptr = plain;
    publish(server, stream, line);
  }
  struct text *waiting = &server->log_waiting[stream == BP_PROC_STDERR];
  if (waiting->len + line.len + 1 > WAITING_BYTES_MOST || !text_add(waiting, line))
    return;
  text_add(waiting, BP_LIT("\n"));
}

struct writing {
  struct mcp *m;
  char *id;
};

static void on_written(void *ctx, const bp_db_outcome *outcome) {
  struct writing *writing = ctx;
  struct server *server = server_find(writing->m, str_z(writing->id));
  (void)outcome; /* a piece that is not UTF-8 or finds no room is lost; nothing waits for it */
  if (server)
    server->is_log_writing = false;
  free(writing->id);
  free(writing);
}

static void flush(struct server *server) {
  struct mcp *m = server->m;
  struct writing *writing = calloc(1, sizeof(*writing));
  if (!writing)
    return;
  *writing = (struct writing){m, str_copy(str_z(server->id))};
  bp_db_value values[2][3];
  bp_db_step steps[3];
  uint32_t count = 0;
  for (uint32_t i = 0; i < 2; i++) {
    if (!server->log_waiting[i].len)
      continue;
    values[i][0] = db_text(str_z(server->id));
    values[i][1] = db_text(str_z(stream_name(i + 1)));
    values[i][2] = db_text(text_str(&server->log_waiting[i]));
    steps[count++] = db_exec(ADD_LOG, values[i], 3);
  }
  const bp_db_value kept[] = {db_text(str_z(server->id)), db_integer(PIECES_KEPT)};
  steps[count++] = db_exec(PRUNE_LOG, kept, 2);
  const bp_array all = {steps, count, (uint32_t)sizeof(steps[0])};
  server->is_log_writing = writing->id && m->db->write(m->self, all, on_written, writing) == BP_OK;
  if (!server->is_log_writing) {
    free(writing->id);
    free(writing);
  }
  text_release(&server->log_waiting[0]);
  text_release(&server->log_waiting[1]);
}

void log_flush(struct mcp *m) {
  for (struct server *server = m->servers; server; server = server->next)
    if ((server->log_waiting[0].len || server->log_waiting[1].len) && !server->is_log_writing && !server->is_deleted)
      flush(server);
}
