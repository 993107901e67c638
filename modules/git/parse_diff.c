/* Unified diffs as git writes them with the prefixes a/ and b/ (git-diff(1), "Generating patch text with -p"). */
#include "parse.h"

#include <string.h>

struct file {
  struct text path, old_path;
  const char *kind;
  bool is_binary;
  int64_t additions, deletions;
};

struct reader {
  const bp_json_1 *json;
  bp_json_writer out;
  struct file file;
  bool has_file, has_hunk;
  int64_t old_left, new_left; /* lines of the hunk still to come */
};

/* ---- Names ---- */

static const struct {
  char letter, value;
} escapes[] = {{'a', '\a'}, {'b', '\b'}, {'t', '\t'}, {'n', '\n'}, {'v', '\v'}, {'f', '\f'}, {'r', '\r'}, {'"', '"'}, {'\\', '\\'}};

/* The character after a backslash; the index of the last byte it took. */
static size_t unescape(struct text *to, bp_str name, size_t i) {
  char c = name.ptr[i];
  if (c >= '0' && c <= '3' && i + 2 < name.len) {
    char byte = (char)((c - '0') * 64 + (name.ptr[i + 1] - '0') * 8 + (name.ptr[i + 2] - '0'));
    text_append(to, &byte, 1);
    return i + 2;
  }
  for (size_t k = 0; k < sizeof(escapes) / sizeof(escapes[0]); k++)
    if (escapes[k].letter == c)
      text_append(to, &escapes[k].value, 1);
  return i;
}

void parse_unquote(struct text *to, bp_str name) {
  if (name.len < 2 || name.ptr[0] != '"') {
    text_put_str(to, name);
    return;
  }
  for (size_t i = 1; i + 1 < name.len; i++) {
    if (name.ptr[i] == '\\' && i + 2 < name.len)
      i = unescape(to, name, i + 1);
    else
      text_append(to, name.ptr + i, 1);
  }
}

/* "a/name" or "b/name", perhaps quoted, perhaps with a tab after it, without the two letters; /dev/null is nothing. */
static void take_name(struct text *to, bp_str name) {
  struct text plain = {0};
  const char *tab = name.len ? memchr(name.ptr, '\t', name.len) : NULL;
  if (tab)
    name.len = (size_t)(tab - name.ptr);
  parse_unquote(&plain, name);
  if (plain.len > 2 && strcmp(plain.data, "/dev/null") != 0) {
    to->len = 0;
    text_append(to, plain.data + 2, plain.len - 2);
  }
  text_release(&plain);
}

/* "diff --git a/x b/x": both names are the same unless a later line says otherwise. */
static void take_both(struct file *file, bp_str names) {
  if (names.len && names.ptr[0] == '"') {
    const char *second = memmem(names.ptr, names.len, "\" \"b/", 5);
    if (second)
      take_name(&file->path, bp_str_make(second + 2, names.len - (size_t)(second + 2 - names.ptr)));
  } else if (names.len > 5) {
    take_name(&file->path, bp_str_make(names.ptr + (names.len + 1) / 2, names.len / 2));
  }
}

/* ---- Hunks ---- */

static void end_hunk(struct reader *r) {
  if (!r->has_hunk)
    return;
  r->json->array_end(r->out);
  r->json->object_end(r->out);
  r->has_hunk = false;
}

/* "-1,3": a start and a number, which is 1 where it is left out. */
static void take_range(bp_str range, int64_t *ret_start, int64_t *ret_count) {
  bp_str start = {"", 0};
  *ret_count = 1;
  if (range.len)
    range = bp_str_make(range.ptr + 1, range.len - 1);
  if (str_cut_at(&range, ',', &start) && range.len)
    *ret_count = parse_number(range);
  *ret_start = parse_number(start);
}

static void put_integer(struct reader *r, const char *name, int64_t value) {
  r->json->key(r->out, str_z(name));
  r->json->put_integer(r->out, value);
}

