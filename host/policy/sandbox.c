/* The sandbox; see sandbox.h. Every name a rule can see stands in one of the lists below, with the reason where one is
 * needed. Not there on purpose: os, io, package, require, debug, coroutine, load, loadstring, dofile, collectgarbage, print,
 * setmetatable, getmetatable, rawget, rawset, rawequal, rawlen, pcall, xpcall (a handler would run outside the hook),
 * string.dump, string.pack and unpack, table.move (loops in C without end), math.random
 * (its generator is state that outlives a decision). */
#include "policy/sandbox.h"
#include "base/fail.h"
#include "base/str.h"
#include "policy/lua_string.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define REPEAT_BYTES ((size_t)1 << 20)
#define ERROR_TEXT_BYTES 256
#define FREEZE_DEPTH 64
#define SORTED_BYTES_PER_INSTRUCTION 4
#define FLOAT_INSTRUCTIONS 256         /* to print a number with all its digits */
#define QUOTED_INSTRUCTIONS_PER_BYTE 4 /* %q prints control characters one by one */

/* Addresses double as registry keys. */
static const char globals_key, environment_key;

static const char *const base_names[] = {"assert", "error", "ipairs", "next", "pairs", "select", "tonumber", "type", NULL};
static const char *const math_names[] = {"abs",        "ceil", "cos", "exp", "floor", "fmod", "huge",      "log",  "max", "maxinteger", "min",
                                         "mininteger", "modf", "pi",  "sin", "sqrt",  "tan",  "tointeger", "type", "ult", NULL};
static const char *const string_names[] = {"byte", "char", "len", "lower", "reverse", "sub", "upper", NULL};
static const char *const table_names[] = {"concat", "insert", "pack", "remove", "sort", "unpack", NULL};
static const char *const utf8_names[] = {"char", "charpattern", "codepoint", "codes", "len", "offset", NULL};

/* ---- Functions of our own ---- */

/* Length of a string or table argument: what the C function behind `charged` will walk over at least once. */
static uint64_t argument_cost(lua_State *lua, int index) {
  int type = lua_type(lua, index);
  if (type == LUA_TSTRING)
    return (uint64_t)lua_rawlen(lua, index);
  return type == LUA_TTABLE ? (uint64_t)luaL_len(lua, index) : 0; /* through a read-only view */
}

/* Wraps a library function: pays for its arguments, then runs it on the same stack. */
static int charged(lua_State *lua) {
  uint64_t cost = 1;
  for (int i = lua_gettop(lua); i > 0; i--)
    cost += argument_cost(lua, i) / 16;
  budget_charge(lua, cost);
  return lua_tocfunction(lua, lua_upvalueindex(1))(lua);
}

/* The bytes of the texts among the first `count` elements: comparing two of them may walk over both. */
static uint64_t text_bytes(lua_State *lua, lua_Integer count) {
  uint64_t bytes = 0;
  for (lua_Integer i = 1; i <= count; i++) {
    if (lua_geti(lua, 1, i) == LUA_TSTRING)
      bytes += lua_rawlen(lua, -1);
    lua_pop(lua, 1);
  }
  return bytes;
}

static int charged_sort(lua_State *lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  uint64_t count = (uint64_t)luaL_len(lua, 1);
  uint64_t levels = 1;
  while (count >> levels)
    levels++;
  budget_charge(lua, count * levels); /* refuses a length that no table of a rule has */
  budget_charge(lua, text_bytes(lua, (lua_Integer)count) / SORTED_BYTES_PER_INSTRUCTION * levels);
  return lua_tocfunction(lua, lua_upvalueindex(1))(lua);
}

/* tostring without the address of tables and functions. */
static int safe_tostring(lua_State *lua) {
  luaL_checkany(lua, 1);
  switch (lua_type(lua, 1)) {
  case LUA_TNIL:
  case LUA_TBOOLEAN:
  case LUA_TNUMBER:
  case LUA_TSTRING:
    luaL_tolstring(lua, 1, NULL);
    break;
  default:
    lua_pushstring(lua, luaL_typename(lua, 1));
  }
  return 1;
}

