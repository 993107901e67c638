/* string.find, match, gmatch and gsub for the sandbox, on our own matcher (pattern.h). */
#ifndef HOST_POLICY_LUA_STRING_H
#define HOST_POLICY_LUA_STRING_H

#include <lua.h>

/* Sets the four functions in the table on top of the stack. */
void lua_string_install(lua_State *lua);

#endif
