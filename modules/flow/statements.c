/* Tables and statements. Rows are returned as one JSON text each, as clients get them. */
#include "statements.h"

#define SQL(number, label, text) [number] = {sizeof(bp_statement), 0, BP_STR(label), BP_STR(text)}
#define NOW "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

#define SESSION_JSON                                                                                                                                 \
  "json_object('id', id, 'status', status, 'prompt', prompt, 'title', prompt, 'output', output, 'userId', user_id, 'createdAt', created_at, "        \
  "'updatedAt', updated_at)"
#define MESSAGE_JSON                                                                                                                                 \
  "json_object('id', id, 'sessionId', session_id, 'role', role, 'content', content, 'toolResults', json(tool_results), 'createdAt', created_at)"
/* Of its JSON: a listing ends before it is too large. */
#define MESSAGE_SIZE(content, results) "length(CAST(json_quote(" content ") AS BLOB)) + length(CAST(" results " AS BLOB)) + 1000"
#define SETTINGS_JSON "json_object('model', model, 'maxTokens', max_tokens, 'temperature', temperature)"

const bp_statement flow_statements[STATEMENT_COUNT] = {
    SQL(LIST_SESSIONS, "list_sessions",
        "SELECT " SESSION_JSON " FROM flow_sessions WHERE ?2 IS NULL OR user_id = ?2 ORDER BY created_at DESC, id DESC LIMIT ?1"),
    SQL(GET_SESSION, "get_session", "SELECT " SESSION_JSON " FROM flow_sessions WHERE id = ?1"),
    SQL(ADD_SESSION, "add_session",
        "INSERT INTO flow_sessions (status, prompt, user_id, created_at, updated_at) VALUES ('idle', ?1, coalesce(?2, 'default-user'), " NOW ", " NOW
        ") RETURNING " SESSION_JSON),
    SQL(UPDATE_SESSION, "update_session",
        "UPDATE flow_sessions SET prompt = coalesce(?2, prompt), updated_at = " NOW " WHERE id = ?1 RETURNING " SESSION_JSON),
    SQL(ARCHIVE_SESSION, "archive_session",
        "UPDATE flow_sessions SET status = 'archived', updated_at = " NOW " WHERE id = ?1 RETURNING " SESSION_JSON),
    SQL(DELETE_SESSION, "delete_session", "DELETE FROM flow_sessions WHERE id = ?1 RETURNING " SESSION_JSON),
    SQL(SET_STATUS, "set_status",
        "UPDATE flow_sessions SET status = ?2, updated_at = " NOW " WHERE id = ?1 AND status <> 'archived' RETURNING " SESSION_JSON),
    SQL(SET_OUTPUT, "set_output", "UPDATE flow_sessions SET output = ?2, updated_at = " NOW " WHERE id = ?1"),
    SQL(RESET_RUNNING, "reset_running", "UPDATE flow_sessions SET status = 'idle' WHERE status = 'running'"),
    SQL(LIST_MESSAGES, "list_messages",
        "SELECT " MESSAGE_JSON " FROM flow_messages JOIN (SELECT number AS chosen, SUM(bytes) OVER (ORDER BY number DESC) AS total "
        "FROM flow_messages WHERE session_id = ?1 ORDER BY number DESC LIMIT ?2) ON number = chosen WHERE total <= ?3 ORDER BY number"),
    SQL(GET_MESSAGE, "get_message", "SELECT " MESSAGE_JSON " FROM flow_messages WHERE id = ?1"),
    SQL(ADD_MESSAGE, "add_message",
        "INSERT INTO flow_messages (id, session_id, role, content, tool_results, created_at, bytes) SELECT ?1, id, ?3, ?4, coalesce(?5, '[]'), " NOW
        ", " MESSAGE_SIZE("?4", "coalesce(?5, '[]')") " FROM flow_sessions WHERE id = ?2 RETURNING " MESSAGE_JSON),
    SQL(TOUCH_SESSION, "touch_session", "UPDATE flow_sessions SET updated_at = " NOW " WHERE id = ?1"),
    SQL(MESSAGE_BY_NUMBER, "message_by_number", "SELECT " MESSAGE_JSON " FROM flow_messages WHERE number = ?1 AND (?2 IS NULL OR session_id = ?2)"),
    SQL(GET_SETTINGS, "get_settings", "SELECT " SETTINGS_JSON " FROM flow_settings WHERE id = 1"),
    SQL(SAVE_SETTINGS, "save_settings",
        "UPDATE flow_settings SET model = coalesce(?1, model), max_tokens = coalesce(?2, max_tokens), temperature = coalesce(?3, temperature) "
        "WHERE id = 1 RETURNING " SETTINGS_JSON),
};

#undef SQL

const bp_migration flow_migrations[MIGRATION_COUNT] = {
    {sizeof(bp_migration), 1,
     BP_STR(
         "CREATE TABLE flow_sessions (id INTEGER PRIMARY KEY AUTOINCREMENT, status TEXT NOT NULL DEFAULT 'idle', prompt TEXT NOT NULL, output TEXT, "
         "user_id TEXT NOT NULL DEFAULT 'default-user', created_at TEXT NOT NULL, updated_at TEXT NOT NULL);"
         "CREATE INDEX flow_sessions_by_time ON flow_sessions (created_at, id);"
         "CREATE TABLE flow_messages (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, session_id INTEGER NOT NULL "
         "REFERENCES flow_sessions (id) ON DELETE CASCADE, role TEXT NOT NULL, content TEXT NOT NULL, tool_results TEXT NOT NULL, "
         "created_at TEXT NOT NULL);"
         "CREATE INDEX flow_messages_by_session ON flow_messages (session_id, number);"
         "CREATE TABLE flow_settings (id INTEGER PRIMARY KEY CHECK (id = 1), model TEXT NOT NULL, max_tokens INTEGER NOT NULL, "
         "temperature REAL NOT NULL);"
         "INSERT INTO flow_settings (id, model, max_tokens, temperature) VALUES (1, 'claude-3-sonnet', 4096, 0.7);")},
    {sizeof(bp_migration), 2,
     BP_STR("ALTER TABLE flow_messages ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;"
            "UPDATE flow_messages SET bytes = " MESSAGE_SIZE("content", "tool_results") ";")},
};