/* What one conversion costs beyond its argument's length. */
static uint64_t conversion_cost(lua_State *lua, int argument, char conversion) {
  if (conversion != '\0' && strchr("aAeEfFgG", conversion))
    return FLOAT_INSTRUCTIONS;
  return conversion == 'q' && lua_type(lua, argument) == LUA_TSTRING ? lua_rawlen(lua, argument) * QUOTED_INSTRUCTIONS_PER_BYTE : 0;
}

/* string.format without %p, and without addresses behind %s. */
static int safe_format(lua_State *lua) {
  size_t len;
  const char *format = luaL_checklstring(lua, 1, &len);
  uint64_t cost = 0;
  int argument = 1;
  for (size_t i = 0; i + 1 < len; i++) {
    if (format[i] != '%')
      continue;
    i += 1 + strspn(format + i + 1, "-+ #0123456789.");
    if (format[i] == 'p')
      return luaL_error(lua, "invalid conversion '%%p' to 'format'");
    if (format[i] != '%')
      cost += conversion_cost(lua, ++argument, format[i]);
  }
  budget_charge(lua, cost);
  for (int i = lua_gettop(lua); i > 1; i--)
    if (lua_type(lua, i) > LUA_TSTRING || lua_type(lua, i) == LUA_TLIGHTUSERDATA) {
      lua_pushstring(lua, luaL_typename(lua, i));
      lua_replace(lua, i);
    }
  return charged(lua);
}

static int capped_rep(lua_State *lua) {
  size_t len, separator = 0;
  luaL_checklstring(lua, 1, &len);
  lua_Integer count = luaL_checkinteger(lua, 2);
  luaL_optlstring(lua, 3, "", &separator);
  if (len + separator == 0)
    return lua_pushliteral(lua, ""), 1; /* the library would repeat nothing as often as asked, without an end */
  if (count > 0 && (uint64_t)count > REPEAT_BYTES / (len + separator))
    return luaL_error(lua, "string.rep: result over 1 MiB");
  budget_charge(lua, count > 0 ? (len + separator) * (uint64_t)count / 16 + 1 : 1);
  return lua_tocfunction(lua, lua_upvalueindex(1))(lua);
}

/* ---- Read-only views ---- */

static int refuse_write(lua_State *lua) {
  return luaL_error(lua, "this table is read-only: copy what you want to change into a table of your own");
}

static int frozen_next(lua_State *lua) {
  lua_settop(lua, 2);
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_insert(lua, 1);
  lua_remove(lua, 2);
  return lua_next(lua, 1) ? 2 : (lua_pushnil(lua), 1);
}

/* __pairs and __len hold the real table as upvalue. */
static int frozen_pairs(lua_State *lua) {
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_pushcclosure(lua, frozen_next, 1);
  lua_pushvalue(lua, 1);
  lua_pushnil(lua);
  return 3;
}

static int frozen_len(lua_State *lua) {
  lua_pushinteger(lua, (lua_Integer)lua_rawlen(lua, lua_upvalueindex(1)));
  return 1;
}

static void set_frozen_method(lua_State *lua, const char *name, lua_CFunction function) {
  lua_pushvalue(lua, -3); /* the real table, below view and metatable */
  lua_pushcclosure(lua, function, 1);
  lua_setfield(lua, -2, name);
}

static void freeze_values(lua_State *lua, int depth);

