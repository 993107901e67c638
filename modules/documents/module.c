/* Descriptor and life cycle of the documents module. */
#include "documents.h"
#include "statements.h"

#include <stdlib.h>

static const bp_need needs[] = {
    KIT_NEED(BP_CORE_1, bp_core_1), KIT_NEED(BP_CONFIG_1, bp_config_1), KIT_NEED(BP_JSON_1, bp_json_1), KIT_NEED(BP_LOG_1, bp_log_1),
    KIT_NEED(BP_HTTP_1, bp_http_1), KIT_NEED(BP_STREAM_1, bp_stream_1), KIT_NEED(BP_DB_1, bp_db_1),     KIT_NEED(BP_LOOP_1, bp_loop_1),
};

static const bp_option options[] = {
    {.size = sizeof(bp_option),
     .type = BP_OPTION_STRING,
     .name = BP_STR("public_url"),
     .doc = BP_STR("What the url of a document begins with."),
     .def = BP_STR("\"http://localhost:8766\""),
     .maximum = 500},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_DETAIL,
     .flags = BP_FAMILY_HEAD_405 | BP_FAMILY_DOCS,
     .validation_status = 422,
     .name = BP_STR("documents"),
     .title = BP_STR("Documents"),
     .not_found_text = BP_STR("Not Found"),
     .not_allowed_text = BP_STR("Method Not Allowed")},
};

#define TOPIC(word, text)                                                                                                                            \
  { sizeof(bp_topic), BP_TOPIC_DURABLE, BP_STR("documents." word), BP_STR(text) }

static const bp_topic topics[] = {TOPIC("created", "the document"), TOPIC("deleted", "{id}"), TOPIC("updated", "the document")};

static const bp_str search_columns[] = {BP_STR("filename"), BP_STR("tags"), BP_STR("description"), BP_STR("body")};
static const bp_search_index searches[] = {
    {sizeof(bp_search_index), 0, BP_STR("texts"), BP_STR("documents_texts"), BP_ARRAY(search_columns)},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  struct documents *d = calloc(1, sizeof(*d));
  if (!d)
    return BP_E_NO_MEMORY;
  d->self = self;
  d->host = host;
  d->core = host->get(self, BP_LIT(BP_CORE_1));
  d->config = host->get(self, BP_LIT(BP_CONFIG_1));
  d->json = host->get(self, BP_LIT(BP_JSON_1));
  d->log = host->get(self, BP_LIT(BP_LOG_1));
  d->http = host->get(self, BP_LIT(BP_HTTP_1));
  d->stream = host->get(self, BP_LIT(BP_STREAM_1));
  d->db = host->get(self, BP_LIT(BP_DB_1));
  d->loop = host->get(self, BP_LIT(BP_LOOP_1));
  *ret_state = d;
  return BP_OK;
}

static bp_status start(void *state, bp_error *err) {
  (void)err;
  sweep_start(state);
  return BP_OK;
}

static void destroy(void *state) {
  free(state);
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("documents"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Documents with tags, searchable."),
    .family = BP_STR("documents"),
    .needs = BP_ARRAY(needs),
    .options = BP_ARRAY(options),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(documents_routes),
    .topics = BP_ARRAY(topics),
    .migrations = BP_ARRAY(documents_migrations),
    .statements = BP_ARRAY(documents_statements),
    .searches = BP_ARRAY(searches),
    .create = create,
    .start = start,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
