/* Descriptor and life cycle of the agents module. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const bp_need needs[] = {
    KIT_NEED(BP_CORE_1, bp_core_1),       KIT_NEED(BP_CONFIG_1, bp_config_1), KIT_NEED(BP_JSON_1, bp_json_1),
    KIT_NEED(BP_LOG_1, bp_log_1),         KIT_NEED(BP_HTTP_1, bp_http_1),     KIT_NEED(BP_DB_1, bp_db_1),
    KIT_NEED(BP_LOOP_1, bp_loop_1),       KIT_NEED(BP_WATCH_1, bp_watch_1),   KIT_NEED(BP_POLICY_1, bp_policy_1),
    KIT_NEED(BP_SERVICE_1, bp_service_1), KIT_NEED(BP_PROC_1, bp_proc_1),     {sizeof(bp_need), BP_NEED_OPTIONAL, BP_STR("observability/1"), 0, 0},
};

#define TEXT_OPTION(word, text)                                                                                                                      \
  { .size = sizeof(bp_option), .type = BP_OPTION_STRING, .name = BP_STR(word), .doc = BP_STR(text), .def = BP_STR("\"\""), .maximum = 4000 }

static const bp_option options[] = {
    TEXT_OPTION("project_dir", "The project whose agents these are, absolute; empty: the folder the host was started in."),
    TEXT_OPTION("agents_dir", "The agents' folder itself, absolute; empty: .agent-orchestrator/agents in the project."),
    {.size = sizeof(bp_option),
     .type = BP_OPTION_JSON,
     .name = BP_STR("known_mcp_servers"),
     .doc = BP_STR("Configurations of MCP servers by name, for agents that name one without saying how it is started."),
     .def = BP_STR("{}")},
    {.size = sizeof(bp_option),
     .type = BP_OPTION_STRING_LIST,
     .name = BP_STR("run_command"),
     .doc = BP_STR("Program and arguments that run an agent; what stands in braces is filled in, see the README."),
     .def = BP_STR("[]")},
    {.size = sizeof(bp_option),
     .type = BP_OPTION_STRING_MAP,
     .name = BP_STR("run_env"),
     .doc = BP_STR("Environment of agents that run, besides the usual."),
     .def = BP_STR("{}"),
     .is_secret = 1},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_DETAIL,
     .flags = BP_FAMILY_HEAD_405 | BP_FAMILY_DOCS | BP_FAMILY_CORS_CREDENTIALS,
     .validation_status = 422,
     .name = BP_STR("agents"),
     .title = BP_STR("Agent manager"),
     .not_found_text = BP_STR("Not Found"),
     .not_allowed_text = BP_STR("Method Not Allowed")},
};

#define TOPIC(word, text)                                                                                                                            \
  { sizeof(bp_topic), BP_TOPIC_DURABLE, BP_STR("agents." word), BP_STR(text) }

static const bp_topic topics[] = {
    TOPIC("created", "the agent without its prompt"),
    TOPIC("deleted", "{name}"),
    TOPIC("updated", "the agent without its prompt"),
    {sizeof(bp_topic), BP_TOPIC_EPHEMERAL, BP_STR("agents.output"), BP_STR("{stream, line} of an agent that runs; the key is its session")},
};

#define SQL(number, label, text) [number] = {sizeof(bp_statement), 0, BP_STR(label), BP_STR(text)}

static const bp_statement statements[STATEMENT_COUNT] = {
    SQL(INSERT_RUN, "insert_run", "INSERT INTO agents_runs (session_id, session_name) VALUES (?1, ?2)"),
    SQL(DELETE_RUN, "delete_run", "DELETE FROM agents_runs WHERE session_id = ?1"),
    SQL(ALL_RUNS, "all_runs", "SELECT session_id, session_name FROM agents_runs"),
};

static const bp_migration migrations[] = {
    {sizeof(bp_migration), 1, BP_STR("CREATE TABLE agents_runs (session_id TEXT PRIMARY KEY, session_name TEXT NOT NULL) WITHOUT ROWID;")},
};

/* An option that is an absolute path, without slashes at its end; NULL where it is empty. */
static char *path_option(const struct agents *a, bp_str name) {
  bp_str path = BP_STR("");
  a->config->string(a->self, name, &path);
  while (path.len > 1 && path.ptr[path.len - 1] == '/')
    path.len--;
  return path.len ? str_dup(path) : NULL;
}

static bool find_folders(struct agents *a) {
  char path[PATH_MAX];
  bp_str start = a->core->start_folder(a->self), known = BP_STR("{}");
  a->project = path_option(a, BP_LIT("project_dir"));
  if (!a->project)
    a->project = str_dup(start);
  a->folder = path_option(a, BP_LIT("agents_dir"));
  snprintf(path, sizeof(path), "%s/.agent-orchestrator/agents", a->project ? a->project : "");
  if (!a->folder)
    a->folder = strdup(path);
  a->config->json_text(a->self, BP_LIT("known_mcp_servers"), &known);
  a->known_servers = str_dup(known);
  return a->project && a->folder && a->known_servers;
}

static void fetch_tables(struct agents *a, const bp_host *host) {
  bp_plugin self = a->self;
  a->core = host->get(self, BP_LIT(BP_CORE_1));
  a->config = host->get(self, BP_LIT(BP_CONFIG_1));
  a->json = host->get(self, BP_LIT(BP_JSON_1));
  a->log = host->get(self, BP_LIT(BP_LOG_1));
  a->http = host->get(self, BP_LIT(BP_HTTP_1));
  a->db = host->get(self, BP_LIT(BP_DB_1));
  a->loop = host->get(self, BP_LIT(BP_LOOP_1));
  a->watch = host->get(self, BP_LIT(BP_WATCH_1));
  a->policy = host->get(self, BP_LIT(BP_POLICY_1));
  a->service = host->get(self, BP_LIT(BP_SERVICE_1));
  a->proc = host->get(self, BP_LIT(BP_PROC_1));
}

static void destroy(void *state) {
  struct agents *a = state;
  for (struct known *known = a->known; known; known = known->next)
    known->watch = 0; /* the host has revoked them */
  known_free_all(a, a->known);
  free(a->project);
  free(a->folder);
  free(a->known_servers);
  free(a);
}

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  struct agents *a = calloc(1, sizeof(*a));
  if (!a)
    return BP_E_NO_MEMORY;
  a->self = self;
  fetch_tables(a, host);
  if (!find_folders(a)) {
    destroy(a);
    return BP_E_NO_MEMORY;
  }
  if (a->folder[0] != '/') {
    err->code = BP_E_INVALID;
    snprintf(err->message, sizeof(err->message), "project_dir and agents_dir must be absolute paths: \"%.100s\"", a->folder);
    destroy(a);
    return BP_E_INVALID;
  }
  *ret_state = a;
  return BP_OK;
}

static bp_status start(void *state, bp_error *err) {
  (void)err;
  outside_start(state);
  runs_recover(state);
  return BP_OK;
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("agents"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Blueprints of agents as files, shared with the command-line tools."),
    .family = BP_STR("agents"),
    .needs = BP_ARRAY(needs),
    .options = BP_ARRAY(options),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(agents_routes),
    .topics = BP_ARRAY(topics),
    .migrations = BP_ARRAY(migrations),
    .statements = BP_ARRAY(statements),
    .create = create,
    .start = start,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