static void freeze(lua_State *lua, int depth) {
  if (depth > FREEZE_DEPTH)
    luaL_error(lua, "table nested too deeply to be made read-only");
  luaL_checkstack(lua, 8, "table nested too deeply");
  freeze_values(lua, depth);
  lua_newtable(lua); /* the view */
  lua_newtable(lua); /* its metatable */
  lua_pushvalue(lua, -3);
  lua_setfield(lua, -2, "__index");
  lua_pushcfunction(lua, refuse_write);
  lua_setfield(lua, -2, "__newindex");
  set_frozen_method(lua, "__pairs", frozen_pairs);
  set_frozen_method(lua, "__len", frozen_len);
  lua_setmetatable(lua, -2);
  lua_remove(lua, -2);
}

static bool has_metatable(lua_State *lua) {
  if (!lua_getmetatable(lua, -1))
    return false;
  lua_pop(lua, 1);
  return true;
}

/* Replaces the tables among the values of the table on top; assigning to existing keys during a traversal is allowed. */
static void freeze_values(lua_State *lua, int depth) {
  lua_pushnil(lua);
  while (lua_next(lua, -2)) {
    budget_charge(lua, 1);
    if (lua_type(lua, -1) != LUA_TTABLE || has_metatable(lua)) {
      lua_pop(lua, 1);
      continue;
    }
    freeze(lua, depth + 1);
    lua_pushvalue(lua, -2);
    lua_insert(lua, -2);
    lua_rawset(lua, -4);
  }
}

void sandbox_freeze(lua_State *lua) {
  freeze(lua, 0);
}

/* ---- Building the state ---- */

/* Copies the named members of the library table on top into a new table, functions wrapped; leaves the new table. */
static void pick(lua_State *lua, const char *const *names) {
  lua_newtable(lua);
  for (; *names; names++) {
    lua_getfield(lua, -2, *names);
    if (lua_iscfunction(lua, -1))
      lua_pushcclosure(lua, strcmp(*names, "sort") == 0 ? charged_sort : charged, 1);
    lua_setfield(lua, -2, *names);
  }
  lua_remove(lua, -2);
}

static void add_library(lua_State *lua, const char *name, lua_CFunction open, const char *const *names) {
  luaL_requiref(lua, name, open, 0);
  pick(lua, names);
  lua_setfield(lua, -2, name);
}

static void wrap(lua_State *lua, const char *name, lua_CFunction wrapper) {
  lua_getfield(lua, -1, name); /* of the library below the picked table */
  lua_pushcclosure(lua, wrapper, 1);
  lua_setfield(lua, -3, name);
}

static void add_string_library(lua_State *lua) {
  luaL_requiref(lua, LUA_STRLIBNAME, luaopen_string, 0);
  lua_pushvalue(lua, -1);
  pick(lua, string_names);
  lua_insert(lua, -2); /* picked, library */
  wrap(lua, "format", safe_format);
  wrap(lua, "rep", capped_rep);
  lua_pop(lua, 1);
  lua_string_install(lua);
  sandbox_freeze(lua);
  /* "text":method() looks in the metatable of strings, which must show the picked functions only. */
  lua_pushliteral(lua, "");
  lua_newtable(lua);
  lua_pushvalue(lua, -3);
  lua_setfield(lua, -2, "__index");
  lua_setmetatable(lua, -2);
  lua_pop(lua, 1);
  lua_setfield(lua, -2, LUA_STRLIBNAME);
}

static void add_base(lua_State *lua) {
  luaL_requiref(lua, LUA_GNAME, luaopen_base, 0);
  for (const char *const *name = base_names; *name; name++) {
    lua_getfield(lua, -1, *name);
    lua_setfield(lua, -3, *name);
  }
  lua_pop(lua, 1);
  lua_pushcfunction(lua, safe_tostring);
  lua_setfield(lua, -2, "tostring");
  lua_pushliteral(lua, LUA_VERSION);
  lua_setfield(lua, -2, "_VERSION");
}

