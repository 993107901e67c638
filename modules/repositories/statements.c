/* Tables and statements. A repository is returned as one JSON text. An entry without a port is still being made, and hidden. */
#include "statements.h"

#define SQL(number, label, text) [number] = {sizeof(bp_statement), 0, BP_STR(label), BP_STR(text)}

#define REPOSITORY_JSON                                                                                                                              \
  "json_object('id', id, 'name', name, 'path', path, 'type', type, 'port', port, 'url', url, 'branch', branch, "                                     \
  "'running', json(iif(running, 'true', 'false')), 'pid', pid, 'created_at', created_at, 'updated_at', updated_at)"
#define NOW "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

const bp_statement repositories_statements[STATEMENT_COUNT] = {
    SQL(BEGIN_ENTRY, "begin_entry",
        "INSERT INTO repositories_entries (name, path, type, url, branch, created_at, updated_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5, " NOW ", " NOW ") RETURNING id"),
    SQL(BEGIN_ENTRY_ONCE, "begin_entry_once",
        "INSERT INTO repositories_entries (name, path, type, url, branch, created_at, updated_at) SELECT ?1, ?2, ?3, ?4, ?5, " NOW ", " NOW
        " WHERE NOT EXISTS (SELECT 1 FROM repositories_entries WHERE path = ?2) RETURNING id"),
    SQL(COMPLETE_ENTRY, "complete_entry", "UPDATE repositories_entries SET port = ?2 WHERE id = ?1 RETURNING " REPOSITORY_JSON),
    SQL(DROP_ENTRY, "drop_entry", "DELETE FROM repositories_entries WHERE id = ?1 AND port IS NULL"),
    SQL(UNFINISHED_ENTRIES, "unfinished_entries", "SELECT id FROM repositories_entries WHERE port IS NULL"),
    SQL(ENTRY_BY_ID, "entry_by_id", "SELECT " REPOSITORY_JSON " FROM repositories_entries WHERE id = ?1 AND port IS NOT NULL"),
    SQL(ENTRY_BY_PATH, "entry_by_path", "SELECT " REPOSITORY_JSON " FROM repositories_entries WHERE path = ?1 AND port IS NOT NULL ORDER BY id"),
    SQL(ALL_ENTRIES, "all_entries", "SELECT " REPOSITORY_JSON " FROM repositories_entries WHERE port IS NOT NULL ORDER BY id"),
    SQL(UPDATE_ENTRY, "update_entry",
        "UPDATE repositories_entries SET name = coalesce(?2, name), path = coalesce(?3, path), url = iif(?4, ?5, url), "
        "branch = iif(?6, ?7, branch), updated_at = " NOW " WHERE id = ?1 AND port IS NOT NULL RETURNING " REPOSITORY_JSON),
    SQL(RUNNING_ENTRY, "running_entry", "SELECT running FROM repositories_entries WHERE id = ?1 AND port IS NOT NULL"),
    SQL(DELETE_ENTRY, "delete_entry", "DELETE FROM repositories_entries WHERE id = ?1 AND running = 0 RETURNING " REPOSITORY_JSON),
    SQL(SET_RUNNING, "set_running",
        "UPDATE repositories_entries SET running = ?2, pid = ?3, url = ?4, updated_at = " NOW
        " WHERE id = ?1 AND port IS NOT NULL RETURNING " REPOSITORY_JSON),
};

#undef SQL

const bp_migration repositories_migrations[MIGRATION_COUNT] = {
    {sizeof(bp_migration), 1,
     BP_STR("CREATE TABLE repositories_entries (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, path TEXT NOT NULL, "
            "type TEXT NOT NULL CHECK (type IN ('git', 'local')), port INTEGER UNIQUE, url TEXT, branch TEXT, running INTEGER NOT NULL DEFAULT 0, "
            "pid INTEGER, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);"
            "CREATE INDEX repositories_by_path ON repositories_entries (path);")},
};
