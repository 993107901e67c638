/* The sandbox of configuration files; see sandbox.h. */
#include "config/sandbox.h"
#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT_INTERVAL 1000
#define BYTES_PER_STEP 64 /* filling memory takes time too: a text grown byte by byte is copied each time */
#define CALL_COST 1000    /* instructions: a call may do as much as many of them, so 10,000 calls use the budget up */

/* What a file may use of Lua's own. Left out: everything that reads or runs files (io, os, load, require), looks behind the
 * scenes (debug, metatables, raw*), catches the budget's error (pcall, coroutines), or spends time where no instruction
 * is counted (patterns, rep, table.move). */
static const char *const base_functions[] = {"assert", "error", "ipairs", "next", "pairs", "select", "tonumber", "tostring", "type", NULL};
static const char *const string_functions[] = {"byte", "char", "format", "len", "lower", "reverse", "sub", "upper", NULL};
static const char *const table_functions[] = {"concat", "insert", "pack", "remove", "sort", "unpack", NULL};
static const char *const math_functions[] = {"abs", "ceil", "floor", "max", "min", "tointeger", NULL};

struct sandbox *sandbox_of(lua_State *lua) {
  return *(struct sandbox **)lua_getextraspace(lua);
}

static void *allocate(void *context, void *block, size_t old_bytes, size_t new_bytes) {
  struct sandbox *box = context;
  size_t old = block ? old_bytes : 0;
  if (new_bytes == 0) {
    free(block);
    box->bytes_used -= old;
    return NULL;
  }
  if (new_bytes > old && new_bytes - old > SANDBOX_BYTES - box->bytes_used)
    return NULL;
  box->instructions += (long)(new_bytes / BYTES_PER_STEP);
  void *moved = realloc(block, new_bytes);
  if (moved)
    box->bytes_used += new_bytes - old;
  return moved;
}

static void watch(lua_State *lua, lua_Debug *where) {
  struct sandbox *box = sandbox_of(lua);
  if (where->event == LUA_HOOKLINE) {
    lua_getinfo(lua, "S", where);
    box->last_line = where->currentline;
    box->last_source = where->source[0] == '=' ? (unsigned)strtoul(where->source + 1, NULL, 10) : box->last_source;
    return;
  }
  // NOLINTNEXTLINE(bugprone-branch-clone): the two prices happen to be the same
  box->instructions += where->event == LUA_HOOKCOUNT ? COUNT_INTERVAL : CALL_COST;
  if (box->instructions <= SANDBOX_INSTRUCTIONS)
    return;
  lua_pushliteral(lua, "the configuration ran for too long: is there a loop without an end?");
  lua_error(lua);
}

/* Copies the allowed entries of the table on top of the stack into the table below it, and pops it. */
static void keep(lua_State *lua, const char *const *names) {
  for (; *names; names++) {
    lua_getfield(lua, -1, *names);
    lua_setfield(lua, -3, *names);
  }
  lua_pop(lua, 1);
}

static void keep_library(lua_State *lua, const char *name, lua_CFunction open, const char *const *names) {
  lua_newtable(lua);
  luaL_requiref(lua, name, open, 0);
  keep(lua, names);
  lua_setfield(lua, -2, name);
}

/* The methods of strings: only the allowed functions. */
static void limit_string_methods(lua_State *lua) {
  lua_pushliteral(lua, "");
  lua_getmetatable(lua, -1);
  lua_getfield(lua, -3, "string");
  lua_setfield(lua, -2, "__index");
  lua_pop(lua, 2);
}

/* Reading a name that does not exist. Upvalue 1: the table of names. */
static int unknown_name(lua_State *lua) {
  struct sandbox *box = sandbox_of(lua);
  const char *name = lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "?";
  struct nearest search = {.wanted = str_from(name)};
  lua_pushvalue(lua, 2);
  if (lua_rawget(lua, lua_upvalueindex(1)) != LUA_TNIL)
    return 1;
  struct config_error *error = report(box->errors, sandbox_origin(box), "unknown name \"%.64s\"", name);
  for (lua_pushnil(lua); lua_next(lua, lua_upvalueindex(1)); lua_pop(lua, 1))
    nearest_offer(&search, str_from(lua_tostring(lua, -2)));
  report_nearest(error, &search);
  lua_pushlightuserdata(lua, box);
  return lua_error(lua);
}

