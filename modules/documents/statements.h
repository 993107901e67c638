/* The module's SQL by number. A name here is the position of its text in statements.c. */
#ifndef DOCUMENTS_STATEMENTS_H
#define DOCUMENTS_STATEMENTS_H

#include <backplane/db.h>

enum statement {
  INSERT_DOCUMENT,
  INSERT_TAG,
  INSERT_TEXT,
  DOCUMENT_BY_ID,
  DOCUMENT_BY_ROW,
  LIST_DOCUMENTS,
  FILE_OF_DOCUMENT,
  COUNT_TAGS,
  TOUCH_DOCUMENT,
  DESCRIBE_DOCUMENT,
  CLEAR_TAGS,
  REFRESH_TEXT,
  DELETE_TEXT,
  DELETE_DOCUMENT,
  STATEMENT_COUNT
};

extern const bp_statement documents_statements[STATEMENT_COUNT];
#define MIGRATION_COUNT 1
extern const bp_migration documents_migrations[MIGRATION_COUNT];

#endif
