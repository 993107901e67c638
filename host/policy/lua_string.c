/* string.find, match, gmatch, gsub; see lua_string.h. Results and errors are those of the Lua 5.4 manual, section 6.4. */
#include "policy/lua_string.h"
#include "policy/budget.h"
#include "policy/pattern.h"

#include <lauxlib.h>
#include <string.h>

#define STEPS_PER_INSTRUCTION 4 /* a step of the matcher is cheaper than an instruction */

/* Prepares a match of argument 2 (the pattern) on argument 1 (the text). */
static void prepare(lua_State *lua, struct pattern *p) {
  const struct budget *budget = budget_of(lua);
  *p = (struct pattern){0};
  p->text = luaL_checklstring(lua, 1, &p->text_len);
  p->pattern = luaL_checklstring(lua, 2, &p->pattern_len);
  p->limit = (BUDGET_INSTRUCTIONS - (budget->used < BUDGET_INSTRUCTIONS ? budget->used : BUDGET_INSTRUCTIONS)) * STEPS_PER_INSTRUCTION;
}

static bool cut_anchor(struct pattern *p) {
  bool is_anchored = p->pattern_len > 0 && p->pattern[0] == '^';
  if (is_anchored) {
    p->pattern++;
    p->pattern_len--;
  }
  return is_anchored;
}

/* One attempt; a broken pattern or a used-up budget raises. */
static bool attempt(lua_State *lua, struct pattern *p, size_t start, size_t *ret_end) {
  enum pattern_status status = pattern_match(p, start, ret_end);
  if (status == PATTERN_ERROR) {
    luaL_error(lua, "%s", p->error);
    return false;
  }
  return status == PATTERN_MATCHED;
}

static void settle(lua_State *lua, const struct pattern *p) {
  budget_charge(lua, p->steps / STEPS_PER_INSTRUCTION + 1);
}

static void push_capture(lua_State *lua, const struct pattern *p, unsigned index, size_t start, size_t end) {
  if (index >= p->captures)
    lua_pushlstring(lua, p->text + start, end - start);
  else if (p->capture[index].len == PATTERN_POSITION)
    lua_pushinteger(lua, (lua_Integer)p->capture[index].start + 1);
  else
    lua_pushlstring(lua, p->text + p->capture[index].start, (size_t)p->capture[index].len);
}

/* Pushes all captures, or the whole match where there is none. */
static int push_captures(lua_State *lua, const struct pattern *p, size_t start, size_t end, bool whole_if_none) {
  unsigned count = p->captures == 0 && whole_if_none ? 1 : p->captures;
  luaL_checkstack(lua, (int)count, "too many captures");
  for (unsigned i = 0; i < count; i++)
    push_capture(lua, p, i, start, end);
  return (int)count;
}

/* Where to begin: argument `index`, 1-based, negative from the end. False when it lies behind the text. */
static bool start_of(lua_State *lua, int index, size_t len, size_t *ret) {
  lua_Integer init = luaL_optinteger(lua, index, 1);
  if (init > 0)
    *ret = (size_t)init - 1;
  else if (init == 0 || init < -(lua_Integer)len)
    *ret = 0;
  else
    *ret = len - (size_t)-init;
  return *ret <= len;
}

static bool has_specials(const struct pattern *p) {
  for (size_t i = 0; i < p->pattern_len; i++)
    if (strchr("^$*+?.([%-", p->pattern[i]) && p->pattern[i])
      return true;
  return false;
}

static int find_plain(lua_State *lua, const struct pattern *p, size_t start) {
  budget_charge(lua, (p->text_len - start) / 32 + 1);
  const char *at = p->pattern_len ? memmem(p->text + start, p->text_len - start, p->pattern, p->pattern_len) : p->text + start;
  if (!at) {
    lua_pushnil(lua);
    return 1;
  }
  lua_pushinteger(lua, at - p->text + 1);
  lua_pushinteger(lua, at - p->text + (lua_Integer)p->pattern_len);
  return 2;
}

static int search(lua_State *lua, bool is_find) {
  struct pattern p;
  size_t start, end;
  prepare(lua, &p);
  if (!start_of(lua, 3, p.text_len, &start)) {
    lua_pushnil(lua);
    return 1;
  }
  if (is_find && (lua_toboolean(lua, 4) || !has_specials(&p)))
    return find_plain(lua, &p, start);
  bool is_anchored = cut_anchor(&p);
  do {
    if (!attempt(lua, &p, start, &end))
      continue;
    settle(lua, &p);
    if (!is_find)
      return push_captures(lua, &p, start, end, true);
    lua_pushinteger(lua, (lua_Integer)start + 1);
    lua_pushinteger(lua, (lua_Integer)end);
    return 2 + push_captures(lua, &p, start, end, false);
  } while (++start <= p.text_len && !is_anchored);
  settle(lua, &p);
  lua_pushnil(lua);
  return 1;
}

static int lua_find(lua_State *lua) {
  return search(lua, true);
}

