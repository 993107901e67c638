/* The module's tables and statements, by number. */
#ifndef ACP_STATEMENTS_H
#define ACP_STATEMENTS_H

#include <backplane/db.h>

enum acp_statement {
  ADD_PROJECT,
  ALL_PROJECTS,
  PROJECT_JSON_BY_ID,
  PROJECT_BY_ID,
  CHANGE_PROJECT,
  DELETE_PROJECT,
  PROJECT_SESSIONS,
  PROJECT_AND_SESSION,
  ADD_SESSION,
  LIST_SESSIONS,
  SESSION_MESSAGES,
  SET_STATUS,
  END_SESSION,
  OPEN_SESSIONS,
  ADD_MESSAGE,
  COUNT_MESSAGE,
  PUT_TOOL,
  COUNT_TOOL,
  TURN_ENDED,
  PUT_TOKEN,
  TOKEN_OF,
  ALL_TOKENS,
  DELETE_TOKEN,
  STATEMENT_COUNT
};

#define MIGRATION_COUNT 2
extern const bp_statement acp_statements[STATEMENT_COUNT];
extern const bp_migration acp_migrations[MIGRATION_COUNT];

#endif
