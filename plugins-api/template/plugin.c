/* @ID@: keeps notes. GET /notes lists them; POST /notes adds one and tells everybody who watches.
 *
 * Read from the bottom: the descriptor says what the plugin is and needs, the tables above it what it answers to and stores,
 * and the functions above those what it does. */
#include <backplane/backplane.h>

#include <stdlib.h>

struct plugin {
  bp_plugin self;
  const bp_core_1 *core;
  const bp_db_1 *db;
  const bp_http_1 *http;
  const bp_json_1 *json;
};

/* The declared statements by number, in the order of the table below. */
enum statement { INSERT_NOTE, LIST_NOTES };

/* ---- A request while the store works for it ---- */

struct call {
  struct plugin *plugin;
  bp_request request;
};

/* Says that the reply comes later. NULL after answering that there is no memory. */
static struct call *call_new(struct plugin *plugin, bp_request request) {
  struct call *call = calloc(1, sizeof(*call));
  if (!call) {
    plugin->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return NULL;
  }
  *call = (struct call){plugin, request};
  plugin->http->defer(request, NULL, NULL);
  return call;
}

/* For a call the store did not take: its `done` will not run. */
static void call_refuse(struct call *call, bp_status status, const bp_error *err) {
  call->plugin->http->reply_failure(call->request, status, err);
  free(call);
}

/* The text in column 0 of a row: a note as JSON. */
static bp_str note_at(const struct plugin *plugin, const bp_db_outcome *outcome, uint32_t row) {
  bp_db_value value = {.size = sizeof(value)};
  plugin->db->value(outcome->result, 0, row, 0, &value);
  return value.text;
}

/* ---- POST /notes ---- */

/* What the operator's rules in scripts/@ID@/ decide on. */
static bp_status note_facts(void *state, bp_request request, bp_json_writer facts) {
  const struct plugin *plugin = state;
  bp_json body = 0, text = 0;
  if (plugin->http->body(request, &body) != BP_OK || plugin->json->get(body, BP_LIT("text"), &text) != BP_OK)
    return BP_E_INVALID;
  plugin->json->object_begin(facts);
  plugin->json->key(facts, BP_LIT("text"));
  plugin->json->put_value(facts, text);
  plugin->json->key(facts, BP_LIT("principal"));
  plugin->json->put_string(facts, plugin->http->principal(request));
  plugin->json->object_end(facts);
  return BP_OK;
}

/* The commit has reached the disk: now the client may know. */
static void note_added(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct plugin *plugin = call->plugin;
  if (outcome->status != BP_OK) {
    call_refuse(call, outcome->status, outcome->error);
    return;
  }
  plugin->http->reply_text(call->request, 201, BP_LIT("application/json"), note_at(plugin, outcome, 0));
  free(call);
}

/* One unit: the row, and the event that tells of it; both or neither. */
static bp_status add_note(struct call *call, bp_str text) {
  const struct plugin *plugin = call->plugin;
  const bp_db_value values[] = {
      {.size = sizeof(bp_db_value), .type = BP_DB_TEXT, .text = text},
      {.size = sizeof(bp_db_value), .type = BP_DB_INTEGER, .integer = plugin->core->now_wall_ns() / 1000000},
  };
  const bp_db_step steps[] = {
      {.size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = INSERT_NOTE, .expect = BP_DB_ONE, .params = BP_ARRAY(values)},
      {.size = sizeof(bp_db_step), .kind = BP_DB_PUBLISH, .topic = BP_STR("@ID@.added"), .payload_step = 0, .payload_column = 0},
  };
  const bp_array unit = BP_ARRAY(steps);
  return plugin->db->write(plugin->self, unit, note_added, call);
}

/* Acts on the facts, not on the body: a rule may have rewritten them. */
static void post_note(void *state, bp_request request) {
  struct plugin *plugin = state;
  bp_json facts = 0, member = 0;
  bp_str text = {NULL, 0};
  if (plugin->http->facts(request, &facts) != BP_OK || plugin->json->get(facts, BP_LIT("text"), &member) != BP_OK ||
      plugin->json->string(member, &text) != BP_OK) {
    plugin->http->reply_failure(request, BP_E_INVALID, NULL);
    return;
  }
  struct call *call = call_new(plugin, request);
  bp_status status = call ? add_note(call, text) : BP_OK;
  if (status != BP_OK)
    call_refuse(call, status, NULL);
}

/* ---- GET /notes ---- */

static void notes_found(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct plugin *plugin = call->plugin;
  bp_json_writer out = 0;
  if (outcome->status != BP_OK || plugin->json->writer_new(plugin->self, &out) != BP_OK) {
    call_refuse(call, outcome->status == BP_OK ? BP_E_LIMIT : outcome->status, outcome->error);
    return;
  }
  plugin->json->object_begin(out);
  plugin->json->key(out, BP_LIT("notes"));
  plugin->json->array_begin(out);
  for (uint32_t row = 0; row < plugin->db->rows(outcome->result, 0); row++)
    plugin->json->put_raw(out, note_at(plugin, outcome, row));
  plugin->json->array_end(out);
  plugin->json->object_end(out);
  plugin->http->reply_json(call->request, 200, out);
  plugin->json->writer_free(out);
  free(call);
}

