/* Todos as they come: {"todos": [{"description"}]}; and in an answer of the Messages API: the input of a tool call, or the first text block, fenced
 * or with words around it. */
#include "swarm.h"

#include <string.h>

static bp_str description_of(const struct swarm *w, bp_json item) {
  bp_json value = 0;
  bp_str text = {NULL, 0};
  if (w->json->string(item, &text) != BP_OK && w->json->get(item, BP_LIT("description"), &value) == BP_OK)
    w->json->string(value, &text);
  while (text.len > 0 && strchr(" \t\r\n", text.ptr[0]))
    text = bp_str_make(text.ptr + 1, text.len - 1);
  while (text.len > 0 && strchr(" \t\r\n", text.ptr[text.len - 1]))
    text.len--;
  return text;
}

uint32_t todos_read(const struct swarm *w, bp_json value, struct kit_text descriptions[TODOS_MOST]) {
  bp_json list = value, item = 0;
  uint32_t count = 0;
  if (w->json->type(value) == BP_JSON_OBJECT && w->json->get(value, BP_LIT("todos"), &list) != BP_OK)
    return 0;
  for (uint32_t i = 0; w->json->type(list) == BP_JSON_ARRAY && count < TODOS_MOST && w->json->at(list, i, &item) == BP_OK; i++) {
    bp_str text = description_of(w, item);
    if (text.len == 0)
      continue;
    descriptions[count] = kit_text_copy(text);
    if (descriptions[count].ptr)
      count++;
  }
  return count;
}

static bp_str kind_of(const struct swarm *w, bp_json block) {
  bp_json value = 0;
  bp_str kind = {NULL, 0};
  if (w->json->get(block, BP_LIT("type"), &value) == BP_OK)
    w->json->string(value, &kind);
  return kind;
}

static uint32_t read_json(const struct swarm *w, bp_str text, struct kit_text descriptions[TODOS_MOST]) {
  bp_json root = 0;
  if (w->json->parse(w->self, text, &root, NULL) != BP_OK)
    return 0;
  uint32_t count = todos_read(w, root, descriptions);
  w->json->release(w->self, root);
  return count;
}

/* From the first `open` to the last `close`. */
static bp_str between(bp_str text, char open, char close) {
  const char *from = memchr(text.ptr, open, text.len);
  const char *to = memrchr(text.ptr, close, text.len);
  return from && to && to > from ? bp_str_make(from, (size_t)(to - from) + 1) : bp_str_make(NULL, 0);
}

static uint32_t read_text(const struct swarm *w, bp_str text, struct kit_text descriptions[TODOS_MOST]) {
  if (text.len == 0)
    return 0;
  uint32_t count = read_json(w, text, descriptions);
  bp_str object = between(text, '{', '}'), array = between(text, '[', ']');
  if (count == 0 && object.ptr)
    count = read_json(w, object, descriptions);
  if (count == 0 && array.ptr)
    count = read_json(w, array, descriptions);
  return count;
}

static uint32_t read_block(const struct swarm *w, bp_json block, struct kit_text descriptions[TODOS_MOST], bool *ret_is_text) {
  bp_json value = 0;
  bp_str kind = kind_of(w, block), text = {NULL, 0};
  *ret_is_text = kit_same(kind, "text");
  if (kit_same(kind, "tool_use"))
    return w->json->get(block, BP_LIT("input"), &value) == BP_OK ? todos_read(w, value, descriptions) : 0;
  if (!*ret_is_text || w->json->get(block, BP_LIT("text"), &value) != BP_OK || w->json->string(value, &text) != BP_OK)
    return 0;
  return read_text(w, text, descriptions);
}

/* Tool calls first, then the first text; others follow only where that one says nothing. */
static uint32_t read_content(const struct swarm *w, bp_json content, struct kit_text descriptions[TODOS_MOST]) {
  for (uint32_t pass = 0; pass < 2; pass++) {
    bp_json block = 0;
    for (uint32_t i = 0; w->json->at(content, i, &block) == BP_OK; i++) {
      bool is_text = false;
      if ((pass == 0) != kit_same(kind_of(w, block), "tool_use"))
        continue;
      uint32_t count = read_block(w, block, descriptions, &is_text);
      if (count > 0)
        return count;
    }
  }
  return 0;
}

uint32_t answer_read(const struct swarm *w, bp_str body, struct kit_text descriptions[TODOS_MOST], bool *ret_is_truncated) {
  bp_json root = 0, content = 0, value = 0;
  bp_str reason = {NULL, 0};
  uint32_t count = 0;
  if (w->json->parse(w->self, body, &root, NULL) != BP_OK)
    return 0;
  if (w->json->get(root, BP_LIT("stop_reason"), &value) == BP_OK && w->json->string(value, &reason) == BP_OK)
    *ret_is_truncated = kit_same(reason, "max_tokens");
  if (w->json->get(root, BP_LIT("content"), &content) == BP_OK)
    count = read_content(w, content, descriptions);
  w->json->release(w->self, root);
  return count;
}
