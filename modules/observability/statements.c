/* Tables and statements. A session is returned as one JSON text, so that an answer and the live event that tells others
 * are the same bytes. */
#include "statements.h"

#define SQL(number, label, text) [number] = {sizeof(bp_statement), 0, BP_STR(label), BP_STR(text)}

#define SESSION_JSON                                                                                                                                 \
  "json_object('session_id', session_id, 'session_name', session_name, 'status', status, 'created_at', created_at, 'modified_at', modified_at, "     \
  "'project_dir', project_dir, 'agent_name', agent_name)"
#define EVENT_COLUMNS "id, session_id, event_type, timestamp, tool_name, tool_input, tool_output, error, exit_code, reason, role, content"

#define TIME_OF(column) "strftime('%Y-%m-%dT%H:%M:%fZ', " column " / 1000.0, 'unixepoch')"
#define NODE_JSON                                                                                                                                    \
  "json_object('id', id, 'parent', parent, 'session_id', session_id, 'kind', kind, 'title', title, 'status', status, 'module', module, 'agent_id', " \
  "agent_id, 'task_id', task_id, 'project_id', project_id, 'pid', pid, 'started_at', " TIME_OF("started_ms") ", 'ended_at', " TIME_OF(               \
      "ended_ms") ", 'usage', json_object('input_tokens', coalesce(input_tokens, 0), 'output_tokens', coalesce(output_tokens, 0), 'cost_usd', "      \
                  "coalesce(cost_usd, "                                                                                                              \
                  "0.0)))"
/* All nodes of a session, and what lies under them in whatever session; bounded, and without end where parents form a ring. */
#define PART_OF_TREE(session)                                                                                                                        \
  "part(id) AS (SELECT id FROM observability_timeline WHERE session_id = " session                                                                   \
  " UNION SELECT t.id FROM part JOIN observability_timeline t ON t.parent = part.id LIMIT 50000) "
/* A member that is absent stays as it was; a new node takes it from `otherwise`. */
#define KEEP(column, number, otherwise) "coalesce(?" number ", (SELECT " column " FROM observability_timeline WHERE id = ?1), " otherwise ")"

