/* The module's tables and statements, by number. */
#ifndef FLOW_STATEMENTS_H
#define FLOW_STATEMENTS_H

#include <backplane/db.h>

enum flow_statement {
  LIST_SESSIONS,
  GET_SESSION,
  ADD_SESSION,
  UPDATE_SESSION,
  ARCHIVE_SESSION,
  DELETE_SESSION,
  SET_STATUS,
  SET_OUTPUT,
  RESET_RUNNING,
  LIST_MESSAGES,
  GET_MESSAGE,
  ADD_MESSAGE,
  TOUCH_SESSION,
  MESSAGE_BY_NUMBER,
  GET_SETTINGS,
  SAVE_SETTINGS,
  STATEMENT_COUNT
};

#define MIGRATION_COUNT 2
extern const bp_statement flow_statements[STATEMENT_COUNT];
extern const bp_migration flow_migrations[MIGRATION_COUNT];

#endif
