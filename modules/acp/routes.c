/* The route table: where each URL of this module is answered. `run_…` functions live in the file of their concept. */
#include "acp.h"

#define PARAM(place, kind, word, text)                                                                                                               \
  { .size = sizeof(bp_param), .in = (place), .type = (kind), .name = BP_STR(word), .doc = BP_STR(text) }

static const bp_param list_params[] = {PARAM(BP_IN_QUERY, BP_PARAM_BOOLEAN, "includeEnded", "also sessions that have ended")};
static const bp_param code_params[] = {
    PARAM(BP_IN_QUERY, BP_PARAM_STRING, "code", "the authorization code"),
    PARAM(BP_IN_QUERY, BP_PARAM_STRING, "state", "what the flow was started with"),
    PARAM(BP_IN_QUERY, BP_PARAM_STRING, "error", "why there is no code"),
};

#define PLAIN(name)                                                                                                                                  \
  static void handle_##name(void *state, bp_request request) {                                                                                       \
    call_plain(state, request, run_##name);                                                                                                          \
  }
#define PROJECT(name)                                                                                                                                \
  static void handle_##name(void *state, bp_request request) {                                                                                       \
    call_project(state, request, run_##name);                                                                                                        \
  }
#define SESSION(name)                                                                                                                                \
  static void handle_##name(void *state, bp_request request) {                                                                                       \
    call_session(state, request, run_##name);                                                                                                        \
  }

PLAIN(projects)
PLAIN(project_new)
PLAIN(project_get)
PLAIN(project_change)
PLAIN(project_delete)
PROJECT(agents)
PROJECT(agent_spawn)
PROJECT(agent_stop)
PROJECT(agent_status)
PROJECT(auth_start)
PROJECT(auth_status)
PROJECT(auth_callback)
PROJECT(auth_delete)
PROJECT(tokens)
PROJECT(health)
PROJECT(info)
PROJECT(session_new)
PROJECT(sessions)
SESSION(session_get)
SESSION(session_end)
SESSION(prompt)
SESSION(cancel)
PROJECT(events)
SESSION(session_events)
PROJECT(permission)
PLAIN(oauth_callback)

#define ACP "/api/projects/{projectId}/acp"
#define DECIDED .facts = facts_of_request, .policy = BP_STR("acp")
/* Bodies are objects; what is in them is checked by the handlers, because clients know their sentences. */
#define BODY .flags = BP_ROUTE_OPTIONAL_BODY, .body_schema = BP_STR("{\"type\":\"object\"}"), DECIDED
#define BAD_BODY(status, text) .bad_body_status = (status), .bad_body_text = BP_STR(text)
#define STREAMED .flags = BP_ROUTE_STREAM, .body_limit_bytes = 8u << 20, DECIDED