const bp_statement observability_statements[STATEMENT_COUNT] = {
    SQL(INSERT_EVENT, "insert_event",
        /* OR FAIL, since there is a trigger: else SQLite copies every page it changes, to take back half a statement. A unit that fails is
         * taken back as a whole. */
        "INSERT OR FAIL INTO observability_events (session_id, event_type, timestamp, tool_name, tool_input, tool_output, error, exit_code, reason, "
        "role, content, received_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"),
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
        "UPDATE observability_sessions SET status = 'stopped', modified_at = ?2 WHERE session_id = ?1 AND status <> 'stopped' "
        "AND pid IS ?3 RETURNING " SESSION_JSON),
    SQL(LAST_ANSWER, "last_answer",
        "SELECT json_extract(content, '$[0].text') FROM observability_events WHERE session_id = ?1 AND event_type = 'message' AND role = 'assistant' "
        "AND content IS NOT NULL ORDER BY timestamp DESC, id DESC LIMIT 1"),
    SQL(RUNNING_OF_AGENT, "running_of_agent",
        "SELECT json_object('sessions', (SELECT json_group_array(session_id) FROM (SELECT session_id FROM observability_sessions "
        "WHERE agent_name = ?1 AND status = 'running' ORDER BY created_at LIMIT 100)))"),
    SQL(PRUNE_EVENTS, "prune_events",
        "DELETE FROM observability_events WHERE received_ms < ?1 AND id IN (SELECT id FROM observability_events ORDER BY id LIMIT 500)"),
    SQL(PUT_NODE, "put_node",
        "INSERT INTO observability_timeline (id, parent, session_id, kind, title, status, module, agent_id, task_id, project_id, pid, started_ms, "
        "ended_ms, input_tokens, output_tokens, cost_usd, updated_ms) VALUES (?1, ?2, " KEEP(
            "session_id", "3",
            "(SELECT session_id FROM observability_timeline WHERE id = ?2)") ", " KEEP("kind", "4",
                                                                                       "NULL") ", coalesce(?5, ?1), coalesce(?6, "
                                                                                               "'pending'), ?7, ?8, ?9, ?10, ?11, coalesce(?12, CASE "
                                                                                               "?6 WHEN 'running' THEN ?17 END), coalesce(?13, CASE "
                                                                                               "WHEN ?6 IN ('done', 'failed', "
                                                                                               "'cancelled') THEN ?17 END), ?14, ?15, ?16, ?17) ON "
                                                                                               "CONFLICT (id) DO UPDATE SET parent = coalesce(?2, "
                                                                                               "parent), session_id = coalesce(?3, "
                                                                                               "session_id), kind = coalesce(?4, kind), title = "
                                                                                               "coalesce(?5, title), status = coalesce(?6, status), "
                                                                                               "module = coalesce(?7, module), "
                                                                                               "agent_id = coalesce(?8, agent_id), task_id = "
                                                                                               "coalesce(?9, task_id), project_id = coalesce(?10, "
                                                                                               "project_id), pid = coalesce(?11, pid), "
                                                                                               "started_ms = coalesce(?12, started_ms, CASE ?6 WHEN "
                                                                                               "'running' THEN ?17 END), ended_ms = coalesce(?13, "
                                                                                               "CASE WHEN ?6 IN ('done', 'failed', "
                                                                                               "'cancelled') THEN coalesce(ended_ms, ?17) WHEN ?6 IN "
                                                                                               "('pending', 'running') THEN NULL ELSE ended_ms END), "
                                                                                               "input_tokens = coalesce(?14, "
                                                                                               "input_tokens), output_tokens = coalesce(?15, "
                                                                                               "output_tokens), cost_usd = coalesce(?16, cost_usd), "
                                                                                               "updated_ms = ?17 "
                                                                                               "RETURNING " NODE_JSON ", session_id"),
    SQL(TREE_NODES, "tree_nodes",
        "WITH RECURSIVE " PART_OF_TREE("?1") "SELECT id, kind, title, status, module, agent_id, task_id, project_id, pid, " TIME_OF(
            "started_ms") ", " TIME_OF("ended_ms") ", parent, coalesce(input_tokens, 0), coalesce(output_tokens, 0), coalesce(cost_usd, 0.0) FROM "
                                                   "observability_timeline WHERE id IN (SELECT id FROM part) ORDER BY number LIMIT ?2"),
    SQL(TREE_TOTALS, "tree_totals",
        "WITH RECURSIVE " PART_OF_TREE(
            "?1") "SELECT count(*), sum(input_tokens), sum(output_tokens), sum(cost_usd) FROM observability_timeline WHERE "
                  "id IN (SELECT id FROM part)"),
    SQL(DELETE_NODES, "delete_nodes", "DELETE FROM observability_timeline WHERE session_id = ?1"),
    SQL(PRUNE_NODES, "prune_nodes",
        "DELETE FROM observability_timeline WHERE updated_ms < ?1 AND number IN (SELECT number FROM observability_timeline ORDER BY updated_ms LIMIT "
        "500)"),
    SQL(END_INTERRUPTED_NODES, "end_interrupted_nodes",
        "UPDATE observability_timeline SET status = 'failed', ended_ms = ?1, updated_ms = ?1 WHERE status IN ('pending', 'running') AND kind IN "
        "('turn', 'tool', 'permission') AND updated_ms < ?2"),
    SQL(RUNNING_PROCESS_NODES, "running_process_nodes",
        "SELECT number, pid FROM observability_timeline WHERE kind = 'process' AND status = 'running' AND pid IS NOT NULL AND updated_ms < ?1"),
    SQL(END_PROCESS_NODE, "end_process_node",
        "UPDATE observability_timeline SET status = 'failed', ended_ms = ?3, updated_ms = ?3 WHERE number = ?1 AND pid = ?2 AND status = 'running'"),
    SQL(BUDGET_TOTALS, "budget_totals",
        "WITH RECURSIVE up(id, parent, session_id, level) AS (SELECT id, parent, session_id, 0 FROM observability_timeline WHERE id = ?1 UNION ALL "
        "SELECT t.id, t.parent, t.session_id, level + 1 FROM up JOIN observability_timeline t ON t.id = up.parent WHERE level < 64), "
        "top(session_id) AS (SELECT session_id FROM up ORDER BY level DESC LIMIT 1), " PART_OF_TREE(
            "(SELECT session_id FROM top)") ", mine AS (SELECT module, kind, agent_id, task_id, project_id FROM observability_timeline WHERE id = "
                                            "?1), sums AS (SELECT total(input_tokens) AS i, total(output_tokens) AS o, total(cost_usd) AS c, "
                                            "total(input_tokens) FILTER (WHERE agent_id = (SELECT agent_id FROM mine)) AS ai, "
                                            "total(output_tokens) FILTER (WHERE agent_id = (SELECT agent_id FROM mine)) AS ao, "
                                            "total(cost_usd) FILTER (WHERE agent_id = (SELECT agent_id FROM mine)) AS ac FROM observability_timeline "
                                            "WHERE id IN (SELECT id FROM part)) "
                                            "SELECT top.session_id, mine.module, mine.kind, mine.agent_id, mine.task_id, mine.project_id, cast(i AS "
                                            "INTEGER), cast(o AS INTEGER), c, cast(ai AS INTEGER), cast(ao AS INTEGER), ac, "
                                            "coalesce(b.approved_input_tokens, 0), coalesce(b.approved_output_tokens, 0), "
                                            "coalesce(b.approved_cost_usd, 0.0), b.warned FROM top JOIN mine JOIN sums LEFT JOIN "
                                            "observability_budgets b ON b.session_id = top.session_id"),
    SQL(BUDGET_WARNED, "budget_warned",
        "INSERT INTO observability_budgets (session_id, warned) VALUES (?1, ?2) ON CONFLICT (session_id) DO UPDATE SET warned = ?2 WHERE warned IS "
        "NOT "
        "?2 RETURNING 1"),
    SQL(BUDGET_APPROVED, "budget_approved",
        "INSERT INTO observability_budgets (session_id, approved_input_tokens, approved_output_tokens, approved_cost_usd) VALUES (?1, ?2, ?3, ?4) "
        "ON CONFLICT (session_id) DO UPDATE SET approved_input_tokens = ?2, approved_output_tokens = ?3, approved_cost_usd = ?4 RETURNING 1"),
    SQL(DELETE_BUDGET, "delete_budget", "DELETE FROM observability_budgets WHERE session_id = ?1"),
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
    {sizeof(bp_migration), 2,
     BP_STR("CREATE TABLE observability_timeline (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, parent TEXT, session_id TEXT NOT NULL, kind "
            "TEXT NOT NULL, title TEXT NOT NULL, status TEXT NOT NULL, module TEXT, agent_id TEXT, task_id TEXT, project_id TEXT, pid INTEGER, "
            "started_ms INTEGER, ended_ms INTEGER, input_tokens INTEGER, output_tokens INTEGER, cost_usd REAL, updated_ms INTEGER NOT NULL);"
            "CREATE INDEX observability_timeline_session ON observability_timeline (session_id);"
            "CREATE INDEX observability_timeline_parent ON observability_timeline (parent);"
            "CREATE INDEX observability_timeline_updated ON observability_timeline (updated_ms);"
            "CREATE TABLE observability_budgets (session_id TEXT PRIMARY KEY, approved_input_tokens INTEGER, approved_output_tokens INTEGER, "
            "approved_cost_usd REAL, warned TEXT) WITHOUT ROWID;")},
};
