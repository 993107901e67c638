/* Facts; see facts.h. The cutter takes compact text of strings without escapes, integers and booleans, as bp.json's writer makes
 * it, and gives up on anything else: the JSON parser has the last word then. */
#include "policy/facts.h"
#include "base/str.h"
#include "policy/lua_json.h"
#include "policy/sandbox.h"
#include "json/json.h"

#include <string.h>

/* As many as a request's body may have. */
#define FACTS_KEYS 65536

/* ---- Cutting a flat text ---- */

/* Whether one of eight bytes is this one. */
static bool has_byte(uint64_t eight, unsigned char byte) {
  const uint64_t ones = UINT64_C(0x0101010101010101);
  uint64_t zero_there = eight ^ (ones * byte);
  return ((zero_there - ones) & ~zero_there & (ones << 7)) != 0;
}

/* The next quote or backslash: eight bytes at a time, names and values are short. */
static const char *find_quote(const char *p, const char *end) {
  uint64_t eight;
  for (; (size_t)(end - p) >= sizeof(eight); p += sizeof(eight)) {
    memcpy(&eight, p, sizeof(eight));
    if (has_byte(eight, '"') || has_byte(eight, '\\'))
      break;
  }
  while (p < end && *p != '"' && *p != '\\')
    p++;
  return p;
}

/* A string at *at without escapes and control bytes; moves past its closing quote. */
static bool cut_string(const char **at, const char *end, bp_str *ret) {
  if (*at == end || **at != '"')
    return false;
  const char *start = *at + 1, *p = find_quote(start, end);
  if (p == end || *p == '\\')
    return false;
  *ret = bp_str_make(start, (size_t)(p - start));
  *at = p + 1;
  return true;
}

static bool cut_integer(const char **at, const char *end, bp_str *ret, int64_t *ret_number) {
  const char *start = *at, *p = start;
  p += p < end && *p == '-';
  while (p < end && *p >= '0' && *p <= '9')
    p++;
  *at = p;
  *ret = bp_str_make(start, (size_t)(p - start));
  return str_to_i64(*ret, ret_number);
}

static bool cut_word(const char **at, const char *end, bp_str word) {
  if (!str_starts(bp_str_make(*at, (size_t)(end - *at)), word))
    return false;
  *at += word.len;
  return true;
}

static bool cut_value(const char **at, const char *end, struct facts_member *member) {
  if (*at == end)
    return false;
  switch (**at) {
  case '"':
    member->kind = FACTS_TEXT;
    return cut_string(at, end, &member->value);
  case 't':
    member->kind = FACTS_TRUE;
    return cut_word(at, end, BP_LIT("true"));
  case 'f':
    member->kind = FACTS_FALSE;
    return cut_word(at, end, BP_LIT("false"));
  default:
    member->kind = FACTS_INTEGER;
    return cut_integer(at, end, &member->value, &member->number);
  }
}

static bool cut_members(struct facts *facts) {
  const char *at = facts->text.ptr, *end = at + facts->text.len;
  if (facts->text.len < 2 || *at++ != '{')
    return false;
  if (*at == '}')
    return at + 1 == end;
  for (; facts->count < FACTS_MEMBERS; at++) {
    struct facts_member *member = &facts->members[facts->count++];
    if (!cut_string(&at, end, &member->key) || at == end || *at++ != ':' || !cut_value(&at, end, member) || at == end)
      return false;
    if (*at == '}')
      return at + 1 == end;
    if (*at != ',')
      return false;
  }
  return false;
}

/* ---- Life ---- */

void facts_of_text(struct facts *facts, bp_str text) {
  facts->text = text;
  facts->tree = NULL;
  facts->is_refused = false;
  facts->count = 0;
  facts->is_flat = cut_members(facts);
}

void facts_of_tree(struct facts *facts, const json_t *tree) {
  facts->text = bp_str_make(NULL, 0);
  facts->tree = json_incref((json_t *)(uintptr_t)tree);
  facts->is_refused = !json_is_object(tree);
  facts->is_flat = false;
  facts->count = 0;
}

void facts_release(struct facts *facts) {
  json_decref(facts->tree);
  facts->tree = NULL;
}

json_t *facts_tree(struct facts *facts) {
  static const struct doc_limits limits = {.depth = 64, .keys = FACTS_KEYS};
  if (facts->is_refused)
    return NULL;
  if (!facts->tree)
    facts->tree = doc_parse(facts->text, &limits, NULL);
  if (json_is_object(facts->tree))
    return facts->tree;
  facts->is_refused = true;
  return NULL;
}

bool facts_text_is(struct facts *facts, bp_str key, bp_str text) {
  for (uint32_t i = 0; facts->is_flat && i < facts->count; i++)
    if (str_eq(facts->members[i].key, key))
      return facts->members[i].kind == FACTS_TEXT && str_eq(facts->members[i].value, text);
  if (facts->is_flat)
    return false;
  const json_t *value = json_object_getn(facts_tree(facts), key.ptr, key.len);
  return json_is_string(value) && str_eq(bp_str_make(json_string_value(value), json_string_length(value)), text);
}

/* ---- For Lua ---- */

static void push_cut(lua_State *lua, const struct facts_member *member) {
  switch (member->kind) {
  case FACTS_TEXT:
    lua_pushlstring(lua, member->value.ptr, member->value.len);
    break;
  case FACTS_INTEGER:
    lua_pushinteger(lua, member->number);
    break;
  default:
    lua_pushboolean(lua, member->kind == FACTS_TRUE);
  }
}

static bool is_key(const struct facts_member *member, bp_str key) {
  return member->key.len == key.len && memcmp(member->key.ptr, key.ptr, key.len) == 0;
}

static void push_flat(lua_State *lua, const struct facts *facts, bp_str key, uint8_t *hint) {
  uint32_t i = *hint;
  if (i >= facts->count || !is_key(&facts->members[i], key))
    for (i = 0; i < facts->count && !is_key(&facts->members[i], key); i++)
      continue;
  if (i == facts->count) {
    lua_pushnil(lua);
    return;
  }
  *hint = (uint8_t)i;
  push_cut(lua, &facts->members[i]);
}

void facts_push_member(lua_State *lua, struct facts *facts, bp_str key, uint8_t *hint) {
  if (facts->is_flat) {
    push_flat(lua, facts, key, hint);
    return;
  }
  const json_t *value = json_object_getn(facts_tree(facts), key.ptr, key.len);
  if (!value) {
    lua_pushnil(lua);
    return;
  }
  lua_json_push(lua, value);
  if (lua_istable(lua, -1))
    sandbox_freeze(lua);
}