static int assigned_name(lua_State *lua) {
  struct sandbox *box = sandbox_of(lua);
  const char *name = lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "?";
  struct config_error *error = report(box->errors, sandbox_origin(box), "nothing is set by assigning to \"%.64s\"", name);
  report_hint(error, "for a variable of your own write: local %.64s = …; for a setting leave out the \"=\"", name);
  return 0;
}

/* Fills the registry entry that chunks get as their _ENV: empty itself, so that both reading and assigning are seen. */
static int set_up(lua_State *lua) {
  struct sandbox *box = sandbox_of(lua);
  const struct sandbox_word *words = lua_touserdata(lua, 1);
  size_t word_count = (size_t)lua_tointeger(lua, 2);
  lua_newtable(lua);
  luaL_requiref(lua, "_G", luaopen_base, 0);
  keep(lua, base_functions);
  keep_library(lua, "string", luaopen_string, string_functions);
  limit_string_methods(lua);
  keep_library(lua, "table", luaopen_table, table_functions);
  keep_library(lua, "math", luaopen_math, math_functions);
  for (size_t i = 0; i < word_count; i++) {
    lua_pushcfunction(lua, words[i].call);
    lua_setfield(lua, -2, words[i].name);
  }
  lua_newtable(lua);
  lua_newtable(lua);
  lua_pushvalue(lua, -3);
  lua_pushcclosure(lua, unknown_name, 1);
  lua_setfield(lua, -2, "__index");
  lua_pushcfunction(lua, assigned_name);
  lua_setfield(lua, -2, "__newindex");
  lua_setmetatable(lua, -2);
  lua_rawsetp(lua, LUA_REGISTRYINDEX, box);
  return 0;
}

bool sandbox_init(struct sandbox *box, struct config_errors *errors, const struct sandbox_word *words, size_t word_count, void *context) {
  memset(box, 0, sizeof(*box));
  box->errors = errors;
  box->context = context;
  box->lua = lua_newstate(allocate, box);
  if (!box->lua)
    return false;
  *(struct sandbox **)lua_getextraspace(box->lua) = box;
  lua_pushcfunction(box->lua, set_up);
  lua_pushlightuserdata(box->lua, (void *)(uintptr_t)words);
  lua_pushinteger(box->lua, (lua_Integer)word_count);
  if (lua_pcall(box->lua, 2, 0, 0) == LUA_OK) {
    lua_sethook(box->lua, watch, LUA_MASKLINE | LUA_MASKCOUNT | LUA_MASKCALL, COUNT_INTERVAL);
    return true;
  }
  sandbox_release(box);
  return false;
}

void sandbox_release(struct sandbox *box) {
  if (box->lua)
    lua_close(box->lua);
  for (unsigned i = 0; i < box->source_count; i++) {
    free(box->sources[i].file);
    free(box->sources[i].text);
  }
  free(box->sources);
  memset(box, 0, sizeof(*box));
}

static struct origin last_place(const struct sandbox *box) {
  return (struct origin){box->sources[box->last_source].file, box->last_line};
}

struct origin sandbox_origin(const struct sandbox *box) {
  lua_Debug where;
  for (int level = 0; lua_getstack(box->lua, level, &where); level++) {
    lua_getinfo(box->lua, "Sl", &where);
    if (where.currentline > 0 && where.source[0] == '=')
      return (struct origin){box->sources[strtoul(where.source + 1, NULL, 10)].file, where.currentline};
  }
  return last_place(box);
}

/* The whole file, or NULL with errno. */
static char *read_text(const char *file, size_t *ret_len) {
  struct stat info;
  int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return NULL;
  char *text = NULL;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || (size_t)info.st_size > SANDBOX_SOURCE_BYTES) {
    errno = S_ISDIR(info.st_mode) ? EISDIR : EFBIG;
  } else {
    text = mem_alloc((size_t)info.st_size + 1);
    ssize_t got = read(fd, text, (size_t)info.st_size);
    *ret_len = got > 0 ? (size_t)got : 0;
    text[*ret_len] = '\0';
  }
  close(fd);
  return text;
}

