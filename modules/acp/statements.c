/* Tables and statements: projects, sessions, messages, and what is known about tokens (their values are in bp.secret). */
#include "statements.h"

#define SQL(number, label, text) [number] = {sizeof(bp_statement), 0, BP_STR(label), BP_STR(text)}
#define NOW "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
#define PROJECT                                                                                                                                      \
  "json_object('id', id, 'name', name, 'fqdnUrl', fqdn_url, 'containerPort', container_port, 'llmProvider', llm_provider, 'defaultAgentId', "        \
  "default_agent_id, 'status', status, 'createdAt', created_at, 'updatedAt', updated_at)"
#define SESSION                                                                                                                                      \
  "'id', id, 'agentId', agent_id, 'status', status, 'messageCount', message_count, 'title', title, 'createdAt', created_at, 'updatedAt', updated_at"

const bp_statement acp_statements[STATEMENT_COUNT] = {
    SQL(ADD_PROJECT, "add_project",
        "INSERT INTO acp_projects (id, name, fqdn_url, container_port, llm_provider, default_agent_id, created_at, updated_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5, coalesce(?6, 'opencode'), " NOW ", " NOW ") RETURNING " PROJECT),
    SQL(ALL_PROJECTS, "all_projects", "SELECT " PROJECT " FROM acp_projects ORDER BY created_at DESC, rowid DESC"),
    SQL(PROJECT_JSON_BY_ID, "project_json_by_id", "SELECT " PROJECT " FROM acp_projects WHERE id = ?1"),
    SQL(PROJECT_BY_ID, "project_by_id", "SELECT fqdn_url, container_port, default_agent_id FROM acp_projects WHERE id = ?1"),
    SQL(CHANGE_PROJECT, "change_project",
        "UPDATE acp_projects SET name = coalesce(?2, name), fqdn_url = iif(?3, ?4, fqdn_url), container_port = iif(?5, ?6, container_port), "
        "llm_provider = iif(?7, ?8, llm_provider), default_agent_id = coalesce(?9, default_agent_id), updated_at = " NOW
        " WHERE id = ?1 RETURNING " PROJECT),
    SQL(DELETE_PROJECT, "delete_project", "DELETE FROM acp_projects WHERE id = ?1 RETURNING " PROJECT),
    SQL(PROJECT_SESSIONS, "project_sessions", "SELECT id FROM acp_agent_sessions WHERE project_id = ?1 AND status <> 'ended'"),
    SQL(PROJECT_AND_SESSION, "project_and_session",
        "SELECT p.fqdn_url, p.container_port, p.default_agent_id, s.id, s.acp_session_id, s.agent_id, s.status, s.working_directory "
        "FROM acp_projects p LEFT JOIN acp_agent_sessions s ON s.project_id = p.id AND s.id = ?2 WHERE p.id = ?1"),
    SQL(ADD_SESSION, "add_session",
        "INSERT INTO acp_agent_sessions (id, project_id, agent_id, acp_session_id, title, working_directory, upstream, seen_seq, created_at, "
        "updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, " NOW ", " NOW
        ") RETURNING json_object('id', id, 'agentId', agent_id, 'status', status, 'createdAt', created_at, 'acpSessionId', acp_session_id)"),
    SQL(LIST_SESSIONS, "list_sessions",
        "SELECT json_object(" SESSION
        ") FROM acp_agent_sessions WHERE project_id = ?1 AND (?2 OR status <> 'ended') ORDER BY created_at DESC, rowid DESC"),
    SQL(SESSION_MESSAGES, "session_messages",
        "SELECT json_object(" SESSION ", 'acpSessionId', acp_session_id, 'workingDirectory', working_directory, 'messages', "
        "json((SELECT json_group_array(json(message)) FROM (SELECT json_object('id', public_id, 'role', role, 'content', content, 'toolName', "
        "tool_name, 'toolInput', json(tool_input), 'toolResult', json(tool_result), 'toolCalls', json(tool_calls), 'createdAt', created_at) AS "
        "message FROM acp_agent_session_messages WHERE session_id = ?1 ORDER BY id LIMIT 10000)))) FROM acp_agent_sessions WHERE id = ?1"),
    SQL(SET_STATUS, "set_status",
        "UPDATE acp_agent_sessions SET status = ?2, updated_at = " NOW " WHERE id = ?1 AND status <> 'ended' "
        "RETURNING json_object('id', id, 'project_id', project_id, 'status', status)"),
    SQL(END_SESSION, "end_session",
        "UPDATE acp_agent_sessions SET status = 'ended', ended_at = coalesce(ended_at, " NOW "), updated_at = " NOW
        " WHERE id = ?1 RETURNING json_object('id', id, 'project_id', project_id, 'status', status)"),
    SQL(OPEN_SESSIONS, "open_sessions",
        "SELECT id, project_id, acp_session_id, upstream, status, seen_seq FROM acp_agent_sessions WHERE status <> 'ended' ORDER BY updated_at DESC"),
    SQL(ADD_MESSAGE, "add_message",
        "INSERT INTO acp_agent_session_messages (public_id, session_id, role, content, created_at) SELECT ?1, id, ?3, ?4, " NOW
        " FROM acp_agent_sessions WHERE id = ?2 RETURNING json_object('id', public_id, 'session_id', session_id, 'role', role)"),
    SQL(COUNT_MESSAGE, "count_message",
        "UPDATE acp_agent_sessions SET message_count = message_count + 1, status = coalesce(?2, status), seen_seq = max(seen_seq, ?3), updated_at "
        "= " NOW " WHERE id = ?1 AND (?2 IS NULL OR status <> 'ended')"),
    SQL(PUT_TOOL, "put_tool",
        "INSERT INTO acp_agent_session_messages (public_id, session_id, role, content, tool_call_id, tool_name, tool_input, tool_result, tool_calls, "
        "is_partial, created_at) SELECT ?1, id, 'tool', coalesce(?4, ''), ?3, ?4, ?5, ?6, json_array(json(?7)), ?8, " NOW
        " FROM acp_agent_sessions WHERE id = ?2 ON CONFLICT (session_id, tool_call_id) DO UPDATE SET tool_name = coalesce(excluded.tool_name, "
        "tool_name), content = coalesce(excluded.tool_name, content), tool_input = coalesce(excluded.tool_input, tool_input), tool_result = "
        "coalesce(excluded.tool_result, tool_result), is_partial = excluded.is_partial, tool_calls = json_array(json_patch(json_extract(tool_calls, "
        "'$[0]'), json_extract(excluded.tool_calls, '$[0]')))"),
    SQL(COUNT_TOOL, "count_tool",
        "UPDATE acp_agent_sessions SET message_count = (SELECT count(*) FROM acp_agent_session_messages WHERE session_id = ?1), "
        "seen_seq = max(seen_seq, ?2), updated_at = " NOW " WHERE id = ?1"),
    SQL(TURN_ENDED, "turn_ended",
        "UPDATE acp_agent_sessions SET status = ?2, seen_seq = max(seen_seq, ?3), updated_at = " NOW
        " WHERE id = ?1 AND status <> 'ended' RETURNING json_object('id', id, 'project_id', project_id, 'status', status)"),
    SQL(PUT_TOKEN, "put_token",
        "INSERT INTO acp_agent_auth_tokens (id, user_id, agent_id, has_refresh_token, expires_at, scopes, created_at, updated_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, " NOW ", " NOW ") ON CONFLICT (user_id, agent_id) DO UPDATE SET has_refresh_token = "
        "excluded.has_refresh_token, expires_at = excluded.expires_at, scopes = excluded.scopes, updated_at = excluded.updated_at"),
    SQL(TOKEN_OF, "token_of", "SELECT expires_at, has_refresh_token FROM acp_agent_auth_tokens WHERE user_id = ?1 AND agent_id = ?2"),
    SQL(ALL_TOKENS, "all_tokens",
        "SELECT json_object('agentId', agent_id, 'hasAccessToken', json('true'), 'hasRefreshToken', json(iif(has_refresh_token, 'true', 'false')), "
        "'expiresAt', expires_at, 'updatedAt', updated_at), agent_id, expires_at FROM acp_agent_auth_tokens WHERE user_id = ?1 ORDER BY agent_id"),
    SQL(DELETE_TOKEN, "delete_token", "DELETE FROM acp_agent_auth_tokens WHERE user_id = ?1 AND agent_id = ?2"),
};

