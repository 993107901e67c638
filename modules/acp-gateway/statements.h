/* The module's tables and statements, by number. */
#ifndef ACP_GATEWAY_STATEMENTS_H
#define ACP_GATEWAY_STATEMENTS_H

#include <backplane/db.h>

enum gateway_statement {
  ADD_SESSION,
  SET_SESSION,
  SET_SESSION_ACP_ID,
  SET_SESSION_TITLE,
  OPEN_SESSIONS,
  SESSION_BY_ID,
  ADD_MESSAGE,
  PUT_TOOL,
  MESSAGES_OF,
  TRIM_SESSIONS,
  ADD_PIECE,
  DROP_PIECES,
  KEEP_ALL_PIECES,
  DROP_ALL_PIECES,
  INTERRUPTED_SESSIONS,
  STATEMENT_COUNT
};

#define MIGRATION_COUNT 2
extern const bp_statement gateway_statements[STATEMENT_COUNT];
extern const bp_migration gateway_migrations[MIGRATION_COUNT];

#endif