static struct source *add_source(struct sandbox *box, const char *file) {
  size_t len = 0;
  char *text = read_text(file, &len);
  if (!text) {
    report(box->errors, (struct origin){file, 0}, "cannot read \"%.200s\": %s", file, strerror(errno));
    return NULL;
  }
  box->sources = mem_resize(box->sources, (box->source_count + 1) * sizeof(*box->sources));
  struct source *source = &box->sources[box->source_count++];
  *source = (struct source){.file = str_dupz(str_from(file)), .text = text, .len = len};
  return source;
}

/* Lua's own message without the "NAME:LINE:" it puts in front, which goes into the error's place. */
static void report_lua(struct sandbox *box, unsigned source, const char *message) {
  char prefix[24];
  struct origin origin = last_place(box);
  int len = snprintf(prefix, sizeof(prefix), "%u:", source);
  if (strncmp(message, prefix, (size_t)len) == 0 && isdigit((unsigned char)message[len])) {
    char *rest = NULL;
    origin = (struct origin){box->sources[source].file, (int)strtol(message + len, &rest, 10)};
    message = str_starts(str_from(rest), BP_LIT(": ")) ? rest + 2 : rest;
  }
  report(box->errors, origin, "%s", message[0] ? message : "the configuration raised an error without a text");
}

/* Which of the files the message names: "3:17: …" is line 17 of the fourth. */
static unsigned source_named(const struct sandbox *box, const char *message) {
  unsigned long index = isdigit((unsigned char)message[0]) ? strtoul(message, NULL, 10) : box->last_source;
  return index < box->source_count ? (unsigned)index : box->last_source;
}

/* The sandbox itself as the error's value: it has been reported by who raised it. */
static void report_failure(struct sandbox *box, int status) {
  if (status == LUA_ERRMEM)
    report(box->errors, last_place(box), "the configuration needs more than %zu MiB of memory", SANDBOX_BYTES >> 20);
  else if (lua_type(box->lua, -1) == LUA_TSTRING)
    report_lua(box, source_named(box, lua_tostring(box->lua, -1)), lua_tostring(box->lua, -1));
  else if (lua_touserdata(box->lua, -1) != box)
    report(box->errors, last_place(box), "the configuration raised an error that is not a text");
  lua_pop(box->lua, 1);
}

bool sandbox_run(struct sandbox *box, const char *file) {
  char name[24];
  lua_State *lua = box->lua;
  if (box->source_count == SANDBOX_FILES) {
    report(box->errors, sandbox_origin(box), "more than %u files are included", SANDBOX_FILES);
    return false;
  }
  unsigned outer_source = box->last_source;
  int outer_line = box->last_line;
  const struct source *source = add_source(box, file);
  if (!source)
    return false;
  box->last_source = box->source_count - 1;
  box->last_line = 0;
  snprintf(name, sizeof(name), "=%u", box->last_source);
  int status = luaL_loadbufferx(lua, source->text, source->len, name, "t");
  if (status == LUA_OK) {
    lua_rawgetp(lua, LUA_REGISTRYINDEX, box);
    lua_setupvalue(lua, -2, 1);
    status = lua_pcall(lua, 0, 0, 0);
  }
  if (status != LUA_OK)
    report_failure(box, status);
  box->last_source = outer_source;
  box->last_line = outer_line;
  return status == LUA_OK;
}

static const char *line_start(const char *text, int line) {
  while (line > 1 && (text = strchr(text, '\n'))) {
    text++;
    line--;
  }
  return text;
}

static bool is_name_byte(char c) {
  return isalnum((unsigned char)c) || c == '_';
}

/* True if `name =` (not `==`) stands at `at`, as a word of its own. */
static bool is_field(const char *start, const char *at, size_t len) {
  if (at > start && is_name_byte(at[-1]))
    return false;
  at += len;
  while (*at == ' ' || *at == '\t')
    at++;
  return at[0] == '=' && at[1] != '=';
}

int sandbox_line_of(const struct sandbox *box, struct origin from, const char *name) {
  const char *text = NULL;
  for (unsigned i = 0; i < box->source_count; i++)
    if (from.file && strcmp(box->sources[i].file, from.file) == 0)
      text = line_start(box->sources[i].text, from.line);
  size_t len = strlen(name);
  int line = from.line;
  for (const char *at = text; at && *at && len; at++) {
    if (*at == '\n')
      line++;
    else if (*at == name[0] && strncmp(at, name, len) == 0 && is_field(text, at, len))
      return line;
  }
  return from.line;
}
