/* Rooms that clients enter and leave by events: a table from the options. */
#include "socketio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOINS_MAX 64u
#define WORD_BYTES_MAX 100u
#define ROOM_BYTES_MAX 256u

/* ---- The options ---- */

static bp_status fault(bp_error *err, const char *option, uint32_t index, const char *what) {
  err->code = BP_E_INVALID;
  snprintf(err->message, sizeof(err->message), "option \"%s\", entry %u: %s", option, (unsigned)index + 1, what);
  snprintf(err->hint, sizeof(err->hint), "write { family = \"desktop\", join = \"thing:join\", leave = \"thing:leave\", room = \"thing:\" }");
  return BP_E_INVALID;
}

/* A copy, or NULL for anything but a short text. */
static char *word(const bp_json_1 *json, bp_json entry, bp_str name) {
  bp_json value = 0;
  bp_str text;
  if (json->get(entry, name, &value) != BP_OK || json->string(value, &text) != BP_OK || text.len == 0 || text.len > WORD_BYTES_MAX)
    return NULL;
  char *copy = calloc(1, text.len + 1);
  if (copy)
    memcpy(copy, text.ptr, text.len);
  return copy;
}

static void join_free(struct join *join) {
  free(join->join);
  free(join->leave);
  free(join->room);
}

static bp_status read_entry(struct socketio *m, const char *option, uint32_t index, bp_json entry, bp_error *err) {
  struct join join = {
      .join = word(m->json, entry, BP_LIT("join")), .leave = word(m->json, entry, BP_LIT("leave")), .room = word(m->json, entry, BP_LIT("room"))};
  char *family = word(m->json, entry, BP_LIT("family"));
  join.family = family ? family_index(str_z(family)) : FAMILY_COUNT;
  free(family);
  const char *what = join.family == FAMILY_COUNT               ? "\"family\" must be \"desktop\" or \"swarm\""
                     : !join.join || !join.leave || !join.room ? "\"join\", \"leave\" and \"room\" must be texts of 1 to 100 bytes"
                     : m->join_count == JOINS_MAX              ? "there are more than 64"
                                                               : NULL;
  if (!what) {
    m->joins[m->join_count++] = join;
    return BP_OK;
  }
  join_free(&join);
  return fault(err, option, index, what);
}

static bp_status read_option(struct socketio *m, const char *option, bp_error *err) {
  bp_str text;
  bp_json list = 0, entry = 0;
  bp_status status = m->config->json_text(m->self, str_z(option), &text);
  if (status == BP_OK)
    status = m->json->parse(m->self, text, &list, err);
  if (status != BP_OK)
    return status;
  bool is_empty_table = m->json->type(list) == BP_JSON_OBJECT && m->json->count(list) == 0; /* {} is both in Lua */
  if (m->json->type(list) != BP_JSON_ARRAY && !is_empty_table)
    status = fault(err, option, 0, "it must be a list");
  for (uint32_t i = 0; status == BP_OK && m->json->at(list, i, &entry) == BP_OK; i++)
    status = read_entry(m, option, i, entry, err);
  m->json->release(m->self, list);
  return status;
}

bp_status joins_read(struct socketio *m, bp_error *err) {
  m->joins = calloc(JOINS_MAX, sizeof(*m->joins));
  if (!m->joins)
    return BP_E_NO_MEMORY;
  bp_status status = read_option(m, "joins", err);
  return status == BP_OK ? read_option(m, "extra_joins", err) : status;
}

void joins_free(struct socketio *m) {
  for (uint32_t i = 0; i < m->join_count; i++)
    join_free(&m->joins[i]);
  free(m->joins);
}

/* ---- Events ---- */

static bool is_same(bp_str text, const char *word_z) {
  return text.len == strlen(word_z) && memcmp(text.ptr, word_z, text.len) == 0;
}

/* "<prefix><id>" of an id that is a text or an integer; 0 for anything else. */
static size_t room_name(const struct socketio *m, const char *prefix, const struct sio_message *message, char out[ROOM_BYTES_MAX]) {
  bp_json argument = 0;
  bp_str text;
  int64_t number;
  char digits[24];
  if (m->json->at(message->args, message->first, &argument) != BP_OK)
    return 0;
  if (m->json->integer(argument, &number) == BP_OK)
    text = bp_str_make(digits, (size_t)snprintf(digits, sizeof(digits), "%lld", (long long)number));
  else if (m->json->string(argument, &text) != BP_OK)
    return 0;
  size_t len = strlen(prefix);
  if (text.len == 0 || len + text.len > ROOM_BYTES_MAX)
    return 0;
  memcpy(out, prefix, len); /* NOLINT(bugprone-not-null-terminated-result): it goes on below, and is counted */
  memcpy(out + len, text.ptr, text.len);
  return len + text.len;
}

void joins_take(const struct socketio *m, struct sio_socket *socket, const struct sio_message *message) {
  for (uint32_t i = 0; i < m->join_count; i++) {
    const struct join *join = &m->joins[i];
    bool joins = is_same(message->name, join->join);
    if ((!joins && !is_same(message->name, join->leave)) || !realm_has(sio_socket_realm(socket), join->family))
      continue;
    char name[ROOM_BYTES_MAX];
    bp_str room = bp_str_make(name, room_name(m, join->room, message, name));
    if (room.len && joins)
      sio_join(socket, room);
    else if (room.len)
      sio_leave(socket, room);
  }
}
