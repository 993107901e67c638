/* Collecting what is wrong with a request; see errors.h. Nothing here becomes bytes of an answer. */
#include "base/str.h"
#include "router/errors.h"

#include <string.h>

/* Copies at most size - 1 bytes, and never half a character. */
static size_t copy_cut(char *to, size_t size, bp_str text) {
  size_t len = text.len < size ? text.len : size - 1;
  while (len < text.len && len > 0 && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
    len--;
  if (len > 0)
    memcpy(to, text.ptr, len);
  to[len] = '\0';
  return len;
}

struct error_item *error_add(struct error_list *list, const char *part, bp_str pointer, const char *kind, bp_str message) {
  struct error_item *item = &list->items[list->count < ERROR_ITEMS ? list->count++ : ERROR_ITEMS - 1];
  item->location[0] = '/';
  size_t len = 1 + copy_cut(item->location + 1, sizeof(item->location) - 1, str_from(part));
  copy_cut(item->location + len, sizeof(item->location) - len, pointer);
  copy_cut(item->message, sizeof(item->message), message);
  copy_cut(item->kind, sizeof(item->kind), str_from(kind));
  item->input = ERROR_INPUT_NONE;
  return item;
}

void error_add_violation(void *ctx, const struct schema_violation *violation) {
  char kind[48];
  copy_cut(kind, sizeof(kind), violation->kind);
  struct error_item *item = error_add(ctx, "body", violation->pointer, kind, violation->message);
  item->input = violation->input ? ERROR_INPUT_VALUE : ERROR_INPUT_NULL;
  item->value = violation->input;
}

void error_add_syntax(struct error_list *list, const bp_error *err) {
  char pointer[sizeof(err->pointer) + 1] = "/";
  size_t len = 1 + copy_cut(pointer + 1, sizeof(pointer) - 1, str_from(err->pointer[0] ? err->pointer : "0"));
  struct error_item *item = error_add(list, "body", bp_str_make(pointer, len), "json_invalid", BP_LIT("JSON decode error"));
  item->input = ERROR_INPUT_SYNTAX;
  item->text = str_from(err->message);
}
