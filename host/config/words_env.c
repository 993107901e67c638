/* The words that read the environment, and the port offset. A value never appears in an error: it may be a secret. */
#include "base/str.h"
#include "config/words.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The variable named by argument 1; NULL when unset or empty. */
static const char *variable(lua_State *lua, const char **ret_name) {
  *ret_name = words_text(lua, 1, "env(\"NAME\", default)");
  const char *value = *ret_name ? getenv(*ret_name) : NULL;
  return value && value[0] ? value : NULL;
}

/* Returns argument 2, which is nil if it was left out. */
static int use_default(lua_State *lua) {
  lua_settop(lua, 2);
  return 1;
}

static int refuse(lua_State *lua, const char *name, const char *what) {
  struct sandbox *box = sandbox_of(lua);
  report(box->errors, sandbox_origin(box), "environment variable \"%.64s\" is not %s", name, what);
  return use_default(lua);
}

int word_env(lua_State *lua) {
  const char *name, *value = variable(lua, &name);
  if (!value)
    return use_default(lua);
  if (!str_is_utf8(str_from(value)))
    return refuse(lua, name, "UTF-8 text");
  lua_pushstring(lua, value);
  return 1;
}

int word_env_number(lua_State *lua) {
  int64_t number = 0;
  const char *name, *value = variable(lua, &name);
  if (!value)
    return use_default(lua);
  if (!str_to_i64(str_from(value), &number))
    return refuse(lua, name, "a whole number");
  lua_pushinteger(lua, number);
  return 1;
}

int word_env_flag(lua_State *lua) {
  static const struct {
    const char *word;
    bool flag;
  } words[] = {{"1", true}, {"true", true}, {"yes", true}, {"on", true}, {"0", false}, {"false", false}, {"no", false}, {"off", false}};
  const char *name, *value = variable(lua, &name);
  if (!value)
    return use_default(lua);
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    if (strcasecmp(words[i].word, value) != 0)
      continue;
    lua_pushboolean(lua, words[i].flag);
    return 1;
  }
  return refuse(lua, name, "1, true, yes, on, 0, false, no or off");
}

/* "a, b,c" as a list of its parts. */
int word_env_list(lua_State *lua) {
  const char *name, *value = variable(lua, &name);
  if (!value)
    return use_default(lua);
  if (!str_is_utf8(str_from(value)))
    return refuse(lua, name, "UTF-8 text");
  lua_newtable(lua);
  for (lua_Integer count = 0; value;) {
    const char *comma = strchr(value, ',');
    bp_str part = str_trim(bp_str_make(value, comma ? (size_t)(comma - value) : strlen(value)));
    if (part.len) {
      lua_pushlstring(lua, part.ptr, part.len);
      lua_rawseti(lua, -2, ++count);
    }
    value = comma ? comma + 1 : NULL;
  }
  return 1;
}

/* ---- Ports ---- */

static int offset;

void config_port_offset(int port_offset) {
  offset = port_offset;
}

/* real_port(3000): where a listener with this port is reached, for addresses that are told to others. */
int word_real_port(lua_State *lua) {
  int is_number = 0;
  lua_Integer port = lua_tointegerx(lua, 1, &is_number);
  if (!is_number || port < 1 || port > 65535) {
    report(sandbox_of(lua)->errors, sandbox_origin(sandbox_of(lua)), "real_port takes a port: real_port(3000)");
    port = 0;
  }
  lua_pushinteger(lua, port + offset);
  return 1;
}