/* The environment of all rules: an empty table that shows the globals and refuses writes. */
static void make_environment(lua_State *lua) {
  lua_newtable(lua);
  lua_newtable(lua);
  lua_rawgetp(lua, LUA_REGISTRYINDEX, &globals_key);
  lua_setfield(lua, -2, "__index");
  lua_pushcfunction(lua, refuse_write);
  lua_setfield(lua, -2, "__newindex");
  lua_setmetatable(lua, -2);
  lua_pushvalue(lua, -1);
  sandbox_set_global(lua, LUA_GNAME);
  lua_rawsetp(lua, LUA_REGISTRYINDEX, &environment_key);
}

static int build(lua_State *lua) {
  lua_newtable(lua);
  add_base(lua);
  add_library(lua, LUA_MATHLIBNAME, luaopen_math, math_names);
  add_library(lua, LUA_TABLIBNAME, luaopen_table, table_names);
  add_library(lua, LUA_UTF8LIBNAME, luaopen_utf8, utf8_names);
  add_string_library(lua);
  freeze_values(lua, 0);
  lua_rawsetp(lua, LUA_REGISTRYINDEX, &globals_key);
  make_environment(lua);
  return 0;
}

static int on_panic(lua_State *lua) {
  (void)lua;
  return 0; /* unreachable: every entry goes through lua_pcall */
}

lua_State *sandbox_new(struct budget *budget) {
  *budget = (struct budget){0};
  lua_State *lua = lua_newstate(budget_allocate, budget);
  if (!lua)
    return NULL;
  lua_atpanic(lua, on_panic);
  lua_pushcfunction(lua, build);
  if (lua_pcall(lua, 0, 0, 0) == LUA_OK)
    return lua;
  lua_close(lua);
  return NULL;
}

void sandbox_free(lua_State *lua) {
  if (lua)
    lua_close(lua);
}

void sandbox_set_global(lua_State *lua, const char *name) {
  lua_rawgetp(lua, LUA_REGISTRYINDEX, &globals_key);
  lua_insert(lua, -2);
  lua_pushstring(lua, name);
  lua_insert(lua, -2);
  lua_rawset(lua, -3);
  lua_pop(lua, 1);
}

bp_status sandbox_compile(lua_State *lua, const char *name, bp_str source, bp_error *err) {
  char chunk_name[256], text[ERROR_TEXT_BYTES];
  if (source.len > SANDBOX_SOURCE_BYTES)
    return fail(err, BP_E_LIMIT, "rule \"%s\" has %zu bytes, the limit is %zu", name, source.len, SANDBOX_SOURCE_BYTES);
  if (source.len && source.ptr[0] == LUA_SIGNATURE[0])
    return fail(err, BP_E_PARSE, "rule \"%s\" is not text", name);
  snprintf(chunk_name, sizeof(chunk_name), "@%s", name);
  if (luaL_loadbufferx(lua, source.ptr, source.len, chunk_name, "t") != LUA_OK) {
    sandbox_error_text(lua, text, sizeof(text));
    lua_pop(lua, 1);
    bool has_place = str_starts(str_from(text), str_from(name)); /* a text nested too deeply is refused without one */
    return has_place ? fail(err, BP_E_PARSE, "%s", text) : fail(err, BP_E_PARSE, "%s: %s", name, text);
  }
  lua_rawgetp(lua, LUA_REGISTRYINDEX, &environment_key);
  lua_setupvalue(lua, -2, 1);
  return BP_OK;
}

void sandbox_error_text(lua_State *lua, char *text, size_t size) {
  size_t len = 0, at = 0;
  const char *from = lua_type(lua, -1) == LUA_TSTRING ? lua_tolstring(lua, -1, &len) : "the error is not a text";
  if (lua_type(lua, -1) != LUA_TSTRING)
    len = strlen(from);
  for (size_t i = 0; i < len && i < ERROR_TEXT_BYTES && at + 5 < size; i++) {
    unsigned char c = (unsigned char)from[i];
    if (c >= 0x20 && c < 0x7F)
      text[at++] = (char)c;
    else
      at += (size_t)snprintf(text + at, size - at, "\\x%02x", c);
  }
  text[at] = '\0';
}
