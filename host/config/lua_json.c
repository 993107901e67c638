/* Lua values as JSON; see lua_json.h. */
#include "config/lua_json.h"
#include "base/str.h"

#include <math.h>

#define DEPTH_MAX 16

static json_t *convert(lua_State *lua, int index, int depth, const char **ret_wrong);

static json_t *wrong(json_t *unfinished, const char **ret_wrong, const char *why) {
  if (!*ret_wrong)
    *ret_wrong = why;
  json_decref(unfinished);
  return NULL;
}

static json_t *convert_array(lua_State *lua, int index, lua_Unsigned count, int depth, const char **ret_wrong) {
  json_t *array = json_array();
  for (lua_Unsigned i = 1; i <= count; i++) {
    lua_rawgeti(lua, index, (lua_Integer)i);
    json_t *element = convert(lua, lua_gettop(lua), depth + 1, ret_wrong);
    lua_pop(lua, 1);
    if (json_array_append_new(array, element) != 0)
      return wrong(array, ret_wrong, "out of memory");
  }
  return array;
}

static json_t *convert_object(lua_State *lua, int index, int depth, const char **ret_wrong) {
  json_t *object = json_object();
  for (lua_pushnil(lua); lua_next(lua, index); lua_pop(lua, 1)) {
    size_t len = 0;
    const char *key = lua_type(lua, -2) == LUA_TSTRING ? lua_tolstring(lua, -2, &len) : NULL;
    json_t *member = key ? convert(lua, lua_gettop(lua), depth + 1, ret_wrong) : NULL;
    if (member && json_object_setn_new(object, key, len, member) == 0)
      continue;
    lua_pop(lua, 2);
    return wrong(object, ret_wrong, "a table that mixes a list with names, or has a name that is not UTF-8 text");
  }
  return object;
}

static json_t *convert_table(lua_State *lua, int index, int depth, const char **ret_wrong) {
  if (depth == DEPTH_MAX || !lua_checkstack(lua, 8))
    return wrong(NULL, ret_wrong, "tables within tables, too deep or without an end");
  lua_Unsigned count = lua_rawlen(lua, index), members = 0;
  for (lua_pushnil(lua); lua_next(lua, index); lua_pop(lua, 1))
    members++;
  return count && count == members ? convert_array(lua, index, count, depth, ret_wrong) : convert_object(lua, index, depth, ret_wrong);
}

static json_t *convert_number(lua_State *lua, int index, const char **ret_wrong) {
  if (lua_isinteger(lua, index))
    return json_integer(lua_tointeger(lua, index));
  double number = lua_tonumber(lua, index);
  return isfinite(number) ? json_real(number) : wrong(NULL, ret_wrong, "a number that is not finite");
}

static json_t *convert_string(lua_State *lua, int index, const char **ret_wrong) {
  size_t len = 0;
  const char *text = lua_tolstring(lua, index, &len);
  json_t *string = str_find(bp_str_make(text, len), '\0') < 0 ? json_stringn(text, len) : NULL;
  return string ? string : wrong(NULL, ret_wrong, "a text that is not UTF-8 or holds a NUL");
}

static json_t *convert(lua_State *lua, int index, int depth, const char **ret_wrong) {
  switch (lua_type(lua, index)) {
  case LUA_TBOOLEAN:
    return json_boolean(lua_toboolean(lua, index));
  case LUA_TNUMBER:
    return convert_number(lua, index, ret_wrong);
  case LUA_TSTRING:
    return convert_string(lua, index, ret_wrong);
  case LUA_TTABLE:
    return convert_table(lua, index, depth, ret_wrong);
  default:
    return wrong(NULL, ret_wrong, "a function, which is no value for an option");
  }
}

json_t *lua_json(lua_State *lua, int index, const char **ret_wrong) {
  *ret_wrong = NULL;
  return convert(lua, index, 0, ret_wrong);
}
