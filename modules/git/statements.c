/* The tables and statements of the module. */
#include "statements.h"

const bp_migration git_migrations[1] = {
    {sizeof(bp_migration), 1,
     BP_STR("CREATE TABLE git_trusted (path TEXT PRIMARY KEY NOT NULL, inode INTEGER NOT NULL, created_at TEXT NOT NULL DEFAULT (datetime('now'))) "
            "STRICT;")},
};

#define STATEMENT(word, text)                                                                                                                        \
  { sizeof(bp_statement), 0, BP_STR(word), BP_STR(text) }

const bp_statement git_statements[STATEMENT_COUNT] = {
    [ALL_TRUSTED] = STATEMENT("all_trusted", "SELECT path, inode FROM git_trusted ORDER BY path"),
    [TRUST] = STATEMENT("trust", "INSERT INTO git_trusted (path, inode) VALUES (?1, ?2) ON CONFLICT (path) DO UPDATE SET inode = excluded.inode"),
    [DISTRUST] = STATEMENT("distrust", "DELETE FROM git_trusted WHERE path = ?1 OR path = ?2"),
};
