/* JSON and Lua; see lua_json.h. */
#include "policy/lua_json.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>

#define DEPTH_MOST 64
#define NODES_MOST 65536

/* ---- To Lua ---- */

static void push_array(lua_State *lua, const json_t *array) {
  size_t count = json_array_size(array);
  lua_createtable(lua, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_json_push(lua, json_array_get(array, i));
    lua_rawseti(lua, -2, (lua_Integer)i + 1);
  }
}

static void push_object(lua_State *lua, const json_t *object) {
  const char *key;
  json_t *value;
  lua_createtable(lua, 0, (int)json_object_size(object));
  json_object_foreach((json_t *)(uintptr_t)object, key, value) {
    lua_pushstring(lua, key);
    lua_json_push(lua, value);
    lua_rawset(lua, -3);
  }
}

void lua_json_push(lua_State *lua, const json_t *value) {
  luaL_checkstack(lua, 4, "facts nested too deeply");
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    push_object(lua, value);
    break;
  case JSON_ARRAY:
    push_array(lua, value);
    break;
  case JSON_STRING:
    lua_pushlstring(lua, json_string_value(value), json_string_length(value));
    break;
  case JSON_INTEGER:
    lua_pushinteger(lua, json_integer_value(value));
    break;
  case JSON_REAL:
    lua_pushnumber(lua, json_real_value(value));
    break;
  case JSON_TRUE:
  case JSON_FALSE:
    lua_pushboolean(lua, json_is_true(value));
    break;
  case JSON_NULL:
    lua_pushnil(lua);
    break;
  }
}

/* ---- From Lua ---- */

struct conversion {
  lua_State *lua;
  const char *wrong;
  unsigned nodes;
};

static json_t *refuse(struct conversion *c, const char *wrong) {
  if (!c->wrong)
    c->wrong = wrong;
  return NULL;
}

static json_t *convert(struct conversion *c, int depth);

/* Replaces a read-only view on top of the stack by the table behind it. */
static void see_through(lua_State *lua) {
  if (luaL_getmetafield(lua, -1, LUA_JSON_TREE) != LUA_TNIL) {
    lua_call(lua, 0, 1);
    lua_remove(lua, -2);
  } else if (luaL_getmetafield(lua, -1, "__index") != LUA_TNIL) {
    lua_remove(lua, -2);
  }
}

static json_t *convert_sequence(struct conversion *c, size_t count, int depth) {
  json_t *array = json_array();
  for (size_t i = 1; array && i <= count; i++) {
    lua_rawgeti(c->lua, -1, (lua_Integer)i);
    json_t *item = convert(c, depth + 1);
    lua_pop(c->lua, 1);
    if (!item || json_array_append_new(array, item) != 0) {
      json_decref(array);
      return refuse(c, "out of memory");
    }
  }
  return array;
}

static json_t *convert_map(struct conversion *c, int depth) {
  json_t *object = json_object();
  lua_pushnil(c->lua);
  while (object && lua_next(c->lua, -2)) {
    json_t *item = lua_type(c->lua, -2) == LUA_TSTRING ? convert(c, depth + 1) : refuse(c, "a rewritten table has a key that is no text");
    lua_pop(c->lua, 1);
    if (!item || json_object_set_new(object, lua_tostring(c->lua, -1), item) != 0) {
      lua_pop(c->lua, 1);
      json_decref(object);
      return refuse(c, "a rewritten key is not UTF-8");
    }
  }
  return object;
}

static json_t *convert_table(struct conversion *c, int depth) {
  see_through(c->lua);
  size_t count = (size_t)lua_rawlen(c->lua, -1);
  return count > 0 ? convert_sequence(c, count, depth) : convert_map(c, depth);
}

static json_t *convert_number(struct conversion *c) {
  if (lua_isinteger(c->lua, -1))
    return json_integer(lua_tointeger(c->lua, -1));
  double number = lua_tonumber(c->lua, -1);
  return isfinite(number) ? json_real(number) : refuse(c, "a rewritten number is not finite");
}

/* Converts the value on top of the stack and leaves it there (a view may be replaced by its table). */
static json_t *convert(struct conversion *c, int depth) {
  size_t len;
  if (depth > DEPTH_MOST || ++c->nodes > NODES_MOST || !lua_checkstack(c->lua, 6))
    return refuse(c, "rewritten facts are too deep or too large");
  switch (lua_type(c->lua, -1)) {
  case LUA_TTABLE:
    return convert_table(c, depth);
  case LUA_TSTRING: {
    const char *text = lua_tolstring(c->lua, -1, &len);
    json_t *value = json_stringn(text, len);
    return value ? value : refuse(c, "a rewritten text is not UTF-8");
  }
  case LUA_TNUMBER:
    return convert_number(c);
  case LUA_TBOOLEAN:
    return json_boolean(lua_toboolean(c->lua, -1));
  case LUA_TNIL:
    return json_null();
  default:
    return refuse(c, "rewritten facts hold a value that is no data");
  }
}

json_t *lua_json_from(lua_State *lua, int index, char *why, size_t size) {
  struct conversion c = {.lua = lua};
  int top = lua_gettop(lua);
  lua_pushvalue(lua, index);
  json_t *value = lua_type(lua, -1) == LUA_TTABLE ? convert(&c, 0) : refuse(&c, "rewrite needs a table");
  lua_settop(lua, top);
  if (!value)
    snprintf(why, size, "%s", c.wrong);
  return value;
}
