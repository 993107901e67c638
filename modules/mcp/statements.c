/* Tables and statements. Values of environment variables are not here: they are kept by bp.secret under `env_secret`. */
#include "statements.h"

#define SQL(number, label, text) [number] = {sizeof(bp_statement), 0, BP_STR(label), BP_STR(text)}
#define NOW "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
#define SERVER_JSON                                                                                                                                  \
  "json_object('id', id, 'name', name, 'description', description, 'command', command, 'args', json(args), 'cwd', working_directory, "               \
  "'env', json(env), 'secret', env_secret, 'url', url, 'created', created_at, 'updated', updated_at)"

const bp_statement mcp_statements[STATEMENT_COUNT] = {
    SQL(ALL_SERVERS, "all_servers",
        "SELECT " SERVER_JSON ", tools, resources, templates, prompts, capabilities FROM mcp_servers ORDER BY created_at, rowid"),
    SQL(INSERT_SERVER, "insert_server",
        "INSERT INTO mcp_servers (id, name, description, command, args, working_directory, env, env_secret, url, created_at, updated_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, " NOW ", " NOW ") RETURNING " SERVER_JSON),
    SQL(UPDATE_SERVER, "update_server",
        "UPDATE mcp_servers SET name = ?2, description = ?3, command = ?4, args = ?5, working_directory = ?6, env = ?7, env_secret = ?8, url = ?9, "
        "updated_at = " NOW " WHERE id = ?1 RETURNING " SERVER_JSON),
    SQL(DELETE_SERVER, "delete_server", "DELETE FROM mcp_servers WHERE id = ?1"),
    SQL(SET_STATUS, "set_status", "UPDATE mcp_servers SET status = ?2, pid = ?3 WHERE id = ?1"),
    SQL(RESET_STATUS, "reset_status", "UPDATE mcp_servers SET status = 'stopped', pid = NULL WHERE status <> 'stopped' OR pid IS NOT NULL"),
    SQL(SET_MANIFEST, "set_manifest",
        "UPDATE mcp_servers SET tools = ?2, resources = ?3, templates = ?4, prompts = ?5, capabilities = ?6 WHERE id = ?1"),
    SQL(CLEAR_TOOLS, "clear_tools", "DELETE FROM mcp_tools WHERE server = ?1"),
    SQL(INDEX_TOOLS, "index_tools",
        "INSERT INTO mcp_tools (server, name, title, description) SELECT ?1, json_extract(value, '$.name'), json_extract(value, '$.title'), "
        "json_extract(value, '$.description') FROM json_each(?2) WHERE json_type(value, '$.name') = 'text'"),
    SQL(TOOL_BY_ROW, "tools_by_rows",
        "SELECT t.server, t.name FROM json_each(?1) AS wanted JOIN mcp_tools AS t ON t.id = wanted.value ORDER BY wanted.key"),
    SQL(ADD_LOG, "add_log", "INSERT INTO mcp_logs (server, at, stream, text) VALUES (?1, " NOW ", ?2, ?3)"),
    SQL(PRUNE_LOG, "prune_log",
        "DELETE FROM mcp_logs WHERE server = ?1 AND id <= (SELECT id FROM mcp_logs WHERE server = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)"),
    SQL(DROP_LOG, "drop_log", "DELETE FROM mcp_logs WHERE server = ?1"),
    SQL(READ_LOG, "read_log",
        "SELECT json_object('timestamp', at, 'stream', stream, 'data', text) FROM (SELECT * FROM mcp_logs WHERE server = ?1 ORDER BY id DESC LIMIT "
        "?2) "
        "ORDER BY id"),
};

#undef SQL

const bp_migration mcp_migrations[MIGRATION_COUNT] = {
    {sizeof(bp_migration), 1,
     BP_STR("CREATE TABLE mcp_servers (id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT, command TEXT NOT NULL, args TEXT NOT NULL "
            "DEFAULT '[]', working_directory TEXT, env TEXT NOT NULL DEFAULT '{}', status TEXT NOT NULL DEFAULT 'stopped', pid INTEGER, "
            "created_at TEXT NOT NULL, updated_at TEXT NOT NULL, env_secret TEXT, url TEXT, tools TEXT, resources TEXT, templates TEXT, prompts "
            "TEXT, capabilities TEXT);"
            "CREATE TABLE mcp_tools (id INTEGER PRIMARY KEY, server TEXT NOT NULL, name TEXT NOT NULL, title TEXT, description TEXT);"
            "CREATE INDEX mcp_tools_by_server ON mcp_tools (server);"
            "CREATE TABLE mcp_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, server TEXT NOT NULL, at TEXT NOT NULL, stream TEXT NOT NULL, text TEXT "
            "NOT NULL);"
            "CREATE INDEX mcp_logs_by_server ON mcp_logs (server, id);")},
};

static const bp_str tool_columns[] = {BP_STR("name"), BP_STR("title"), BP_STR("description")};
const bp_search_index mcp_searches[1] = {
    {sizeof(bp_search_index), 0, BP_STR("tools"), BP_STR("mcp_tools"), BP_ARRAY(tool_columns)},
};
