/* Tables and statements. A session is returned as one JSON text, so that an answer and the live event that tells others
 * are the same bytes. */
#include "statements.h"

#define SQL(number, label, text) [number] = {sizeof(bp_statement), 0, BP_STR(label), BP_STR(text)}

#define SESSION_JSON                                                                                                                                 \
  "json_object('session_id', session_id, 'session_name', session_name, 'status', status, 'created_at', created_at, 'modified_at', modified_at, "     \
  "'project_dir', project_dir, 'agent_name', agent_name)"
#define EVENT_COLUMNS "id, session_id, event_type, timestamp, tool_name, tool_input, tool_output, error, exit_code, reason, role, content"

const bp_statement observability_statements[STATEMENT_COUNT] = {
    SQL(INSERT_EVENT, "insert_event",
        "INSERT INTO observability_events (session_id, event_type, timestamp, tool_name, tool_input, tool_output, error, exit_code, reason, role, "
        "content, received_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"),
    SQL(SESSION_STARTED, "session_started",
        "INSERT INTO observability_sessions (session_id, session_name, status, created_at, modified_at, pid, pid_started) VALUES (?1, ?2, 'running', "
        "?3, ?4, ?5, ?6) ON CONFLICT (session_id) DO UPDATE SET status = 'running', modified_at = excluded.modified_at, pid = coalesce(excluded.pid, "
        "pid), pid_started = coalesce(excluded.pid_started, pid_started)"),
    SQL(SESSION_FINISHED, "session_finished",
        "UPDATE observability_sessions SET status = CASE status WHEN 'stopped' THEN 'stopped' ELSE 'finished' END, modified_at = ?2 "
        "WHERE session_id = ?1 RETURNING " SESSION_JSON),
    SQL(SESSION_TOUCHED, "session_touched",
        "UPDATE observability_sessions SET modified_at = ?2, pid = coalesce(?3, pid), pid_started = coalesce(?4, pid_started) WHERE session_id = ?1"),
    SQL(SESSION_EXISTS, "session_exists", "SELECT 1 FROM observability_sessions WHERE session_id = ?1"),
    SQL(LIST_EVENTS, "list_events", "SELECT " EVENT_COLUMNS " FROM observability_events WHERE session_id = ?1 ORDER BY timestamp, id LIMIT ?2"),
    SQL(LIST_EVENTS_AFTER, "list_events_after",
        "SELECT " EVENT_COLUMNS " FROM observability_events WHERE session_id = ?1 AND (timestamp, id) > (SELECT timestamp, id FROM "
        "observability_events WHERE id = ?3) ORDER BY timestamp, id LIMIT ?2"),
    SQL(EVENT_BY_ID, "event_by_id", "SELECT " EVENT_COLUMNS " FROM observability_events WHERE id = ?1"),
    SQL(LIST_SESSIONS, "list_sessions",
        "SELECT " SESSION_JSON ", session_id FROM observability_sessions ORDER BY created_at DESC, session_id DESC LIMIT ?1"),
    SQL(LIST_SESSIONS_AFTER, "list_sessions_after",
        "SELECT " SESSION_JSON ", session_id FROM observability_sessions WHERE (created_at, session_id) < (SELECT created_at, session_id FROM "
        "observability_sessions WHERE session_id = ?2) ORDER BY created_at DESC, session_id DESC LIMIT ?1"),
    SQL(SESSION_BY_ID, "session_by_id",
        "SELECT " SESSION_JSON ", status, session_name, pid, pid_started FROM observability_sessions WHERE session_id = ?1"),
    SQL(CREATE_SESSION, "create_session",
        "INSERT INTO observability_sessions (session_id, session_name, status, created_at, modified_at, project_dir, agent_name) VALUES (?1, ?2, "
        "'running', ?3, ?3, ?4, ?5) RETURNING " SESSION_JSON),
    SQL(PATCH_SESSION, "patch_session",
        "UPDATE observability_sessions SET session_name = coalesce(?2, session_name), project_dir = coalesce(?3, project_dir), agent_name = "
        "coalesce(?4, agent_name), modified_at = ?5 WHERE session_id = ?1 RETURNING " SESSION_JSON),
    SQL(DELETE_EVENTS, "delete_events", "DELETE FROM observability_events WHERE session_id = ?1"),
    SQL(DELETE_SESSION, "delete_session", "DELETE FROM observability_sessions WHERE session_id = ?1"),
    SQL(STOP_SESSION, "stop_session",
        "UPDATE observability_sessions SET status = 'stopped', modified_at = ?2 WHERE session_id = ?1 AND status NOT IN ('stopped', 'finished') "
        "AND pid IS ?3 RETURNING " SESSION_JSON),
    SQL(LAST_ANSWER, "last_answer",
        "SELECT json_extract(content, '$[0].text') FROM observability_events WHERE session_id = ?1 AND event_type = 'message' AND role = 'assistant' "
        "AND content IS NOT NULL ORDER BY timestamp DESC, id DESC LIMIT 1"),
    SQL(PRUNE_EVENTS, "prune_events",
        "DELETE FROM observability_events WHERE received_ms < ?1 AND id IN (SELECT id FROM observability_events ORDER BY id LIMIT 500)"),
};

#undef SQL

const bp_migration observability_migrations[MIGRATION_COUNT] = {
    {sizeof(bp_migration), 1,
     BP_STR("CREATE TABLE observability_sessions (session_id TEXT PRIMARY KEY, session_name TEXT NOT NULL, status TEXT NOT NULL, created_at TEXT NOT "
            "NULL, modified_at TEXT NOT NULL, project_dir TEXT, agent_name TEXT, pid INTEGER, pid_started INTEGER) WITHOUT ROWID;"
            "CREATE INDEX observability_sessions_created ON observability_sessions (created_at, session_id);"
            "CREATE TABLE observability_events (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, event_type TEXT NOT NULL, timestamp "
            "TEXT NOT NULL, tool_name TEXT, tool_input TEXT, tool_output TEXT, error TEXT, exit_code INTEGER, reason TEXT, role TEXT, content TEXT, "
            "received_ms INTEGER NOT NULL);"
            "CREATE INDEX observability_events_session ON observability_events (session_id, timestamp);")},
};
