/* JSON values as Lua values and back. Null becomes nil; arrays are sequences. */
#ifndef HOST_POLICY_LUA_JSON_H
#define HOST_POLICY_LUA_JSON_H

#include <jansson.h>
#include <lua.h>
#include <stddef.h>

/* Pushes a value. May raise (memory, stack): call it under lua_pcall. */
void lua_json_push(lua_State *lua, const json_t *value);
/* Metatable field of a view: a function that pushes all of its members as a plain table. */
#define LUA_JSON_TREE "__tree"
/* A new reference, or NULL with the reason in `why`: not a table, function inside, mixed keys, nested too deeply, not UTF-8.
 * Read-only views are followed. Raises nothing. */
json_t *lua_json_from(lua_State *lua, int index, char *why, size_t size);

#endif