static void get_notes(void *state, bp_request request) {
  struct plugin *plugin = state;
  bp_db_value limit = {.size = sizeof(limit), .type = BP_DB_INTEGER};
  const bp_db_query queries[] = {{.size = sizeof(bp_db_query), .statement = LIST_NOTES, .params = {&limit, 1, sizeof(limit)}}};
  const bp_array all = BP_ARRAY(queries);
  plugin->http->param_integer(request, BP_LIT("limit"), &limit.integer);
  struct call *call = call_new(plugin, request);
  bp_status status = call ? plugin->db->read(plugin->self, all, 0, notes_found, call) : BP_OK;
  if (status != BP_OK)
    call_refuse(call, status, NULL);
}

/* ---- What it answers to ---- */

static const bp_param list_params[] = {
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_INTEGER,
     .name = BP_STR("limit"),
     .doc = BP_STR("notes in one answer"),
     .def = BP_STR("20"),
     .minimum = 1,
     .maximum = 1000},
};

static const char note_schema[] = "{\"type\":\"object\",\"required\":[\"text\"],\"additionalProperties\":false,\"properties\":{"
                                  "\"text\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":10000,\"description\":\"what to remember\"}}}";

static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .method = BP_STR("GET"),
     .path = BP_STR("/notes"),
     .operation_id = BP_STR("list_notes"),
     .summary = BP_STR("Notes, newest first"),
     .params = BP_ARRAY(list_params),
     .handle = get_notes},
    {.size = sizeof(bp_route),
     .method = BP_STR("POST"),
     .path = BP_STR("/notes"),
     .operation_id = BP_STR("add_note"),
     .summary = BP_STR("Adds a note"),
     .body_schema = BP_STR(note_schema),
     .success_status = 201,
     .handle = post_note,
     .facts = note_facts,
     .policy = BP_STR("@ID@")},
};

/* Its routes are at /f/@FAMILY@/ of the main listener; `listen` in the configuration can give the family a port of its own. */
static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_ERROR,
     .flags = BP_FAMILY_NOT_BARE | BP_FAMILY_DOCS,
     .validation_status = 422,
     .name = BP_STR("@FAMILY@"),
     .title = BP_STR("@ID@"),
     .not_found_text = BP_STR("not found"),
     .not_allowed_text = BP_STR("method not allowed")},
};

/* ---- What it stores and publishes ---- */

static const bp_migration migrations[] = {
    {sizeof(bp_migration), 1, BP_STR("CREATE TABLE @PREFIX@_notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL, created_ms INTEGER NOT NULL)")},
};

#define NOTE_JSON "json_object('id', id, 'text', text, 'created_ms', created_ms)"

static const bp_statement statements[] = {
    [INSERT_NOTE] = {sizeof(bp_statement), 0, BP_STR("insert_note"),
                     BP_STR("INSERT INTO @PREFIX@_notes (text, created_ms) VALUES (?1, ?2) RETURNING " NOTE_JSON)},
    [LIST_NOTES] = {sizeof(bp_statement), 0, BP_STR("list_notes"), BP_STR("SELECT " NOTE_JSON " FROM @PREFIX@_notes ORDER BY id DESC LIMIT ?1")},
};

static const bp_topic topics[] = {
    {sizeof(bp_topic), BP_TOPIC_DURABLE, BP_STR("@ID@.added"), BP_STR("the note")},
};

/* ---- What it is ---- */

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  struct plugin *plugin = calloc(1, sizeof(*plugin));
  (void)err;
  if (!plugin)
    return BP_E_NO_MEMORY;
  plugin->self = self;
  plugin->core = host->get(self, BP_LIT(BP_CORE_1));
  plugin->db = host->get(self, BP_LIT(BP_DB_1));
  plugin->http = host->get(self, BP_LIT(BP_HTTP_1));
  plugin->json = host->get(self, BP_LIT(BP_JSON_1));
  *ret_state = plugin;
  return BP_OK;
}

static void destroy(void *state) {
  free(state);
}

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_CORE_1), sizeof(bp_core_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_DB_1), sizeof(bp_db_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
};

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("@ID@"),
    .version = BP_STR("0.1.0"),
    .summary = BP_STR("Keeps notes."),
    .family = BP_STR("@FAMILY@"),
    .needs = BP_ARRAY(needs),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(routes),
    .topics = BP_ARRAY(topics),
    .migrations = BP_ARRAY(migrations),
    .statements = BP_ARRAY(statements),
    .create = create,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
