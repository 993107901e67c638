/* The words of a configuration file: listen, module, env and so on, as Lua functions that fill a struct config. Private to
 * host/config. */
#ifndef HOST_CONFIG_WORDS_H
#define HOST_CONFIG_WORDS_H

#include "config/sandbox.h"

/* What the words work on; the sandbox's context. */
struct words {
  struct config *config;
  struct config_listener **listener_end; /* where the next one is linked */
  struct config_module **module_end;
  unsigned include_depth;
};

extern const struct sandbox_word words_table[];
extern const size_t words_count;

/* The parts in files of their own: words_listen.c, words_module.c, words_env.c. */
int word_listen(lua_State *lua);
int word_module(lua_State *lua);
int word_env(lua_State *lua);
int word_env_number(lua_State *lua);
int word_env_flag(lua_State *lua);
int word_env_list(lua_State *lua);
int word_real_port(lua_State *lua);

/* The words of the sandbox this state belongs to. */
struct words *words_of(lua_State *lua);
/* Argument `index` as text, borrowed from Lua; reports `usage` and returns NULL if it is no text. */
const char *words_text(lua_State *lua, int index, const char *usage);
/* `path` itself if absolute, else within the folder of the running file. Owned by the caller. */
char *words_path(lua_State *lua, const char *path);

#endif
