/* Tables and statements: sessions, and the transcript of each. Environments are never stored: they hold tokens. */
#include "statements.h"

#define SQL(number, label, text) [number] = {sizeof(bp_statement), 0, BP_STR(label), BP_STR(text)}

const bp_statement gateway_statements[STATEMENT_COUNT] = {
    SQL(ADD_SESSION, "add_session",
        "INSERT INTO acp_gateway_sessions (id, agent_id, acp_session_id, working_directory, title, parent, status, created_ms, updated_ms) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'active', ?7, ?7)"),
    SQL(SET_SESSION, "set_session", "UPDATE acp_gateway_sessions SET status = ?2, updated_ms = ?3 WHERE id = ?1"),
    SQL(SET_SESSION_ACP_ID, "set_session_acp_id", "UPDATE acp_gateway_sessions SET acp_session_id = ?2 WHERE id = ?1"),
    SQL(SET_SESSION_TITLE, "set_session_title", "UPDATE acp_gateway_sessions SET title = ?2 WHERE id = ?1"),
    SQL(OPEN_SESSIONS, "open_sessions",
        "SELECT id, agent_id, acp_session_id, working_directory, title, parent, created_ms FROM acp_gateway_sessions "
        "WHERE status <> 'ended' AND updated_ms > ?1 ORDER BY updated_ms DESC"),
    SQL(SESSION_BY_ID, "session_by_id",
        "SELECT json_object('id', id, 'agentId', agent_id, 'status', 'ended', 'acpSessionId', acp_session_id, 'workingDirectory', "
        "working_directory, 'title', title, 'createdAt', strftime('%Y-%m-%dT%H:%M:%fZ', created_ms / 1000.0, 'unixepoch')) "
        "FROM acp_gateway_sessions WHERE id = ?1"),
    SQL(ADD_MESSAGE, "add_message", "INSERT INTO acp_gateway_messages (session_id, role, content, created_ms) VALUES (?1, ?2, ?3, ?4)"),
    SQL(PUT_TOOL, "put_tool",
        "INSERT INTO acp_gateway_messages (session_id, role, tool_call_id, payload, created_ms) VALUES (?1, 'tool', ?2, ?3, ?4) "
        "ON CONFLICT (session_id, tool_call_id) DO UPDATE SET payload = json_patch(payload, excluded.payload)"),
    SQL(MESSAGES_OF, "messages_of",
        "SELECT id, json_object('id', id, 'role', role, 'content', coalesce(content, json_extract(payload, '$.title'), ''), 'toolCallId', "
        "tool_call_id, 'toolName', json_extract(payload, '$.title'), 'toolCall', json(payload), 'createdAt', "
        "strftime('%Y-%m-%dT%H:%M:%fZ', created_ms / 1000.0, 'unixepoch')) FROM acp_gateway_messages WHERE session_id = ?1 AND id > ?2 ORDER BY id"),
    SQL(TRIM_SESSIONS, "trim_sessions", "DELETE FROM acp_gateway_sessions WHERE status = 'ended' AND updated_ms < ?1"),
    SQL(ADD_PIECE, "add_piece", "INSERT INTO acp_gateway_pieces (session_id, role, text, created_ms) VALUES (?1, ?2, ?3, ?4)"),
    SQL(DROP_PIECES, "drop_pieces", "DELETE FROM acp_gateway_pieces WHERE session_id = ?1"),
    SQL(KEEP_ALL_PIECES, "keep_all_pieces",
        "INSERT INTO acp_gateway_messages (session_id, role, content, created_ms) SELECT p.session_id, p.role, (SELECT group_concat(text, '') FROM "
        "(SELECT text FROM acp_gateway_pieces WHERE session_id = p.session_id AND role = p.role ORDER BY id)), max(p.created_ms) "
        "FROM acp_gateway_pieces AS p GROUP BY p.session_id, p.role ORDER BY min(p.id)"),
    SQL(DROP_ALL_PIECES, "drop_all_pieces", "DELETE FROM acp_gateway_pieces"),
    SQL(INTERRUPTED_SESSIONS, "interrupted_sessions", "SELECT id, agent_id FROM acp_gateway_sessions WHERE status = 'processing'"),
};

#undef SQL

const bp_migration gateway_migrations[MIGRATION_COUNT] = {
    {sizeof(bp_migration), 1,
     BP_STR("CREATE TABLE acp_gateway_sessions (id TEXT PRIMARY KEY, agent_id TEXT NOT NULL, acp_session_id TEXT NOT NULL, "
            "working_directory TEXT NOT NULL, title TEXT, parent TEXT, status TEXT NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT "
            "NULL) WITHOUT ROWID;"
            "CREATE TABLE acp_gateway_messages (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL REFERENCES acp_gateway_sessions "
            "(id) ON DELETE CASCADE, role TEXT NOT NULL, content TEXT, tool_call_id TEXT, payload TEXT, created_ms INTEGER NOT NULL, "
            "UNIQUE (session_id, tool_call_id));")},
    /* What is said in a turn, until it is one message of the transcript. */
    {sizeof(bp_migration), 2,
     BP_STR("CREATE TABLE acp_gateway_pieces (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL REFERENCES acp_gateway_sessions (id) "
            "ON DELETE CASCADE, role TEXT NOT NULL, text TEXT NOT NULL, created_ms INTEGER NOT NULL);"
            "CREATE INDEX acp_gateway_pieces_by_session ON acp_gateway_pieces (session_id, id);")},
};
