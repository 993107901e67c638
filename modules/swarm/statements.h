/* The module's tables and statements, by number. */
#ifndef SWARM_STATEMENTS_H
#define SWARM_STATEMENTS_H

#include <backplane/db.h>

enum swarm_statement {
  ADD_SESSION,
  SAVE_SESSION,
  ADD_TODO,
  SAVE_TODO,
  SAVE_AGENT,
  SAVE_SANDBOX,
  ADD_EVENT,
  PRUNE_EVENTS,
  GET_SESSION,
  LIST_SESSIONS,
  LIST_EVENTS,
  OPEN_SESSIONS,
  OPEN_TODOS,
  OPEN_AGENTS,
  DROP_OLD_EVENTS,
  DROP_OLD_TODOS,
  DROP_OLD_AGENTS,
  DROP_OLD_SESSIONS,
  STATEMENT_COUNT
};

#define MIGRATION_COUNT 1
extern const bp_statement swarm_statements[STATEMENT_COUNT];
extern const bp_migration swarm_migrations[MIGRATION_COUNT];

#endif
