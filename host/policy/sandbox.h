/* The Lua state that rules run in, built up from an allow list: what is not named in sandbox.c does not exist for a rule.
 *
 * Globals and libraries are read-only, strings are matched by our own matcher, memory, instructions and processor time are
 * capped (budget.h). No metatable can be set, so nothing of a rule ever runs outside its budget. */
#ifndef HOST_POLICY_SANDBOX_H
#define HOST_POLICY_SANDBOX_H

#include "policy/budget.h"
#include <backplane/base.h>

#define SANDBOX_SOURCE_BYTES ((size_t)64 << 10)

/* A new state, or NULL without memory. `budget` must outlive it. */
lua_State *sandbox_new(struct budget *budget);
void sandbox_free(lua_State *lua);
/* Compiles source text into a function on top of the stack, with the read-only globals as its environment. `name` is shown in
 * errors. Refuses bytecode and sources over 64 KiB. */
bp_status sandbox_compile(lua_State *lua, const char *name, bp_str source, bp_error *err);
/* Adds a global before the first run. Takes the value on top of the stack. */
void sandbox_set_global(lua_State *lua, const char *name);
/* Replaces the table on top of the stack by a read-only view of it; tables inside it too. Charged to the budget. */
void sandbox_freeze(lua_State *lua);
/* The text of an error value on top of the stack: only strings are looked at, cut to 256 bytes, control bytes escaped. */
void sandbox_error_text(lua_State *lua, char *text, size_t size);

#endif
