/* Verdicts; see verdict.h. A verdict made by a rule is a userdata of a type that rules cannot make otherwise. */
#include "policy/verdict.h"
#include "base/str.h"
#include "policy/lua_json.h"
#include "policy/sandbox.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#define TYPE_NAME "backplane.verdict"

struct said {
  enum verdict_kind kind;
  char reason[VERDICT_REASON_BYTES];
  char pointer[128];
};

const char *verdict_name(enum verdict_kind kind) {
  static const char *const names[] = {"allow", "rewrite", "ask", "deny"};
  return names[kind];
}

/* Printable UTF-8 only: a reason reaches logs, answers and terminals. */
static void copy_text(char *to, size_t size, bp_str from) {
  size_t len = str_cut(from, size - 1);
  bool is_utf8 = str_is_utf8(bp_str_make(from.ptr, len));
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)from.ptr[i];
    to[i] = c < 0x20 || c == 0x7F ? ' ' : c >= 0x80 && !is_utf8 ? '?' : (char)c;
  }
  to[len] = '\0';
}

static struct said *say(lua_State *lua, enum verdict_kind kind) {
  struct said *said = lua_newuserdatauv(lua, sizeof(*said), 1);
  memset(said, 0, sizeof(*said));
  said->kind = kind;
  luaL_setmetatable(lua, TYPE_NAME);
  return said;
}

static void take_text(lua_State *lua, int index, char *to, size_t size) {
  size_t len;
  const char *text = luaL_checklstring(lua, index, &len);
  copy_text(to, size, bp_str_make(text, len));
}

static int say_allow(lua_State *lua) {
  say(lua, VERDICT_ALLOW);
  return 1;
}

static int say_deny(lua_State *lua) {
  lua_settop(lua, 2);
  struct said *said = say(lua, VERDICT_DENY);
  take_text(lua, 1, said->reason, sizeof(said->reason));
  if (!lua_isnil(lua, 2))
    take_text(lua, 2, said->pointer, sizeof(said->pointer));
  return 1;
}

static int say_ask(lua_State *lua) {
  struct said *said = say(lua, VERDICT_ASK);
  take_text(lua, 1, said->reason, sizeof(said->reason));
  return 1;
}

static int say_rewrite(lua_State *lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  lua_settop(lua, 1);
  say(lua, VERDICT_REWRITE);
  lua_pushvalue(lua, 1);
  lua_setiuservalue(lua, -2, 1);
  return 1;
}

void verdict_install(lua_State *lua) {
  static const luaL_Reg functions[] = {{"allow", say_allow}, {"ask", say_ask}, {"deny", say_deny}, {"rewrite", say_rewrite}};
  luaL_newmetatable(lua, TYPE_NAME);
  lua_pop(lua, 1);
  for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
    lua_pushcfunction(lua, functions[i].func);
    sandbox_set_global(lua, functions[i].name);
  }
}

static void deny(struct verdict *ret, const char *reason) {
  ret->kind = VERDICT_DENY;
  snprintf(ret->reason, sizeof(ret->reason), "%s", reason);
}

static void read_rewrite(lua_State *lua, int index, struct verdict *ret) {
  char why[128];
  lua_getiuservalue(lua, index, 1);
  ret->facts = lua_json_from(lua, -1, why, sizeof(why));
  lua_pop(lua, 1);
  if (!ret->facts)
    deny(ret, why);
}

void verdict_set(struct verdict *verdict, enum verdict_kind kind) {
  verdict->kind = kind;
  verdict->reason[0] = verdict->pointer[0] = verdict->rule[0] = '\0';
  verdict->facts = NULL;
}

void verdict_read(lua_State *lua, int index, struct verdict *ret) {
  verdict_set(ret, VERDICT_DENY);
  int type = lua_type(lua, index);
  if (type == LUA_TBOOLEAN && lua_toboolean(lua, index)) {
    ret->kind = VERDICT_ALLOW;
    return;
  }
  const struct said *said = type == LUA_TUSERDATA ? luaL_testudata(lua, index, TYPE_NAME) : NULL;
  if (!said) {
    deny(ret, type == LUA_TNIL || type == LUA_TNONE ? "the rule returned no verdict"
              : type == LUA_TBOOLEAN                ? "the rule said no"
                                                    : "the rule returned something that is no verdict");
    return;
  }
  ret->kind = said->kind;
  memcpy(ret->reason, said->reason, sizeof(ret->reason));
  memcpy(ret->pointer, said->pointer, sizeof(ret->pointer));
  if (said->kind == VERDICT_REWRITE)
    read_rewrite(lua, index, ret);
}

void verdict_release(struct verdict *verdict) {
  json_decref(verdict->facts);
  verdict->facts = NULL;
}
