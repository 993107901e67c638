/* What a change asks for: read from the body, told to the policy as facts, and taken back from there. */
#include "files.h"

#include <stdlib.h>
#include <string.h>

static const struct {
  const char *word;
  enum action action;
} actions[] = {
    {"copy", COPY},     {"create-folder", CREATE_FOLDER},
    {"delete", DELETE}, {"empty-trash", EMPTY_TRASH},
    {"move", MOVE},     {"rename", RENAME},
    {"upload", UPLOAD}, {"write", WRITE},
};
#define ACTION_COUNT (sizeof(actions) / sizeof(actions[0]))

bp_str order_word(enum action action) {
  for (unsigned i = 0; i < ACTION_COUNT; i++)
    if (actions[i].action == action)
      return str_z(actions[i].word);
  return BP_LIT("none");
}

static enum action action_of(bp_str word) {
  for (unsigned i = 0; i < ACTION_COUNT; i++)
    if (actions[i].action != UPLOAD && kit_same(word, actions[i].word))
      return actions[i].action;
  return ACTION_NONE;
}

/* ---- Members of the body ---- */

/* A text, or NULL ptr where it is absent or null; anything else is a fault. */
static bp_str text_of(const struct files *f, bp_json body, struct order *order, const char *name) {
  bp_json value = 0;
  bp_str text = {NULL, 0};
  if (f->json->get(body, str_z(name), &value) == BP_OK && f->json->type(value) != BP_JSON_NULL && f->json->string(value, &text) != BP_OK)
    order->fault = "path, name, to, content and encoding must be strings";
  return text;
}

static uint32_t flag_of(const struct files *f, bp_json body, struct order *order, const char *name, uint32_t value_if_absent) {
  bp_json value = 0;
  uint32_t flag = value_if_absent;
  if (f->json->get(body, str_z(name), &value) == BP_OK && f->json->type(value) != BP_JSON_NULL && f->json->boolean(value, &flag) != BP_OK)
    order->fault = "permanent, overwrite and parents must be true or false";
  return flag;
}

static void refuse(struct order *order, uint32_t status, const char *fault) {
  if (order->fault)
    return;
  order->fault = fault;
  order->fault_status = status;
}

static void take_path(struct order *order, enum path_verdict verdict) {
  if (verdict == PATH_OUTSIDE)
    refuse(order, 403, "Access denied: Path is outside allowed directory");
  else if (verdict == PATH_TOO_LONG)
    refuse(order, 400, "path is longer than 4095 bytes");
}

/* ---- Each action ---- */

static void read_create(struct order *order, bp_str path, bp_str name) {
  if (path.len == 0 || name.len == 0)
    refuse(order, 400, "path and name are required");
  else
    take_path(order, path_join(path, name, order->path));
}

static void read_path(struct order *order, bp_str path) {
  if (path.len == 0)
    refuse(order, 400, "path is required");
  else
    take_path(order, path_read(path, order->path));
  if (order->path[0] == '\0')
    refuse(order, 403, "Access denied: The root itself stays as it is");
}

static void read_rename(struct order *order, bp_str path, bp_str name) {
  if (path.len == 0 || name.len == 0)
    refuse(order, 400, "path and name are required");
  else if (!path_is_name(name))
    refuse(order, 400, "name must be one name without slashes; to move, ask for the action move");
  read_path(order, path);
  if (order->fault)
    return;
  bp_str whole = str_z(order->path), last = path_name(whole);
  take_path(order, path_join(bp_str_make(whole.ptr, whole.len - last.len), name, order->to));
}

static void read_target(struct order *order, bp_str path, bp_str to) {
  if (path.len == 0 || to.len == 0)
    refuse(order, 400, "path and to are required");
  read_path(order, path);
  if (!order->fault)
    take_path(order, path_read(to, order->to));
  if (order->to[0] == '\0')
    refuse(order, 400, "to must be a path below the root");
}

static void read_write(struct order *order, bp_str path, bp_str content, bp_str encoding) {
  read_path(order, path);
  if (!content.ptr)
    refuse(order, 400, "content is required");
  order->content = content;
  order->is_base64 = encoding.len == 6 && memcmp(encoding.ptr, "base64", 6) == 0;
  if (encoding.len && !order->is_base64 && !(encoding.len == 4 && memcmp(encoding.ptr, "utf8", 4) == 0))
    refuse(order, 400, "encoding must be utf8 or base64");
}