static int lua_match(lua_State *lua) {
  return search(lua, false);
}

/* Upvalues: text, pattern, where to go on, end of the last match (-1: none). */
static int gmatch_next(lua_State *lua) {
  struct pattern p;
  size_t end;
  lua_settop(lua, 0);
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_pushvalue(lua, lua_upvalueindex(2));
  prepare(lua, &p);
  lua_Integer last = lua_tointeger(lua, lua_upvalueindex(4));
  for (size_t start = (size_t)lua_tointeger(lua, lua_upvalueindex(3)); start <= p.text_len; start++) {
    if (!attempt(lua, &p, start, &end) || (lua_Integer)end == last)
      continue;
    settle(lua, &p);
    lua_pushinteger(lua, (lua_Integer)end);
    lua_pushvalue(lua, -1);
    lua_replace(lua, lua_upvalueindex(3));
    lua_replace(lua, lua_upvalueindex(4));
    return push_captures(lua, &p, start, end, true);
  }
  settle(lua, &p);
  return 0;
}

static int lua_gmatch(lua_State *lua) {
  size_t len, start;
  luaL_checklstring(lua, 1, &len);
  luaL_checkstring(lua, 2);
  if (!start_of(lua, 3, len, &start))
    start = len + 1;
  lua_settop(lua, 2);
  lua_pushinteger(lua, (lua_Integer)start);
  lua_pushinteger(lua, -1);
  lua_pushcclosure(lua, gmatch_next, 4);
  return 1;
}

/* Appends a replacement string with its %0 ... %9 and %% filled in. */
static void add_template(lua_State *lua, luaL_Buffer *out, const struct pattern *p, size_t start, size_t end) {
  size_t len;
  const char *text = lua_tolstring(lua, 3, &len);
  budget_charge(lua, len / 32 + 1);
  for (size_t i = 0; i < len; i++) {
    if (text[i] != '%') {
      luaL_addchar(out, text[i]);
      continue;
    }
    char c = ++i < len ? text[i] : '\0';
    if (c == '%') {
      luaL_addchar(out, '%');
    } else if (c == '0') {
      luaL_addlstring(out, p->text + start, end - start);
    } else if (c >= '1' && c <= '9' && ((unsigned)(c - '1') < p->captures || c == '1')) {
      push_capture(lua, p, (unsigned)(c - '1'), start, end);
      luaL_addvalue(out);
    } else {
      luaL_error(lua, "invalid use of '%%' in replacement string");
    }
  }
}

/* Appends what stands for one match: from a template, a table or a function; false or nil keep the original text. */
static void add_replacement(lua_State *lua, luaL_Buffer *out, const struct pattern *p, size_t start, size_t end) {
  int type = lua_type(lua, 3);
  if (type == LUA_TFUNCTION) {
    lua_pushvalue(lua, 3);
    lua_call(lua, push_captures(lua, p, start, end, true), 1);
  } else if (type == LUA_TTABLE) {
    push_capture(lua, p, 0, start, end);
    lua_gettable(lua, 3);
  } else {
    add_template(lua, out, p, start, end);
    return;
  }
  if (!lua_toboolean(lua, -1)) {
    lua_pop(lua, 1);
    luaL_addlstring(out, p->text + start, end - start);
  } else if (lua_type(lua, -1) != LUA_TSTRING && lua_type(lua, -1) != LUA_TNUMBER) {
    luaL_error(lua, "invalid replacement value (a %s)", luaL_typename(lua, -1));
  } else {
    luaL_addvalue(out);
  }
}

static int lua_gsub(lua_State *lua) {
  struct pattern p;
  size_t start = 0, end = 0;
  lua_Integer count = 0, last = -1;
  int type = lua_type(lua, 3);
  luaL_argexpected(lua, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE, 3, "string/function/table");
  prepare(lua, &p);
  lua_Integer most = luaL_optinteger(lua, 4, (lua_Integer)p.text_len + 1);
  bool is_anchored = cut_anchor(&p);
  luaL_Buffer out;
  lua_settop(lua, 4);
  luaL_buffinit(lua, &out);
  while (count < most) {
    if (attempt(lua, &p, start, &end) && (lua_Integer)end != last) {
      count++;
      add_replacement(lua, &out, &p, start, end);
      last = (lua_Integer)end;
      start = end;
    } else if (start < p.text_len) {
      luaL_addchar(&out, p.text[start++]);
    } else {
      break;
    }
    if (is_anchored)
      break;
  }
  settle(lua, &p);
  if (start < p.text_len)
    luaL_addlstring(&out, p.text + start, p.text_len - start);
  luaL_pushresult(&out);
  lua_pushinteger(lua, count);
  return 2;
}

void lua_string_install(lua_State *lua) {
  static const luaL_Reg functions[] = {{"find", lua_find}, {"gmatch", lua_gmatch}, {"gsub", lua_gsub}, {"match", lua_match}, {NULL, NULL}};
  luaL_setfuncs(lua, functions, 0);
}
