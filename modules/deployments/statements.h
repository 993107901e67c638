/* The module's tables and statements, by number. */
#ifndef DEPLOYMENTS_STATEMENTS_H
#define DEPLOYMENTS_STATEMENTS_H

#include <backplane/db.h>

enum deployments_statement {
  INSERT_ENTRY,
  COUNT_ENTRIES,
  ENTRY_BY_ID,
  ALL_ENTRIES,
  MISSING_DEPENDENCY,
  WANT_ENTRY,
  SET_STATE,
  ONLINE_ENTRY,
  DELETE_ENTRY,
  ANY_WANTED,
  STATEMENT_COUNT
};

#define MIGRATION_COUNT 2
extern const bp_statement deployments_statements[STATEMENT_COUNT];
extern const bp_migration deployments_migrations[MIGRATION_COUNT];

#endif
