/* The module's SQL by number. A name here is the position of its text in statements.c. */
#ifndef OBSERVABILITY_STATEMENTS_H
#define OBSERVABILITY_STATEMENTS_H

#include <backplane/db.h>

enum statement {
  INSERT_EVENT,
  SESSION_STARTED,
  SESSION_FINISHED,
  SESSION_TOUCHED,
  SESSION_EXISTS,
  LIST_EVENTS,
  LIST_EVENTS_AFTER,
  EVENT_BY_ID,
  LIST_SESSIONS,
  LIST_SESSIONS_AFTER,
  SESSION_BY_ID,
  CREATE_SESSION,
  PATCH_SESSION,
  DELETE_EVENTS,
  DELETE_SESSION,
  STOP_SESSION,
  LAST_ANSWER,
  PRUNE_EVENTS,
  STATEMENT_COUNT
};

extern const bp_statement observability_statements[STATEMENT_COUNT];
#define MIGRATION_COUNT 1
extern const bp_migration observability_migrations[MIGRATION_COUNT];

/* Columns of an event row, in the order an answer lists them. */
enum event_column {
  EVENT_ID,
  EVENT_SESSION_ID,
  EVENT_TYPE,
  EVENT_TIMESTAMP,
  EVENT_TOOL_NAME,
  EVENT_TOOL_INPUT,
  EVENT_TOOL_OUTPUT,
  EVENT_ERROR,
  EVENT_EXIT_CODE,
  EVENT_REASON,
  EVENT_ROLE,
  EVENT_CONTENT,
  EVENT_COLUMN_COUNT
};

#endif
