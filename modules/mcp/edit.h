/* An entry on its way into the registry: what it will be, and the store's work for it. */
#ifndef MCP_EDIT_H
#define MCP_EDIT_H

#include "mcp.h"

/* `server` is NULL when it failed: then `status` and `message` say why. */
typedef void (*edited_fn)(void *ctx, struct server *server, uint32_t status, const char *message);

struct draft {
  struct mcp *m;
  bool is_new, has_env, is_full;
  char *id, *name, *description, *command, *args, *cwd, *url;
  char *values; /* env as given: JSON object of texts, of which some may be the mask */
  char *env;    /* the same, masked */
  char *secret, *old_secret;
  edited_fn done;
  void *ctx;
};

struct draft *draft_new(struct mcp *m, edited_fn done, void *ctx);
void draft_free(struct draft *draft);
/* Reads the members of an object; NULL, or a sentence about what is wrong. `env` is read from `values`, limited to the names
 * in the facts' "env". Borrowed until the next call. */
const char *draft_read(struct draft *draft, bp_json facts, bp_json env);
/* Takes the draft over. */
void draft_store(struct draft *draft);

/* Removes stored values nothing refers to any more; NULL is none. */
void secret_forget(struct mcp *m, const char *name);

#endif
