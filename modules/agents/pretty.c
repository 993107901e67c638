/* JSON text as Python's json.dumps(indent=2) lays it out, because these files are read and compared by people. */
#include "agents.h"

#include <stdlib.h>
#include <string.h>

struct page {
  char *text; /* NULL: only counted */
  size_t len;
};

static void put(struct page *page, const char *text, size_t len) {
  if (page->text)
    memcpy(page->text + page->len, text, len);
  page->len += len;
}

static void put_line(struct page *page, unsigned level) {
  put(page, "\n", 1);
  for (unsigned i = 0; i < level; i++)
    put(page, "  ", 2);
}

/* The string that begins at text[at]; returns where it ends. */
static size_t put_string(struct page *page, bp_str text, size_t at) {
  size_t end = at + 1;
  while (end < text.len && text.ptr[end] != '"')
    end += text.ptr[end] == '\\' ? 2 : 1;
  end = end < text.len ? end + 1 : text.len;
  put(page, text.ptr + at, end - at);
  return end;
}

static void lay_out(struct page *page, bp_str text) {
  unsigned level = 0;
  for (size_t at = 0; at < text.len;) {
    char c = text.ptr[at], next = at + 1 < text.len ? text.ptr[at + 1] : '\0';
    if (c == '"') {
      at = put_string(page, text, at);
      continue;
    }
    bool is_empty = (c == '{' && next == '}') || (c == '[' && next == ']');
    if (c == '}' || c == ']')
      put_line(page, --level);
    put(page, text.ptr + at, is_empty ? 2 : 1);
    if (c == ':')
      put(page, " ", 1);
    else if (c == ',')
      put_line(page, level);
    else if (!is_empty && (c == '{' || c == '['))
      put_line(page, ++level);
    at += is_empty ? 2 : 1;
  }
  put(page, "\n", 1);
}

char *pretty_json(bp_str compact, size_t *ret_len) {
  struct page page = {0};
  lay_out(&page, compact);
  page.text = malloc(page.len + 1);
  if (!page.text)
    return NULL;
  page.len = 0;
  lay_out(&page, compact);
  page.text[page.len] = '\0';
  *ret_len = page.len;
  return page.text;
}