#undef SQL

const bp_migration acp_migrations[MIGRATION_COUNT] = {
    {sizeof(bp_migration), 1,
     BP_STR("CREATE TABLE acp_projects (id TEXT PRIMARY KEY, name TEXT NOT NULL, fqdn_url TEXT, container_port INTEGER, llm_provider TEXT, "
            "default_agent_id TEXT NOT NULL DEFAULT 'opencode', status TEXT NOT NULL DEFAULT 'active', created_at TEXT NOT NULL, updated_at TEXT "
            "NOT NULL);"
            "CREATE TABLE acp_agent_sessions (id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES acp_projects (id) ON DELETE CASCADE, "
            "agent_id TEXT NOT NULL, acp_session_id TEXT, title TEXT, status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'idle', "
            "'processing', 'ended', 'error')), working_directory TEXT, upstream TEXT NOT NULL DEFAULT '', message_count INTEGER NOT NULL DEFAULT "
            "0, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, ended_at TEXT);"
            "CREATE INDEX acp_agent_sessions_by_project ON acp_agent_sessions (project_id, created_at);"
            "CREATE TABLE acp_agent_session_messages (id INTEGER PRIMARY KEY AUTOINCREMENT, public_id TEXT NOT NULL UNIQUE, session_id TEXT NOT NULL "
            "REFERENCES acp_agent_sessions (id) ON DELETE CASCADE, role TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'system', 'tool')), "
            "content TEXT NOT NULL, tool_call_id TEXT, tool_name TEXT, tool_input TEXT, tool_result TEXT, tool_calls TEXT, is_partial INTEGER NOT "
            "NULL DEFAULT 0, created_at TEXT NOT NULL, UNIQUE (session_id, tool_call_id));"
            "CREATE INDEX acp_agent_session_messages_by_session ON acp_agent_session_messages (session_id, id);"
            "CREATE TABLE acp_agent_auth_tokens (id TEXT PRIMARY KEY, user_id TEXT NOT NULL, agent_id TEXT NOT NULL, token_type TEXT NOT NULL "
            "DEFAULT 'Bearer', has_refresh_token INTEGER NOT NULL, expires_at TEXT, scopes TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT "
            "NULL, UNIQUE (user_id, agent_id));")},
    /* Up to where the events of the built-in gateway's live log are in the messages and the status. */
    {sizeof(bp_migration), 2, BP_STR("ALTER TABLE acp_agent_sessions ADD COLUMN seen_seq INTEGER NOT NULL DEFAULT 0;")},
};