static void begin_hunk(struct reader *r, bp_str line) {
  bp_str rest = line, at, old, new;
  int64_t old_start = 0, new_start = 0;
  if (!str_cut_at(&rest, ' ', &at) || !str_cut_at(&rest, ' ', &old) || !str_cut_at(&rest, ' ', &new))
    return;
  end_hunk(r);
  take_range(old, &old_start, &r->old_left);
  take_range(new, &new_start, &r->new_left);
  r->has_hunk = true;
  r->json->object_begin(r->out);
  parse_put(r->json, r->out, "header", line);
  put_integer(r, "oldStart", old_start);
  put_integer(r, "oldLines", r->old_left);
  put_integer(r, "newStart", new_start);
  put_integer(r, "newLines", r->new_left);
  r->json->key(r->out, BP_LIT("lines"));
  r->json->array_begin(r->out);
}

static void take_line(struct reader *r, bp_str line) {
  char kind = line.len ? line.ptr[0] : ' ';
  if (kind == '+')
    r->file.additions++;
  if (kind == '-')
    r->file.deletions++;
  r->old_left -= kind == '-' || kind == ' ';
  r->new_left -= kind == '+' || kind == ' ';
  r->json->object_begin(r->out);
  json_text_member(r->json, r->out, BP_LIT("kind"), str_z(kind == '+' ? "add" : kind == '-' ? "delete" : kind == '\\' ? "note" : "context"));
  parse_put(r->json, r->out, "text", line.len ? bp_str_make(line.ptr + 1, line.len - 1) : line);
  r->json->object_end(r->out);
}

/* ---- Files ---- */

static void end_file(struct reader *r) {
  if (!r->has_file)
    return;
  end_hunk(r);
  r->json->array_end(r->out);
  parse_put(r->json, r->out, "path", text_str(&r->file.path));
  if (r->file.old_path.len)
    parse_put(r->json, r->out, "oldPath", text_str(&r->file.old_path));
  json_text_member(r->json, r->out, BP_LIT("kind"), str_z(r->file.kind));
  r->json->key(r->out, BP_LIT("binary"));
  r->json->put_boolean(r->out, r->file.is_binary);
  put_integer(r, "additions", r->file.additions);
  put_integer(r, "deletions", r->file.deletions);
  r->json->object_end(r->out);
  text_release(&r->file.path);
  text_release(&r->file.old_path);
  r->has_file = false;
}

static void begin_file(struct reader *r, bp_str names) {
  end_file(r);
  r->file = (struct file){.kind = "modified"};
  r->has_file = true;
  take_both(&r->file, names);
  r->json->object_begin(r->out);
  r->json->key(r->out, BP_LIT("hunks"));
  r->json->array_begin(r->out);
}

static bool cut_start(bp_str *line, const char *start) {
  size_t len = strlen(start);
  if (!str_begins(*line, start))
    return false;
  *line = bp_str_make(line->ptr + len, line->len - len);
  return true;
}

static void take_header(struct reader *r, bp_str line) {
  struct file *file = &r->file;
  if (cut_start(&line, "new file mode"))
    file->kind = "added";
  else if (cut_start(&line, "deleted file mode"))
    file->kind = "deleted";
  else if (cut_start(&line, "rename from ") || cut_start(&line, "copy from "))
    parse_unquote(&file->old_path, line);
  else if (str_begins(line, "rename to ") || str_begins(line, "copy to ")) {
    file->kind = line.ptr[0] == 'r' ? "renamed" : "copied";
    cut_start(&line, line.ptr[0] == 'r' ? "rename to " : "copy to ");
    file->path.len = 0;
    parse_unquote(&file->path, line);
  } else if (str_begins(line, "Binary files ") || str_begins(line, "GIT binary patch"))
    file->is_binary = true;
  else if (cut_start(&line, "--- ") || cut_start(&line, "+++ "))
    take_name(&file->path, line);
}

void parse_diff(const bp_json_1 *json, bp_json_writer out, bp_str diff) {
  struct reader r = {.json = json, .out = out};
  bp_str line;
  json->key(out, BP_LIT("files"));
  json->array_begin(out);
  while (str_cut_at(&diff, '\n', &line)) {
    bool is_in_hunk = r.has_hunk && (r.old_left > 0 || r.new_left > 0 || str_begins(line, "\\"));
    if (is_in_hunk)
      take_line(&r, line);
    else if (cut_start(&line, "diff --git "))
      begin_file(&r, line);
    else if (r.has_file && str_begins(line, "@@ "))
      begin_hunk(&r, line);
    else if (r.has_file && !r.has_hunk)
      take_header(&r, line);
  }
  end_file(&r);
  json->array_end(out);
}
