/* Packets with attachments: what has come of one that is not complete, and the placeholders that stand for them. */
#include "client.h"

#include <stdlib.h>
#include <string.h>

bool partial_begin(struct client *client, bp_str text) {
  int64_t bytes = (int64_t)(text.len + sizeof(struct partial));
  if (!session_charge(client->session, bytes))
    return false;
  struct partial *partial = calloc(1, sizeof(*partial));
  char *copy = malloc(text.len);
  if (!partial || !copy) {
    free(partial);
    free(copy);
    session_charge(client->session, -bytes);
    return false;
  }
  memcpy(copy, text.ptr, text.len);
  *partial = (struct partial){.text = copy, .text_len = text.len, .charged = bytes};
  sio_packet_parse(bp_str_make(copy, text.len), &partial->packet);
  client->partial = partial;
  return true;
}

void partial_drop(struct client *client) {
  struct partial *partial = client->partial;
  if (!partial)
    return;
  client->partial = NULL;
  for (uint32_t i = 0; i < partial->count; i++)
    free((void *)(uintptr_t)partial->attachments[i].ptr);
  session_charge(client->session, -partial->charged);
  free(partial->text);
  free(partial);
}

static bool add(struct client *client, struct partial *partial, bp_str data) {
  int64_t bytes = (int64_t)data.len + 1;
  if (!session_charge(client->session, bytes))
    return false;
  partial->charged += bytes;
  char *copy = malloc(data.len + 1);
  if (!copy)
    return false;
  if (data.len)
    memcpy(copy, data.ptr, data.len);
  partial->attachments[partial->count++] = bp_str_make(copy, data.len);
  return true;
}

/* The packet is handed on while it no longer hangs on the client: its handler may end the client. */
void partial_add(struct client *client, bp_str data) {
  struct partial *partial = client->partial;
  if (!add(client, partial, data)) {
    session_end(client->session, "too much is waiting for attachments");
    return;
  }
  if (partial->count < partial->packet.attachments)
    return;
  session_charge(client->session, -partial->charged);
  client->partial = NULL;
  client_take(client, &partial->packet, partial->attachments, partial->count);
  for (uint32_t i = 0; i < partial->count; i++)
    free((void *)(uintptr_t)partial->attachments[i].ptr);
  free(partial->text);
  free(partial);
}

/* ---- Placeholders ---- */

static bool is_placeholder(const bp_json_1 *json, bp_json value) {
  bp_json flag = 0;
  return json->get(value, BP_LIT("_placeholder"), &flag) == BP_OK && json->type(flag) == BP_JSON_TRUE;
}

static bool placeholder_fits(const bp_json_1 *json, bp_json value, uint32_t count) {
  bp_json number = 0;
  int64_t index;
  return json->get(value, BP_LIT("num"), &number) == BP_OK && json->integer(number, &index) == BP_OK && index >= 0 && index < (int64_t)count;
}

static bool members_fit(const bp_json_1 *json, bp_json object, uint32_t count) {
  uint64_t cursor = 0;
  bp_str key;
  bp_json value = 0;
  while (json->next(object, &cursor, &key, &value) == BP_OK)
    if (!placeholders_fit(json, value, count))
      return false;
  return true;
}

/* Recursion ends with the parser's depth limit. In a packet without attachments a placeholder is an object like any other. */
bool placeholders_fit(const bp_json_1 *json, bp_json value, uint32_t count) {
  uint32_t type = json->type(value);
  if (count == 0)
    return true;
  if (type == BP_JSON_OBJECT)
    return is_placeholder(json, value) ? placeholder_fits(json, value, count) : members_fit(json, value, count);
  if (type != BP_JSON_ARRAY)
    return true;
  for (uint32_t i = 0; i < json->count(value); i++) {
    bp_json item = 0;
    if (json->at(value, i, &item) != BP_OK || !placeholders_fit(json, item, count))
      return false;
  }
  return true;
}
