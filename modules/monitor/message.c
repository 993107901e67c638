/* One line of the log as a message: any JSON object. Whatever else a line holds is no message and never a fault. */
#include "monitor.h"

static struct kit_text compact(const bp_json_1 *json, bp_plugin self, bp_json value) {
  bp_json_writer out = 0;
  if (json->writer_new(self, &out) != BP_OK)
    return (struct kit_text){NULL, 0};
  json->put_value(out, value);
  return kit_text_of_writer(json, out);
}

void message_parse(const bp_json_1 *json, bp_plugin self, bp_str line, struct message *ret) {
  bp_json root = 0, member = 0;
  bp_str type;
  *ret = (struct message){0};
  if (json->parse(self, line, &root, NULL) != BP_OK)
    return;
  if (json->type(root) == BP_JSON_OBJECT) {
    bool has_type = json->get(root, BP_LIT("msg_type"), &member) == BP_OK && json->string(member, &type) == BP_OK;
    ret->type = kit_text_copy(has_type ? type : BP_LIT("UNKNOWN"));
    if (json->get(root, BP_LIT("timestamp"), &member) == BP_OK)
      ret->timestamp = compact(json, self, member);
    ret->json = compact(json, self, root);
  }
  json->release(self, root);
}

void message_free(struct message *message) {
  kit_text_free(&message->json);
  kit_text_free(&message->type);
  kit_text_free(&message->timestamp);
}

size_t message_bytes(const struct message *message) {
  return message->json.len + message->type.len + message->timestamp.len;
}
