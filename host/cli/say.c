/* What commands print; see say.h. */
#include "cli/say.h"
#include "base/nearest.h"
#include "base/str.h"
#include "json/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int say_failure(const char *format, ...) {
  va_list args;
  fputs("backplane: ", stderr);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  return CLI_FAILED;
}

int say_error(const bp_error *err) {
  say_failure("%s", err->message);
  if (err->hint[0])
    fprintf(stderr, "  %s\n", err->hint);
  return CLI_FAILED;
}

int say_misuse(const char *format, ...) {
  va_list args;
  fputs("backplane: ", stderr);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputs("\n  see: backplane help\n", stderr);
  return CLI_MISUSED;
}

const char *say_nearest(const char *wrong, const char *const *names) {
  struct nearest search = {.wanted = str_from(wrong), .allowed = 2}; /* two letters changed places */
  for (; *names; names++)
    nearest_offer(&search, str_from(*names));
  return search.best.len ? search.best.ptr : NULL;
}

void say_json(const json_t *value) {
  struct buf text = {0};
  doc_write(&text, value);
  if (!text.failed)
    fwrite(text.data, 1, text.len, stdout);
  putchar('\n');
  buf_release(&text);
}

static int put_clean(const char *text) {
  int width = 0;
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    putchar(c < 0x20 || c == 0x7F ? '?' : c);
    width += (c & 0xC0) != 0x80;
  }
  return width;
}

void say_text(const char *text) {
  put_clean(text);
  putchar('\n');
}

#define CELL_BYTES 512

/* A cell as text; `room` is used for numbers. */
static const char *cell_text(const json_t *cell, char room[CELL_BYTES]) {
  if (json_is_string(cell))
    return json_string_value(cell);
  if (json_is_integer(cell)) {
    snprintf(room, CELL_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(cell));
    return room;
  }
  if (json_is_boolean(cell))
    return json_is_true(cell) ? "yes" : "no";
  return "-";
}

static int text_width(const char *text) {
  int width = 0;
  for (; *text; text++)
    width += ((unsigned char)*text & 0xC0) != 0x80;
  return width;
}

static int column_width(const char *heading, unsigned column, const json_t *rows) {
  int width = text_width(heading);
  size_t index;
  const json_t *row;
  char room[CELL_BYTES];
  json_array_foreach(rows, index, row) {
    int found = text_width(cell_text(json_array_get(row, column), room));
    width = found > width ? found : width;
  }
  return width;
}

void say_table(const char *const *headings, unsigned columns, const json_t *rows) {
  int widths[16] = {0};
  char room[CELL_BYTES];
  for (unsigned i = 0; i < columns; i++)
    widths[i] = column_width(headings[i], i, rows);
  for (unsigned i = 0; i < columns; i++)
    printf("%-*s%s", i + 1 < columns ? widths[i] : 0, headings[i], i + 1 < columns ? "  " : "\n");
  size_t index;
  const json_t *row;
  json_array_foreach(rows, index, row) {
    for (unsigned i = 0; i < columns; i++) {
      int width = put_clean(cell_text(json_array_get(row, i), room));
      printf("%*s", i + 1 < columns ? widths[i] - width + 2 : 0, "");
    }
    putchar('\n');
  }
}

void say_pairs(const json_t *object, const char *const *names) {
  int width = 0;
  char room[CELL_BYTES];
  for (const char *const *name = names; *name; name++)
    width = text_width(*name) > width ? text_width(*name) : width;
  for (; *names; names++) {
    printf("%s:%*s ", *names, width - text_width(*names), "");
    say_text(cell_text(json_object_get(object, *names), room));
  }
}
