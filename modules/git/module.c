/* Descriptor and life cycle of the git module. */
#include "module_setup.h"
#include "statements.h"

#include <stdlib.h>

static const bp_need needs[] = {
    KIT_NEED(BP_CONFIG_1, bp_config_1), KIT_NEED(BP_CORE_1, bp_core_1),       KIT_NEED(BP_JSON_1, bp_json_1), KIT_NEED(BP_LOG_1, bp_log_1),
    KIT_NEED(BP_HTTP_1, bp_http_1),     KIT_NEED(BP_DB_1, bp_db_1),           KIT_NEED(BP_LOOP_1, bp_loop_1), KIT_NEED(BP_PROC_1, bp_proc_1),
    KIT_NEED(BP_JOB_1, bp_job_1),       KIT_NEED(BP_SERVICE_1, bp_service_1),
};

static const bp_provide provides[] = {{sizeof(bp_provide), 0, BP_STR(SERVICE_NAME)}};

#define OPTION(kind, word, text, value)                                                                                                              \
  { .size = sizeof(bp_option), .type = (kind), .name = BP_STR(word), .doc = BP_STR(text), .def = BP_STR(value) }

static const bp_option options[] = {
    OPTION(BP_OPTION_STRING_LIST, "roots",
           "Folders whose repositories may be used; none: the user's home, the folder the host was started in and files_root.", "[]"),
    OPTION(BP_OPTION_STRING, "files_root", "The file manager's folder, for where roots names none.", "\"\""),
    OPTION(BP_OPTION_STRING, "askpass", "A program that answers git's and ssh's questions in fetch, pull, push and clone; empty: none.", "\"\""),
    OPTION(BP_OPTION_STRING, "ssh_folder", "Where SSH keys are kept; empty: .ssh in the user's home.", "\"\""),
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  struct git *git = calloc(1, sizeof(*git));
  if (!git)
    return BP_E_NO_MEMORY;
  git->self = self;
  git->host = host;
  git->config = host->get(self, BP_LIT(BP_CONFIG_1));
  git->core = host->get(self, BP_LIT(BP_CORE_1));
  git->json = host->get(self, BP_LIT(BP_JSON_1));
  git->log = host->get(self, BP_LIT(BP_LOG_1));
  git->http = host->get(self, BP_LIT(BP_HTTP_1));
  git->db = host->get(self, BP_LIT(BP_DB_1));
  git->loop = host->get(self, BP_LIT(BP_LOOP_1));
  git->proc = host->get(self, BP_LIT(BP_PROC_1));
  git->job = host->get(self, BP_LIT(BP_JOB_1));
  git->service = host->get(self, BP_LIT(BP_SERVICE_1));
  bp_status status = setup_places(git, err);
  if (status != BP_OK) {
    setup_release(git);
    free(git);
    return status;
  }
  *ret_state = git;
  return BP_OK;
}

static void identity_known(void *ctx) {
  runner_go_on(ctx);
}

static bp_status start(void *state, bp_error *err) {
  (void)err;
  trust_load(state);
  identity_load(state, identity_known, state);
  return service_start(state);
}

static bp_status drain(void *state) {
  runner_drain(state);
  return BP_OK;
}

static void destroy(void *state) {
  struct git *git = state;
  runner_release(git);
  trust_release(git);
  identity_forget(&git->identity);
  setup_release(git);
  free(git);
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("git"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Git for clients and agents: an allow list in Lua, and a runner that trusts no repository."),
    .family = BP_STR("desktop"),
    .needs = BP_ARRAY(needs),
    .provides = BP_ARRAY(provides),
    .options = BP_ARRAY(options),
    .routes = BP_ARRAY(git_routes),
    .migrations = BP_ARRAY(git_migrations),
    .statements = BP_ARRAY(git_statements),
    .create = create,
    .start = start,
    .drain = drain,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
