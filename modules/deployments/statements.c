/* Tables and statements. A deployment is returned as the columns that row.c reads; changes return the event's JSON text. */
#include "statements.h"

#define SQL(number, label, text) [number] = {sizeof(bp_statement), 0, BP_STR(label), BP_STR(text)}

#define DEPLOYMENT_COLUMNS                                                                                                                           \
  "id, repository_id, name, domain, port, status, mode, instances, pid, restarts, started_ms, wanted, env_key, env_names, services, dependencies, "  \
  "created_at, updated_at, health_path"
#define EVENT_JSON                                                                                                                                   \
  "json_object('id', id, 'repositoryId', repository_id, 'name', name, 'domain', domain, 'port', port, 'status', status, 'mode', mode, "              \
  "'instances', instances, 'pid', pid, 'createdAt', created_at, 'updatedAt', updated_at)"
#define NOW "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

const bp_statement deployments_statements[STATEMENT_COUNT] = {
    SQL(INSERT_ENTRY, "insert_entry",
        "INSERT INTO deployments_entries (repository_id, name, domain, port, mode, instances, env_key, env_names, services, dependencies, "
        "health_path, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, " NOW ", " NOW ") RETURNING " EVENT_JSON ", id"),
    SQL(COUNT_ENTRIES, "count_entries", "SELECT 1 FROM deployments_entries LIMIT 1 OFFSET ?1"),
    SQL(ENTRY_BY_ID, "entry_by_id", "SELECT " DEPLOYMENT_COLUMNS " FROM deployments_entries WHERE id = ?1"),
    SQL(ALL_ENTRIES, "all_entries", "SELECT " DEPLOYMENT_COLUMNS " FROM deployments_entries ORDER BY id"),
    SQL(MISSING_DEPENDENCY, "missing_dependency",
        "SELECT value FROM json_each(?1) WHERE NOT EXISTS (SELECT 1 FROM deployments_entries WHERE id = value) LIMIT 1"),
    SQL(WANT_ENTRY, "want_entry", "UPDATE deployments_entries SET wanted = ?2 WHERE id = ?1 RETURNING id"),
    SQL(SET_STATE, "set_state", "UPDATE deployments_entries SET status = ?2, pid = NULL, updated_at = " NOW " WHERE id = ?1 RETURNING " EVENT_JSON),
    SQL(ONLINE_ENTRY, "online_entry",
        "UPDATE deployments_entries SET status = 'running', pid = ?2, started_ms = ?3, restarts = ?4, updated_at = " NOW
        " WHERE id = ?1 RETURNING " EVENT_JSON),
    SQL(DELETE_ENTRY, "delete_entry", "DELETE FROM deployments_entries WHERE id = ?1 RETURNING " EVENT_JSON),
    SQL(ANY_WANTED, "any_wanted", "SELECT 1 FROM deployments_entries WHERE wanted LIMIT 1"),
};

#undef SQL

const bp_migration deployments_migrations[MIGRATION_COUNT] = {
    {sizeof(bp_migration), 1,
     BP_STR("CREATE TABLE deployments_entries (id INTEGER PRIMARY KEY AUTOINCREMENT, repository_id INTEGER NOT NULL, name TEXT NOT NULL, "
            "domain TEXT, port INTEGER NOT NULL, status TEXT NOT NULL DEFAULT 'stopped', mode TEXT NOT NULL DEFAULT 'fork', "
            "instances INTEGER NOT NULL DEFAULT 1, pid INTEGER, restarts INTEGER NOT NULL DEFAULT 0, started_ms INTEGER, "
            "wanted INTEGER NOT NULL DEFAULT 0, env_key TEXT, env_names TEXT NOT NULL DEFAULT '[]', services TEXT NOT NULL DEFAULT '[]', "
            "dependencies TEXT NOT NULL DEFAULT '[]', created_at TEXT NOT NULL, updated_at TEXT NOT NULL);")},
    {sizeof(bp_migration), 2, BP_STR("ALTER TABLE deployments_entries ADD COLUMN health_path TEXT;")},
};
