/* Lua values as JSON; see lua_json.h. */
#include "config/lua_json.h"
#include "base/str.h"

#include <math.h>

#define DEPTH_MAX 16
#define VALUES_MAX 100000u /* a table may stand in many places: what is small in Lua could be endless as text */

/* One conversion. */
struct conversion {
  lua_State *lua;
  unsigned values;   /* so far */
  const char *wrong; /* the first reason to refuse, a literal */
};

static json_t *convert(struct conversion *c, int index, int depth);

static json_t *refuse(struct conversion *c, json_t *unfinished, const char *why) {
  if (!c->wrong)
    c->wrong = why;
  json_decref(unfinished);
  return NULL;
}

static json_t *convert_array(struct conversion *c, int index, lua_Unsigned count, int depth) {
  json_t *array = json_array();
  for (lua_Unsigned i = 1; i <= count; i++) {
    lua_rawgeti(c->lua, index, (lua_Integer)i);
    json_t *element = convert(c, lua_gettop(c->lua), depth + 1);
    lua_pop(c->lua, 1);
    if (json_array_append_new(array, element) != 0)
      return refuse(c, array, "more than there is memory for");
  }
  return array;
}

static json_t *convert_object(struct conversion *c, int index, int depth) {
  lua_State *lua = c->lua;
  json_t *object = json_object();
  for (lua_pushnil(lua); lua_next(lua, index); lua_pop(lua, 1)) {
    size_t len = 0;
    const char *key = lua_type(lua, -2) == LUA_TSTRING ? lua_tolstring(lua, -2, &len) : NULL;
    json_t *member = key ? convert(c, lua_gettop(lua), depth + 1) : NULL;
    if (member && json_object_setn_new(object, key, len, member) == 0)
      continue;
    lua_pop(lua, 2);
    return refuse(c, object, "a table that mixes a list with names, or has a name that is not UTF-8 text");
  }
  return object;
}

static json_t *convert_table(struct conversion *c, int index, int depth) {
  if (depth == DEPTH_MAX || !lua_checkstack(c->lua, 8))
    return refuse(c, NULL, "tables within tables, too deep or without an end");
  lua_Unsigned count = lua_rawlen(c->lua, index), members = 0;
  for (lua_pushnil(c->lua); lua_next(c->lua, index); lua_pop(c->lua, 1))
    members++;
  return count && count == members ? convert_array(c, index, count, depth) : convert_object(c, index, depth);
}

static json_t *convert_number(struct conversion *c, int index) {
  if (lua_isinteger(c->lua, index))
    return json_integer(lua_tointeger(c->lua, index));
  double number = lua_tonumber(c->lua, index);
  return isfinite(number) ? json_real(number) : refuse(c, NULL, "a number that is not finite");
}

static json_t *convert_string(struct conversion *c, int index) {
  size_t len = 0;
  const char *text = lua_tolstring(c->lua, index, &len);
  json_t *string = str_find(bp_str_make(text, len), '\0') < 0 ? json_stringn(text, len) : NULL;
  return string ? string : refuse(c, NULL, "a text that is not UTF-8 or holds a NUL");
}

static json_t *convert(struct conversion *c, int index, int depth) {
  if (++c->values > VALUES_MAX)
    return refuse(c, NULL, "more values than an option may have");
  switch (lua_type(c->lua, index)) {
  case LUA_TBOOLEAN:
    return json_boolean(lua_toboolean(c->lua, index));
  case LUA_TNUMBER:
    return convert_number(c, index);
  case LUA_TSTRING:
    return convert_string(c, index);
  case LUA_TTABLE:
    return convert_table(c, index, depth);
  default:
    return refuse(c, NULL, "a function, which is no value for an option");
  }
}

json_t *lua_json(lua_State *lua, int index, const char **ret_wrong) {
  struct conversion c = {.lua = lua};
  json_t *value = convert(&c, index, 0);
  if (!value)
    *ret_wrong = c.wrong;
  return value;
}
