/* `git status --porcelain=v2 --branch -z` (git-status(1), "Porcelain Format Version 2"). */
#include "parse.h"

#include <string.h>

void parse_put(const bp_json_1 *json, bp_json_writer out, const char *name, bp_str value) {
  struct text clean = {0};
  text_put_utf8(&clean, value);
  json_text_member(json, out, str_z(name), text_str(&clean));
  text_release(&clean);
}

int64_t parse_number(bp_str digits) {
  int64_t number = 0;
  for (size_t i = 0; i < digits.len && digits.ptr[i] >= '0' && digits.ptr[i] <= '9' && number < 1000000000; i++)
    number = number * 10 + (digits.ptr[i] - '0');
  return number;
}

/* ---- The branch ---- */

struct branch {
  bp_str head, oid, upstream;
  int64_t ahead, behind;
  bool has_counts;
};

static void take_header(struct branch *branch, bp_str line) {
  bp_str rest = line, hash, name, first;
  if (!str_cut_at(&rest, ' ', &hash) || !str_cut_at(&rest, ' ', &name))
    return;
  if (kit_same(name, "branch.head"))
    branch->head = rest;
  else if (kit_same(name, "branch.oid"))
    branch->oid = rest;
  else if (kit_same(name, "branch.upstream"))
    branch->upstream = rest;
  else if (kit_same(name, "branch.ab") && str_cut_at(&rest, ' ', &first) && first.len > 1 && rest.len > 1) {
    branch->has_counts = true;
    branch->ahead = parse_number(bp_str_make(first.ptr + 1, first.len - 1));
    branch->behind = parse_number(bp_str_make(rest.ptr + 1, rest.len - 1));
  }
}

static void put_branch(const bp_json_1 *json, bp_json_writer out, const struct branch *branch) {
  bool is_detached = kit_same(branch->head, "(detached)");
  json->key(out, BP_LIT("branch"));
  json->object_begin(out);
  parse_put(json, out, "name", is_detached ? BP_LIT("") : branch->head);
  parse_put(json, out, "oid", kit_same(branch->oid, "(initial)") ? BP_LIT("") : branch->oid);
  json->key(out, BP_LIT("detached"));
  json->put_boolean(out, is_detached);
  if (branch->upstream.len)
    parse_put(json, out, "upstream", branch->upstream);
  if (branch->has_counts) {
    json->key(out, BP_LIT("ahead"));
    json->put_integer(out, branch->ahead);
    json->key(out, BP_LIT("behind"));
    json->put_integer(out, branch->behind);
  }
  json->object_end(out);
}

/* ---- Files ---- */

static const char *kind_word(char type, char x, char y) {
  if (type == '?')
    return "untracked";
  if (type == '!')
    return "ignored";
  if (type == 'u')
    return "conflicted";
  char c = x != '.' ? x : y;
  return c == 'A' ? "added" : c == 'D' ? "deleted" : c == 'R' ? "renamed" : c == 'C' ? "copied" : c == 'T' ? "retyped" : "modified";
}

/* `skipped` fields stand between XY and the path. */
static void put_file(const bp_json_1 *json, bp_json_writer out, bp_str entry, bp_str *listing) {
  char type = entry.ptr[0];
  unsigned skipped = type == '1' ? 6 : type == '2' ? 7 : type == 'u' ? 8 : 0;
  bp_str rest = bp_str_make(entry.ptr + 2, entry.len - 2), xy = {"..", 2}, field, old;
  if (skipped && !str_cut_at(&rest, ' ', &xy))
    return;
  for (unsigned i = 0; i < skipped; i++)
    if (!str_cut_at(&rest, ' ', &field))
      return;
  if (xy.len < 2)
    return;
  json->object_begin(out);
  parse_put(json, out, "path", rest);
  if (type == '2' && str_cut_at(listing, '\0', &old))
    parse_put(json, out, "oldPath", old);
  json_text_member(json, out, BP_LIT("kind"), str_z(kind_word(type, xy.ptr[0], xy.ptr[1])));
  json_text_member(json, out, BP_LIT("index"), bp_str_make(xy.ptr, 1));
  json_text_member(json, out, BP_LIT("workTree"), bp_str_make(xy.ptr + 1, 1));
  json->key(out, BP_LIT("staged"));
  json->put_boolean(out, type != 'u' && xy.ptr[0] != '.');
  json->object_end(out);
}

void parse_status(const bp_json_1 *json, bp_json_writer out, bp_str listing) {
  struct branch branch = {0};
  bp_str entry;
  uint32_t count = 0;
  json->key(out, BP_LIT("files"));
  json->array_begin(out);
  while (str_cut_at(&listing, '\0', &entry)) {
    if (entry.len < 3)
      continue;
    if (entry.ptr[0] == '#') {
      take_header(&branch, entry);
      continue;
    }
    put_file(json, out, entry, &listing);
    count++;
  }
  json->array_end(out);
  json->key(out, BP_LIT("clean"));
  json->put_boolean(out, count == 0);
  put_branch(json, out, &branch);
}
