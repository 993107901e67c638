/* Tables and statements. A session is returned as one JSON text; optional members are absent, not null. */
#include "statements.h"

#define SQL(number, label, text) [number] = {sizeof(bp_statement), 0, BP_STR(label), BP_STR(text)}

#define TODO_JSON                                                                                                                                    \
  "iif(result IS NULL, json_object('id', id, 'description', description, 'status', status, 'assignedTo', assigned_to), "                             \
  "json_object('id', id, 'description', description, 'status', status, 'assignedTo', assigned_to, 'result', json(result)))"
#define AGENT_JSON                                                                                                                                   \
  "json_patch(json_object('id', id, 'sessionId', session_id, 'status', status, 'currentTaskId', current_task_id), "                                  \
  "json_object('sandboxId', sandbox_id, 'streamUrl', stream_url))"
#define PARTS(what, table)                                                                                                                           \
  "json((SELECT json_group_array(json(part)) FROM (SELECT " what " AS part FROM " table " WHERE session_id = s.id ORDER BY position)))"
#define SESSION_JSON                                                                                                                                 \
  "json_object('id', s.id, 'prompt', s.prompt, 'agentCount', s.agent_count, 'status', s.status, "                                                    \
  "'todos', " PARTS(TODO_JSON, "swarm_todos") ", 'agents', " PARTS(AGENT_JSON, "swarm_agents") ", 'createdAt', s.created_ms)"
#define OPEN "(SELECT id FROM swarm_sessions WHERE is_ended = 0 AND rowid > ?1 ORDER BY rowid LIMIT ?2)"
#define OLD "(SELECT id FROM swarm_sessions WHERE is_ended = 1 AND created_ms < ?1)"

const bp_statement swarm_statements[STATEMENT_COUNT] = {
    SQL(ADD_SESSION, "add_session",
        "INSERT INTO swarm_sessions (id, prompt, agent_count, status, created_ms, is_ended) VALUES (?1, ?2, ?3, 'decomposing', ?4, 0)"),
    SQL(SAVE_SESSION, "save_session", "UPDATE swarm_sessions SET status = ?2, is_ended = ?3 WHERE id = ?1"),
    SQL(ADD_TODO, "add_todo",
        "INSERT INTO swarm_todos (id, session_id, position, description, status, deaths, has_failed) VALUES (?1, ?2, ?3, ?4, 'pending', 0, 0)"),
    SQL(SAVE_TODO, "save_todo", "UPDATE swarm_todos SET status = ?2, assigned_to = ?3, result = ?4, deaths = ?5, has_failed = ?6 WHERE id = ?1"),
    SQL(SAVE_AGENT, "save_agent",
        "INSERT INTO swarm_agents (id, session_id, position, status, current_task_id) VALUES (?1, ?2, ?3, ?4, ?5) "
        "ON CONFLICT (id) DO UPDATE SET status = ?4, current_task_id = ?5"),
    SQL(SAVE_SANDBOX, "save_sandbox", "UPDATE swarm_agents SET sandbox_id = ?2, stream_url = ?3 WHERE id = ?1"),
    SQL(ADD_EVENT, "add_event", "INSERT INTO swarm_events (session_id, event, payload, created_ms) VALUES (?1, ?2, ?3, ?4)"),
    SQL(PRUNE_EVENTS, "prune_events",
        "DELETE FROM swarm_events WHERE session_id = ?1 AND event IN ('agent:thinking', 'agent:reasoning') AND id <= "
        "(SELECT id FROM swarm_events WHERE session_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)"),
    SQL(GET_SESSION, "get_session", "SELECT " SESSION_JSON " FROM swarm_sessions AS s WHERE s.id = ?1"),
    SQL(LIST_SESSIONS, "list_sessions",
        "SELECT " SESSION_JSON
        " FROM swarm_sessions AS s WHERE ?1 IS NULL OR s.status = ?1 ORDER BY s.created_ms DESC, s.rowid DESC LIMIT ?2 OFFSET ?3"),
    SQL(LIST_EVENTS, "list_events",
        "SELECT id, json_object('id', id, 'event', event, 'data', json(payload), 'timestamp', created_ms) FROM swarm_events "
        "WHERE session_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3"),
    SQL(OPEN_SESSIONS, "open_sessions",
        "SELECT id, prompt, agent_count, status, rowid FROM swarm_sessions WHERE is_ended = 0 AND rowid > ?1 ORDER BY rowid LIMIT ?2"),
    SQL(OPEN_TODOS, "open_todos",
        "SELECT session_id, id, description, status, deaths, has_failed FROM swarm_todos WHERE session_id IN " OPEN " ORDER BY session_id, position"),
    SQL(OPEN_AGENTS, "open_agents",
        "SELECT session_id, id, position FROM swarm_agents WHERE status <> 'terminated' AND session_id IN " OPEN " ORDER BY session_id, position"),
    SQL(DROP_OLD_EVENTS, "drop_old_events", "DELETE FROM swarm_events WHERE session_id IN " OLD),
    SQL(DROP_OLD_TODOS, "drop_old_todos", "DELETE FROM swarm_todos WHERE session_id IN " OLD),
    SQL(DROP_OLD_AGENTS, "drop_old_agents", "DELETE FROM swarm_agents WHERE session_id IN " OLD),
    SQL(DROP_OLD_SESSIONS, "drop_old_sessions", "DELETE FROM swarm_sessions WHERE is_ended = 1 AND created_ms < ?1"),
};

#undef SQL

const bp_migration swarm_migrations[MIGRATION_COUNT] = {
    {sizeof(bp_migration), 1,
     BP_STR("CREATE TABLE swarm_sessions (id TEXT PRIMARY KEY, prompt TEXT NOT NULL, agent_count INTEGER NOT NULL, status TEXT NOT NULL CHECK "
            "(status IN ('decomposing', 'running', 'completed', 'failed')), created_ms INTEGER NOT NULL, is_ended INTEGER NOT NULL);"
            "CREATE INDEX swarm_sessions_by_end ON swarm_sessions (is_ended, created_ms);"
            "CREATE TABLE swarm_todos (id TEXT PRIMARY KEY, session_id TEXT NOT NULL REFERENCES swarm_sessions (id) ON DELETE CASCADE, "
            "position INTEGER NOT NULL, description TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('pending', 'assigned', 'completed')), "
            "assigned_to TEXT, result TEXT, deaths INTEGER NOT NULL, has_failed INTEGER NOT NULL);"
            "CREATE INDEX swarm_todos_by_session ON swarm_todos (session_id, position);"
            "CREATE TABLE swarm_agents (id TEXT PRIMARY KEY, session_id TEXT NOT NULL REFERENCES swarm_sessions (id) ON DELETE CASCADE, "
            "position INTEGER NOT NULL, status TEXT NOT NULL CHECK (status IN ('booting', 'working', 'idle', 'terminated')), current_task_id TEXT, "
            "sandbox_id TEXT, stream_url TEXT);"
            "CREATE INDEX swarm_agents_by_session ON swarm_agents (session_id, position);"
            "CREATE TABLE swarm_events (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, event TEXT NOT NULL, payload TEXT NOT NULL, "
            "created_ms INTEGER NOT NULL);"
            "CREATE INDEX swarm_events_by_session ON swarm_events (session_id, id);")},
};
