/* Response heads; see head.h. */
#include "client/head.h"
#include "base/str.h"

#include <stdlib.h>

#define HEAD_BYTES_MAX ((size_t)256 * 1024)
#define HEAD_LINES_MAX 512u

void head_clear(struct head *head) {
  buf_release(&head->text);
  *head = (struct head){0};
}

static bool is_empty(bp_str line) {
  return str_eq(line, BP_LIT("\r\n")) || str_eq(line, BP_LIT("\n"));
}

enum head_line head_take(struct head *head, bp_str line) {
  if (str_starts(line, BP_LIT("HTTP/"))) {
    head_clear(head);
    return HEAD_GOES_ON;
  }
  if (head->is_complete)
    return HEAD_GOES_ON;
  if (is_empty(line)) {
    head->is_complete = true;
    return HEAD_IS_COMPLETE;
  }
  ptrdiff_t colon = str_find(line, ':');
  if (colon <= 0)
    return HEAD_GOES_ON;
  if (head->text.len + line.len > HEAD_BYTES_MAX || ++head->count > HEAD_LINES_MAX)
    return HEAD_IS_TOO_LARGE;
  head->has_location |= str_ieq(bp_str_make(line.ptr, (size_t)colon), BP_LIT("Location"));
  buf_append_str(&head->text, line);
  return head->text.failed ? HEAD_IS_TOO_LARGE : HEAD_GOES_ON;
}

static bp_str without_end(bp_str line) {
  while (line.len > 0 && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == '\n'))
    line.len--;
  return line;
}

bp_client_header *head_list(const struct head *head, bp_array *ret) {
  bp_client_header *list = calloc(head->count + 1, sizeof(*list));
  bp_str rest = buf_str(&head->text);
  uint32_t count = 0;
  if (!list)
    return NULL;
  for (ptrdiff_t end; count < head->count && (end = str_find(rest, '\n')) >= 0; count++) {
    bp_str line = without_end(bp_str_make(rest.ptr, (size_t)end));
    size_t colon = (size_t)str_find(line, ':');
    list[count] = (bp_client_header){.size = sizeof(list[0]), .name = bp_str_make(line.ptr, colon)};
    list[count].value = str_trim(bp_str_make(line.ptr + colon + 1, line.len - colon - 1));
    rest = bp_str_make(rest.ptr + end + 1, rest.len - (size_t)end - 1);
  }
  *ret = (bp_array){list, count, sizeof(*list)};
  return list;
}
