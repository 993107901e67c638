/* The module's tables and statements, by number. */
#ifndef REPOSITORIES_STATEMENTS_H
#define REPOSITORIES_STATEMENTS_H

#include <backplane/db.h>

enum repositories_statement {
  BEGIN_ENTRY,
  BEGIN_ENTRY_ONCE,
  COMPLETE_ENTRY,
  DROP_ENTRY,
  UNFINISHED_ENTRIES,
  ENTRY_BY_ID,
  ENTRY_BY_PATH,
  ALL_ENTRIES,
  UPDATE_ENTRY,
  RUNNING_ENTRY,
  DELETE_ENTRY,
  SET_RUNNING,
  STATEMENT_COUNT
};

#define MIGRATION_COUNT 1
extern const bp_statement repositories_statements[STATEMENT_COUNT];
extern const bp_migration repositories_migrations[MIGRATION_COUNT];

#endif