const bp_route acp_routes[ROUTE_COUNT] = {
    {KIT_ROUTE("GET", "/health", "health", "Is the service up"), .scope = BP_STR("public"), .handle = acp_health},
    {KIT_ROUTE("GET", "/api/info", "info", "What this is, and which agents it knows"), .scope = BP_STR("public"), .handle = acp_info},
    {KIT_ROUTE("GET", "/api/projects", "list_projects", "All projects"), .handle = handle_projects},
    {KIT_ROUTE("POST", "/api/projects", "create_project", "Add a project"), BODY, .handle = handle_project_new},
    {KIT_ROUTE("GET", "/api/projects/{projectId}", "get_project", "One project"), .handle = handle_project_get},
    {KIT_ROUTE("PATCH", "/api/projects/{projectId}", "change_project", "Change a project"), BODY, .handle = handle_project_change},
    {KIT_ROUTE("PUT", "/api/projects/{projectId}", "replace_project", "Change a project, as PATCH does"), BODY, .handle = handle_project_change},
    {KIT_ROUTE("DELETE", "/api/projects/{projectId}", "delete_project", "Delete a project with its sessions"), DECIDED,
     .handle = handle_project_delete},
    {KIT_ROUTE("GET", ACP "/agents", "list_agents", "The gateway's agents, and whether there is a token for each"), .handle = handle_agents},
    {KIT_ROUTE("POST", ACP "/agents/{agentId}/spawn", "spawn_agent", "Start an agent"), BODY, .timeout_ms = 65000, .handle = handle_agent_spawn},
    {KIT_ROUTE("POST", ACP "/agents/{agentId}/stop", "stop_agent", "End an agent"), BODY, .timeout_ms = 65000, .handle = handle_agent_stop},
    {KIT_ROUTE("GET", ACP "/agents/{agentId}/status", "agent_status", "How an agent is"), .handle = handle_agent_status},
    {KIT_ROUTE("POST", ACP "/agents/{agentId}/auth/start", "start_auth", "Begin to authenticate an agent"), BODY, .handle = handle_auth_start},
    {KIT_ROUTE("GET", ACP "/agents/{agentId}/auth/status", "auth_status", "Is an agent authenticated"), .handle = handle_auth_status},
    {KIT_ROUTE("POST", ACP "/agents/{agentId}/auth/callback", "auth_callback", "Store an agent's token"), BODY,
     BAD_BODY(500, "Failed to save auth token"), .handle = handle_auth_callback},
    {KIT_ROUTE("DELETE", ACP "/agents/{agentId}/auth", "delete_auth", "Forget an agent's token"), DECIDED, .handle = handle_auth_delete},
    {KIT_ROUTE("GET", ACP "/auth/tokens", "list_tokens", "What is known about stored tokens, never a token"), .handle = handle_tokens},
    {KIT_ROUTE("GET", ACP "/health", "gateway_health", "Is the project's gateway up"), .handle = handle_health},
    {KIT_ROUTE("GET", ACP "/info", "gateway_info", "What the project's gateway says of itself"), .handle = handle_info},
    {KIT_ROUTE("POST", ACP "/session", "create_session", "Open a session with an agent"), BODY, .timeout_ms = 65000,
     BAD_BODY(500, "Failed to create session"), .handle = handle_session_new},
    {KIT_ROUTE("GET", ACP "/session", "list_sessions", "The project's sessions, newest first"), .params = BP_ARRAY(list_params),
     .handle = handle_sessions},
    {KIT_ROUTE("GET", ACP "/session/{sessionId}", "get_session", "A session with its messages"), .handle = handle_session_get},
    {KIT_ROUTE("DELETE", ACP "/session/{sessionId}", "end_session", "End a session"), DECIDED, .handle = handle_session_end},
    {KIT_ROUTE("POST", ACP "/session/{sessionId}/prompt", "prompt", "Send a prompt; the end of the turn comes by the events"), BODY,
     BAD_BODY(400, "Prompt is required"), .body_limit_bytes = 8u << 20, .handle = handle_prompt},
    {KIT_ROUTE("POST", ACP "/session/{sessionId}/cancel", "cancel", "Cancel the turn"), BODY, .handle = handle_cancel},
    {KIT_ROUTE("GET", ACP "/events", "events", "What happens in the project, as an event stream"), .handle = handle_events},
    {KIT_ROUTE("GET", ACP "/events/{sessionId}", "session_events", "What happens in a session, as an event stream"), .handle = handle_session_events},
    {KIT_ROUTE("POST", ACP "/permission/{permissionId}", "answer_permission", "Grant or deny what an agent asks for"), BODY,
     BAD_BODY(400, "granted (boolean) is required"), .handle = handle_permission},
    {KIT_ROUTE("GET", "/api/acp/oauth/callback", "oauth_callback", "Where a provider sends the browser back to"), .params = BP_ARRAY(code_params),
     .handle = handle_oauth_callback},
    {KIT_ROUTE("*", "/api/projects/{projectId}/opencode", "opencode_root", "The project's OpenCode server"), STREAMED, .handle = opencode_pass},
    {KIT_ROUTE("*", "/api/projects/{projectId}/opencode/{rest*}", "opencode", "The project's OpenCode server, passed through"), STREAMED,
     .handle = opencode_pass},
};
