/* The view; see request_view.h. */
#include "policy/request_view.h"
#include "policy/lua_json.h"
#include "policy/sandbox.h"

#include <lauxlib.h>

static const char kept_key; /* registry key of the table of nested members */

static struct request_view *view_of(lua_State *lua) {
  return lua_touserdata(lua, lua_upvalueindex(1));
}

/* Keeps the table on top of the stack under its key, so that walking it costs one conversion. */
static void keep(lua_State *lua, struct request_view *view) {
  lua_rawgetp(lua, LUA_REGISTRYINDEX, &kept_key);
  lua_pushvalue(lua, 2);
  lua_pushvalue(lua, -3);
  lua_rawset(lua, -3);
  lua_pop(lua, 1);
  view->has_kept = true;
}

static int find_kept(lua_State *lua) {
  lua_rawgetp(lua, LUA_REGISTRYINDEX, &kept_key);
  lua_pushvalue(lua, 2);
  int type = lua_rawget(lua, -2);
  lua_remove(lua, -2);
  return type;
}

/* __index(view, key) */
static int get_member(lua_State *lua) {
  struct request_view *view = view_of(lua);
  size_t len;
  if (lua_type(lua, 2) != LUA_TSTRING || !view->facts)
    return 0;
  if (view->has_kept && find_kept(lua) != LUA_TNIL)
    return 1;
  const char *key = lua_tolstring(lua, 2, &len);
  facts_push_member(lua, view->facts, bp_str_make(key, len), &view->hints[(uintptr_t)key / 16 % REQUEST_VIEW_HINTS]);
  if (lua_istable(lua, -1))
    keep(lua, view);
  return 1;
}

/* All members as a table of its own. */
static int push_tree(lua_State *lua) {
  struct request_view *view = view_of(lua);
  const json_t *tree = view->facts ? facts_tree(view->facts) : NULL;
  if (tree)
    lua_json_push(lua, tree);
  else
    lua_newtable(lua);
  return 1;
}

static int walk(lua_State *lua) {
  push_tree(lua);
  sandbox_freeze(lua);
  luaL_getmetafield(lua, -1, "__pairs");
  lua_insert(lua, -2);
  lua_call(lua, 1, 3);
  return 3;
}

static int refuse_write(lua_State *lua) {
  return luaL_error(lua, "request is read-only: return rewrite { ... } to change what is done");
}

static void set_method(lua_State *lua, const char *name, lua_CFunction function, struct request_view *view) {
  lua_pushlightuserdata(lua, view);
  lua_pushcclosure(lua, function, 1);
  lua_setfield(lua, -2, name);
}

void request_view_install(lua_State *lua, struct request_view *view) {
  lua_newtable(lua);
  lua_rawsetp(lua, LUA_REGISTRYINDEX, &kept_key);
  lua_newtable(lua);
  lua_newtable(lua);
  set_method(lua, "__index", get_member, view);
  set_method(lua, "__newindex", refuse_write, view);
  set_method(lua, "__pairs", walk, view);
  set_method(lua, LUA_JSON_TREE, push_tree, view);
  lua_setmetatable(lua, -2);
  sandbox_set_global(lua, "request");
}

void request_view_clear(lua_State *lua, struct request_view *view) {
  if (!view->has_kept)
    return;
  lua_newtable(lua);
  lua_rawsetp(lua, LUA_REGISTRYINDEX, &kept_key);
  view->has_kept = false;
}
