/* Lua values as JSON. Private to host/config. */
#ifndef HOST_CONFIG_LUA_JSON_H
#define HOST_CONFIG_LUA_JSON_H

#include <jansson.h>
#include <lua.h>

/* The value at `index` (absolute). A table with keys 1…n is an array, one with string keys an object, an empty one an
 * object. NULL with *ret_wrong for what has no JSON form. Raises no Lua error. */
json_t *lua_json(lua_State *lua, int index, const char **ret_wrong);

#endif
