/* Descriptor and life cycle of the files module. */
#include "files.h"

#include <stdlib.h>

static const bp_need needs[] = {
    KIT_NEED(BP_CONFIG_1, bp_config_1), KIT_NEED(BP_JSON_1, bp_json_1), KIT_NEED(BP_LOG_1, bp_log_1), KIT_NEED(BP_HTTP_1, bp_http_1),
    KIT_NEED(BP_STREAM_1, bp_stream_1), KIT_NEED(BP_DB_1, bp_db_1),     KIT_NEED(BP_FS_1, bp_fs_1),   KIT_NEED(BP_LOOP_1, bp_loop_1),
};

static const bp_option options[] = {
    {.size = sizeof(bp_option),
     .type = BP_OPTION_STRING,
     .name = BP_STR("root"),
     .doc = BP_STR("The folder that is served, absolute; empty: the home folder."),
     .def = BP_STR("\"\""),
     .maximum = 4000},
    {.size = sizeof(bp_option),
     .type = BP_OPTION_BOOLEAN,
     .name = BP_STR("show_hidden"),
     .doc = BP_STR("List entries that begin with a dot also where a request does not ask for them."),
     .def = BP_STR("false")},
    {.size = sizeof(bp_option),
     .type = BP_OPTION_BOOLEAN,
     .name = BP_STR("home_dot_entries"),
     .doc = BP_STR("Where the root is the home folder: also serve .ssh, .config and what else begins with a dot at its top."),
     .def = BP_STR("false")},
};

static const bp_topic topics[] = {
    {sizeof(bp_topic), BP_TOPIC_DURABLE, BP_STR("files.changed"), BP_STR("{action, path, to?}; paths from the root")},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  struct files *f = calloc(1, sizeof(*f));
  if (!f)
    return BP_E_NO_MEMORY;
  f->self = self;
  f->config = host->get(self, BP_LIT(BP_CONFIG_1));
  f->json = host->get(self, BP_LIT(BP_JSON_1));
  f->log = host->get(self, BP_LIT(BP_LOG_1));
  f->http = host->get(self, BP_LIT(BP_HTTP_1));
  f->stream = host->get(self, BP_LIT(BP_STREAM_1));
  f->db = host->get(self, BP_LIT(BP_DB_1));
  f->fs = host->get(self, BP_LIT(BP_FS_1));
  f->loop = host->get(self, BP_LIT(BP_LOOP_1));
  if (!root_configure(f)) {
    free(f);
    return BP_E_NO_MEMORY;
  }
  *ret_state = f;
  return BP_OK;
}

static bp_status start(void *state, bp_error *err) {
  struct files *f = state;
  (void)err;
  bp_error why = BP_ERROR_INIT;
  if (!root_ready(f, &why))
    f->log->write(f->self, BP_LOG_WARN, str_z(why.message), (bp_array){NULL, 0, 0});
  return BP_OK;
}

static void destroy(void *state) {
  struct files *f = state;
  free(f->root_path);
  free(f);
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("files"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("A file manager beneath one folder."),
    .family = BP_STR("desktop"),
    .needs = BP_ARRAY(needs),
    .options = BP_ARRAY(options),
    .routes = BP_ARRAY(files_routes),
    .topics = BP_ARRAY(topics),
    .create = create,
    .start = start,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
