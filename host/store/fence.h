/* The fence around a plugin's SQL: an SQLite authorizer that lets it reach only tables, indexes, triggers and views whose
 * names begin with the plugin's prefix.
 *
 * It stands on the connection that runs migrations and checks every declared statement at load, and is up only while a
 * plugin's SQL is compiled. The other connections compile the same text again, which can reach nothing else by then: names
 * outside the prefix cannot come to mean anything new. Does not live here: compiling (statements.h), migrations (migrate.h). */
#ifndef HOST_STORE_FENCE_H
#define HOST_STORE_FENCE_H

#include "base/strmap.h"
#include <backplane/base.h>
#include <stdbool.h>

#define FENCE_PREFIX_BYTES 128

struct fence {
  const char *prefix; /* NULL: the host's own SQL, everything is allowed */
  bool may_define;    /* a migration: CREATE, ALTER and DROP inside the prefix */
  bool has_defined;   /* the statement being compiled is such a one */
  bool was_asked;     /* SQLite has asked about the statement; it does not about VACUUM */
  /* Lower-case names of every table, view and module of the database, for reads that name no column: SQLite reports those for
   * WITH names as well. */
  const struct strmap *objects;
  const struct strmap *prefixes; /* of all known plugins; a longer one that also matches is another plugin's */
  char refusal[200];             /* why the last compile was refused: "writes table \"x\"", or empty */
};

/* Around the compilation of one statement of a plugin. */
void fence_up(struct fence *fence, const char *prefix, bool may_define);
void fence_down(struct fence *fence);
/* True if the name is inside the prefix, and not inside another plugin's longer one. */
bool fence_owns(const struct fence *fence, const char *prefix, const char *name);
/* The authorizer; `fence` is a struct fence. */
int fence_check(void *fence, int action, const char *first, const char *second, const char *database, const char *inner);
/* A plugin's prefix: its id with dashes and dots as underscores, and "_". False if the id is too long or reserved. */
bool fence_prefix(bp_str id, char ret[FENCE_PREFIX_BYTES]);

#endif