static void read_fields(const struct files *f, bp_json body, struct order *order) {
  bp_str path = text_of(f, body, order, "path"), name = text_of(f, body, order, "name"), to = text_of(f, body, order, "to");
  bp_str content = text_of(f, body, order, "content"), encoding = text_of(f, body, order, "encoding");
  order->is_permanent = flag_of(f, body, order, "permanent", 0);
  order->overwrites = flag_of(f, body, order, "overwrite", order->action == WRITE);
  order->makes_parents = flag_of(f, body, order, "parents", 0);
  if (order->fault)
    return;
  if (order->action == CREATE_FOLDER)
    read_create(order, path, name);
  else if (order->action == DELETE)
    read_path(order, path);
  else if (order->action == WRITE)
    read_write(order, path, content, encoding);
  else if (order->action == RENAME)
    read_rename(order, path, name);
  else if (order->action != EMPTY_TRASH)
    read_target(order, path, to);
}

void order_read(const struct files *f, bp_request request, struct order *ret) {
  bp_json body = 0;
  *ret = (struct order){.fault_status = 400};
  if (f->http->body(request, &body) == BP_OK)
    ret->action = action_of(text_of(f, body, ret, "action"));
  if (ret->action == ACTION_NONE)
    ret->fault = "Invalid action";
  else
    read_fields(f, body, ret);
}

void order_read_upload(const struct files *f, bp_request request, struct order *ret) {
  bp_str path = BP_STR("");
  *ret = (struct order){.action = UPLOAD, .fault_status = 400};
  f->http->param(request, BP_LIT("path"), &path);
  f->http->param_boolean(request, BP_LIT("overwrite"), &ret->overwrites);
  take_path(ret, path_read(path, ret->path));
}

/* ---- Facts ---- */

static void put_facts(const struct files *f, const struct order *order, bp_json_writer facts) {
  f->json->object_begin(facts);
  json_text_member(f->json, facts, BP_LIT("module"), BP_LIT("files"));
  json_text_member(f->json, facts, BP_LIT("action"), order_word(order->action));
  if (!order->fault && order->action != EMPTY_TRASH) {
    json_text_member(f->json, facts, BP_LIT("path"), str_z(order->path));
    put_absolute(f, facts, BP_LIT("absolute"), str_z(order->path));
  }
  if (!order->fault && order->to[0]) {
    json_text_member(f->json, facts, BP_LIT("to"), str_z(order->to));
    put_absolute(f, facts, BP_LIT("to_absolute"), str_z(order->to));
  }
  f->json->key(facts, BP_LIT("bytes"));
  f->json->put_integer(facts, (int64_t)order->content.len);
  f->json->key(facts, BP_LIT("permanent"));
  f->json->put_boolean(facts, order->is_permanent);
  f->json->key(facts, BP_LIT("overwrite"));
  f->json->put_boolean(facts, order->overwrites);
}

bp_status facts_change(void *state, bp_request request, bp_json_writer facts) {
  const struct files *f = state;
  struct order order;
  order_read(f, request, &order);
  put_facts(f, &order, facts);
  f->json->object_end(facts);
  return BP_OK;
}

/* An upload also says what the files are called. */
bp_status facts_upload(void *state, bp_request request, bp_json_writer facts) {
  const struct files *f = state;
  struct order order;
  order_read_upload(f, request, &order);
  put_facts(f, &order, facts);
  f->json->key(facts, BP_LIT("names"));
  f->json->array_begin(facts);
  for (uint32_t i = 0; i < f->stream->part_count(request); i++) {
    bp_part part = {.size = sizeof(part)};
    if (f->stream->part(request, i, &part) == BP_OK && part.is_file)
      f->json->put_string(facts, part.filename);
  }
  f->json->array_end(facts);
  f->json->object_end(facts);
  return BP_OK;
}

static bool take(const struct files *f, bp_json facts, const char *name, char ret[PATH_BYTES]) {
  bp_json value = 0;
  bp_str text = BP_STR("");
  if (f->json->get(facts, str_z(name), &value) != BP_OK)
    return true;
  return f->json->string(value, &text) == BP_OK && path_read(text, ret) == PATH_FINE;
}

static void take_flag(const struct files *f, bp_json facts, const char *name, uint32_t *ret) {
  bp_json value = 0;
  if (f->json->get(facts, str_z(name), &value) == BP_OK)
    f->json->boolean(value, ret);
}

bool order_take_facts(const struct files *f, bp_request request, struct order *order) {
  bp_json facts = 0;
  if (f->http->facts(request, &facts) != BP_OK)
    return false;
  take_flag(f, facts, "permanent", &order->is_permanent);
  take_flag(f, facts, "overwrite", &order->overwrites);
  return take(f, facts, "path", order->path) && take(f, facts, "to", order->to);
}
