/* One line of the log as a message: any JSON object. Whatever else a line holds is no message and never a fault. */
#include "monitor.h"

#include <stdlib.h>
#include <string.h>

struct text text_copy(bp_str from) {
  struct text copy = {from.ptr ? malloc(from.len + 1) : NULL, 0};
  if (copy.ptr) {
    memcpy(copy.ptr, from.ptr, from.len);
    copy.ptr[from.len] = '\0';
    copy.len = from.len;
  }
  return copy;
}

void text_free(struct text *text) {
  free(text->ptr);
  *text = (struct text){NULL, 0};
}

bp_str text_str(const struct text *text) {
  return bp_str_make(text->ptr, text->len);
}

struct text text_of_writer(const bp_json_1 *json, bp_json_writer writer) {
  bp_str text = {NULL, 0};
  struct text copy = {NULL, 0};
  if (writer && json->writer_text(writer, &text, NULL) == BP_OK)
    copy = text_copy(text);
  if (writer)
    json->writer_free(writer);
  return copy;
}

static struct text compact(const bp_json_1 *json, bp_plugin self, bp_json value) {
  bp_json_writer out = 0;
  if (json->writer_new(self, &out) != BP_OK)
    return (struct text){NULL, 0};
  json->put_value(out, value);
  return text_of_writer(json, out);
}

void message_parse(const bp_json_1 *json, bp_plugin self, bp_str line, struct message *ret) {
  bp_json root = 0, member = 0;
  bp_str type;
  *ret = (struct message){0};
  if (json->parse(self, line, &root, NULL) != BP_OK)
    return;
  if (json->type(root) == BP_JSON_OBJECT) {
    bool has_type = json->get(root, BP_LIT("msg_type"), &member) == BP_OK && json->string(member, &type) == BP_OK;
    ret->type = text_copy(has_type ? type : BP_LIT("UNKNOWN"));
    if (json->get(root, BP_LIT("timestamp"), &member) == BP_OK)
      ret->timestamp = compact(json, self, member);
    ret->json = compact(json, self, root);
  }
  json->release(self, root);
}

void message_free(struct message *message) {
  text_free(&message->json);
  text_free(&message->type);
  text_free(&message->timestamp);
}

size_t message_bytes(const struct message *message) {
  return message->json.len + message->type.len + message->timestamp.len;
}
