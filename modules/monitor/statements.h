/* The module's tables and statements, by number. */
#ifndef MONITOR_STATEMENTS_H
#define MONITOR_STATEMENTS_H

#include <backplane/db.h>

enum monitor_statement { READ_CURSOR, WRITE_CURSOR, ADD_MESSAGE, PRUNE_MESSAGES, LIST_MESSAGES, MESSAGE_BY_ID, STATEMENT_COUNT };

#define MIGRATION_COUNT 1
extern const bp_statement monitor_statements[STATEMENT_COUNT];
extern const bp_migration monitor_migrations[MIGRATION_COUNT];

#endif
