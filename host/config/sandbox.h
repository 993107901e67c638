/* A Lua state for configuration files: an allow list of harmless functions, a memory cap, an instruction budget.
 *
 * Nothing here knows what a configuration says; see words.c. Private to host/config. */
#ifndef HOST_CONFIG_SANDBOX_H
#define HOST_CONFIG_SANDBOX_H

#include "config/report.h"
#include <lua.h>

#define SANDBOX_BYTES ((size_t)16 << 20)
#define SANDBOX_INSTRUCTIONS 10000000L
#define SANDBOX_SOURCE_BYTES ((size_t)1 << 20) /* a file */
#define SANDBOX_FILES 256u

/* A file that was run, kept to tell which line an option stands on. */
struct source {
  char *file;
  char *text; /* NUL-terminated */
  size_t len;
};

struct sandbox {
  lua_State *lua;
  struct config_errors *errors;
  struct source *sources;
  unsigned source_count;
  size_t bytes_used;
  long instructions;
  unsigned last_source; /* where the last line ran, for errors that cannot say it themselves */
  int last_line;
  void *context; /* the words' own */
};

/* Sets up on the caller's memory; false without memory. `words` become the globals, next to the allow list. */
struct sandbox_word {
  const char *name;
  lua_CFunction call;
};
bool sandbox_init(struct sandbox *box, struct config_errors *errors, const struct sandbox_word *words, size_t word_count, void *context);
void sandbox_release(struct sandbox *box);
/* Runs a file as text. Whatever goes wrong is reported; false then. */
bool sandbox_run(struct sandbox *box, const char *file);

/* Inside a word: the sandbox, and the place the word was called from. */
struct sandbox *sandbox_of(lua_State *lua);
struct origin sandbox_origin(const struct sandbox *box);
/* The line on which `name =` stands, looking from `from` on; the line of `from` if it is not found. */
int sandbox_line_of(const struct sandbox *box, struct origin from, const char *name);

#endif
