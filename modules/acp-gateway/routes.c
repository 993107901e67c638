/* The route table, and how a request becomes an operation. Operations live in the file of their concept. */
#include "gateway.h"

#define OPEN_TIMEOUT_MS 150000u  /* starting an agent and opening a session, each within start_timeout_ms */
#define TURN_TIMEOUT_MS 3900000u /* a little longer than a turn may take */

static const bp_param id_params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_PATH, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("id"), .doc = BP_STR("whose")},
};
static const bp_param message_params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_PATH, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("id"), .doc = BP_STR("the session")},
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_INTEGER,
     .name = BP_STR("after"),
     .doc = BP_STR("messages after this one"),
     .minimum = 0,
     .maximum = INT64_MAX},
};

static void run(void *state, bp_request request, void (*operation)(struct call *call)) {
  struct gateway *gw = state;
  struct call call = {.gw = gw, .request = request};
  gw->http->param(request, BP_LIT("id"), &call.path_id);
  gw->http->body(request, &call.args);
  operation(&call);
}

#define HANDLER(operation)                                                                                                                           \
  static void handle_##operation(void *state, bp_request request) {                                                                                  \
    run(state, request, op_##operation);                                                                                                             \
  }
HANDLER(health)
HANDLER(info)
HANDLER(agents)
HANDLER(agent_spawn)
HANDLER(agent_stop)
HANDLER(agent_status)
HANDLER(agent_sessions)
HANDLER(auth_init)
HANDLER(auth_status)
HANDLER(auth_token)
HANDLER(session_new)
HANDLER(session_get)
HANDLER(session_close)
HANDLER(messages)
HANDLER(prompt)
HANDLER(cancel)
HANDLER(session_mode)
HANDLER(session_option)
HANDLER(sessions)
HANDLER(permissions)
HANDLER(permission)

#define BODY .body_schema = BP_STR("{\"type\":\"object\"}"), .facts = facts_of_request, .policy = BP_STR("acp")
#define BAD_BODY(text) .bad_body_status = 400, .bad_body_text = BP_STR(text)

const bp_route gateway_routes[ROUTE_COUNT] = {
    {KIT_ROUTE("GET", "/health", "health", "Is the gateway up"), .scope = BP_STR("public"), .handle = handle_health},
    {KIT_ROUTE("GET", "/info", "info", "What the gateway is and does now"), .handle = handle_info},
    {KIT_ROUTE("GET", "/agents", "list_agents", "All agents with their status"), .handle = handle_agents},
    {KIT_ROUTE("POST", "/agents/{id}/spawn", "spawn_agent", "Start an agent"), .params = BP_ARRAY(id_params), .flags = BP_ROUTE_OPTIONAL_BODY, BODY,
     .timeout_ms = OPEN_TIMEOUT_MS, .handle = handle_agent_spawn},
    {KIT_ROUTE("POST", "/agents/{id}/stop", "stop_agent", "End an agent"), .params = BP_ARRAY(id_params), .flags = BP_ROUTE_OPTIONAL_BODY, BODY,
     .handle = handle_agent_stop},
    {KIT_ROUTE("GET", "/agents/{id}/status", "agent_status", "How an agent is"), .params = BP_ARRAY(id_params), .handle = handle_agent_status},
    {KIT_ROUTE("GET", "/agents/{id}/sessions", "agent_sessions", "What sessions an agent remembers (session/list)"), .params = BP_ARRAY(id_params),
     .handle = handle_agent_sessions},
    {KIT_ROUTE("POST", "/agents/{id}/auth/init", "auth_init", "How to authenticate an agent"), .params = BP_ARRAY(id_params),
     .flags = BP_ROUTE_OPTIONAL_BODY, BODY, .handle = handle_auth_init},
    {KIT_ROUTE("GET", "/agents/{id}/auth/status", "auth_status", "Is an agent authenticated"), .params = BP_ARRAY(id_params),
     .handle = handle_auth_status},
    {KIT_ROUTE("POST", "/agents/{id}/auth/token", "auth_token", "Give an agent its token, kept in memory"), .params = BP_ARRAY(id_params),
     .flags = BP_ROUTE_OPTIONAL_BODY, BODY, BAD_BODY("Token is required"), .handle = handle_auth_token},
    {KIT_ROUTE("POST", "/session", "new_session", "Open a session with an agent, which is started if it does not run"),
     .flags = BP_ROUTE_OPTIONAL_BODY, BODY, .timeout_ms = OPEN_TIMEOUT_MS, .handle = handle_session_new},
    {KIT_ROUTE("GET", "/session/{id}", "get_session", "One session"), .params = BP_ARRAY(id_params), .handle = handle_session_get},
    {KIT_ROUTE("DELETE", "/session/{id}", "close_session", "End a session"), .params = BP_ARRAY(id_params), .facts = facts_of_request,
     .policy = BP_STR("acp"), .handle = handle_session_close},
    {KIT_ROUTE("GET", "/session/{id}/messages", "session_messages", "The transcript, oldest first; after=ID goes on"),
     .params = BP_ARRAY(message_params), .handle = handle_messages},
    {KIT_ROUTE("POST", "/session/{id}/prompt", "prompt", "Run a turn; the answer comes when it has ended"), .params = BP_ARRAY(id_params),
     .flags = BP_ROUTE_OPTIONAL_BODY, BODY, .timeout_ms = TURN_TIMEOUT_MS, .body_limit_bytes = 8u << 20, BAD_BODY("Prompt is required"),
     .handle = handle_prompt},
    {KIT_ROUTE("POST", "/session/{id}/cancel", "cancel", "Cancel the turn"), .params = BP_ARRAY(id_params), .flags = BP_ROUTE_OPTIONAL_BODY, BODY,
     .handle = handle_cancel},
    {KIT_ROUTE("POST", "/session/{id}/mode", "set_mode", "Change the mode (session/set_mode)"), .params = BP_ARRAY(id_params),
     .flags = BP_ROUTE_OPTIONAL_BODY, BODY, .handle = handle_session_mode},
    {KIT_ROUTE("POST", "/session/{id}/config", "set_option", "Change an option (session/set_config_option)"), .params = BP_ARRAY(id_params),
     .flags = BP_ROUTE_OPTIONAL_BODY, BODY, .handle = handle_session_option},
    {KIT_ROUTE("GET", "/sessions", "list_sessions", "All open sessions"), .handle = handle_sessions},
    {KIT_ROUTE("GET", "/permissions", "list_permissions", "What waits for a person's answer"), .handle = handle_permissions},
    {KIT_ROUTE("POST", "/permission/{id}", "answer_permission", "Grant or deny"), .params = BP_ARRAY(id_params), .flags = BP_ROUTE_OPTIONAL_BODY,
     BODY, BAD_BODY("granted (boolean) is required"), .handle = handle_permission},
    {KIT_ROUTE("GET", "/events", "events", "Everything that happens, as an event stream"), .handle = events_all},
    {KIT_ROUTE("GET", "/events/{id}", "session_events", "What happens in one session, as an event stream"), .params = BP_ARRAY(id_params),
     .handle = events_session},
};
