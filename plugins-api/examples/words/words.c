/* Example: a table and a full-text search (bp.db/1).
 *
 *   POST /words {"text": "the quick fox"}   ->   201 {"id": 1}
 *   GET  /words?q=qui*                      ->   [{"id": 1, "snippet": "the quick fox"}] */
#include <backplane/backplane.h>

#include <stdlib.h>

static struct {
  bp_plugin self;
  const bp_db_1 *db;
  const bp_http_1 *http;
  const bp_json_1 *json;
} example;

enum statement { INSERT_LINE };

/* Takes the request as context: a deferred one needs nothing else here. */
static void *as_ctx(bp_request request) {
  bp_request *copy = malloc(sizeof(*copy));
  if (copy)
    *copy = request;
  return copy;
}

static void inserted(void *ctx, const bp_db_outcome *outcome) {
  bp_request request = *(bp_request *)ctx;
  bp_db_value answer = {.size = sizeof(answer)};
  free(ctx);
  if (outcome->status == BP_OK && example.db->value(outcome->result, 0, 0, 0, &answer) == BP_OK)
    example.http->reply_text(request, 201, BP_LIT("application/json"), answer.text);
  else
    example.http->reply_failure(request, outcome->status, outcome->error);
}

static void post_line(void *state, bp_request request) {
  bp_json body = 0, text = 0;
  bp_db_value line = {.size = sizeof(line), .type = BP_DB_TEXT};
  const bp_db_step step = {
      .size = sizeof(step), .kind = BP_DB_EXEC, .statement = INSERT_LINE, .expect = BP_DB_ONE, .params = {&line, 1, sizeof(line)}};
  const bp_array unit = {&step, 1, sizeof(step)};
  void *ctx = as_ctx(request);
  (void)state;
  example.http->body(request, &body);
  example.json->get(body, BP_LIT("text"), &text);
  example.json->string(text, &line.text);
  example.http->defer(request, NULL, NULL);
  bp_status status = ctx ? example.db->write(example.self, unit, inserted, ctx) : BP_E_NO_MEMORY;
  if (status != BP_OK) {
    free(ctx);
    example.http->reply_failure(request, status, NULL);
  }
}

static void found(void *ctx, const bp_db_outcome *outcome) {
  bp_request request = *(bp_request *)ctx;
  bp_json_writer out = 0;
  free(ctx);
  if (outcome->status != BP_OK || example.json->writer_new(example.self, &out) != BP_OK) {
    example.http->reply_failure(request, outcome->status == BP_OK ? BP_E_LIMIT : outcome->status, outcome->error);
    return;
  }
  example.json->array_begin(out);
  for (uint32_t row = 0; row < example.db->rows(outcome->result, 0); row++) {
    bp_db_value id = {.size = sizeof(id)}, snippet = {.size = sizeof(snippet)};
    example.db->value(outcome->result, 0, row, 0, &id);
    example.db->value(outcome->result, 0, row, 2, &snippet);
    example.json->object_begin(out);
    example.json->key(out, BP_LIT("id"));
    example.json->put_integer(out, id.integer);
    example.json->key(out, BP_LIT("snippet"));
    example.json->put_string(out, snippet.text);
    example.json->object_end(out);
  }
  example.json->array_end(out);
  example.http->reply_json(request, 200, out);
  example.json->writer_free(out);
}

static void get_lines(void *state, bp_request request) {
  bp_str q = {NULL, 0};
  void *ctx = as_ctx(request);
  (void)state;
  example.http->param(request, BP_LIT("q"), &q);
  example.http->defer(request, NULL, NULL);
  bp_status status = ctx ? example.db->search(example.self, BP_LIT("lines"), q, 20, 0, found, ctx) : BP_E_NO_MEMORY;
  if (status != BP_OK) {
    free(ctx);
    example.http->reply_failure(request, status, NULL);
  }
}

static const bp_migration migrations[] = {
    {sizeof(bp_migration), 1, BP_STR("CREATE TABLE org_example_words_lines (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")},
};
static const bp_statement statements[] = {
    [INSERT_LINE] = {sizeof(bp_statement), 0, BP_STR("insert_line"),
                     BP_STR("INSERT INTO org_example_words_lines (text) VALUES (?1) RETURNING json_object('id', id)")},
};
static const bp_str columns[] = {BP_STR("text")};
static const bp_search_index searches[] = {
    {sizeof(bp_search_index), 0, BP_STR("lines"), BP_STR("org_example_words_lines"), BP_ARRAY(columns)},
};
static const bp_param search_params[] = {
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_STRING,
     .required = 1,
     .name = BP_STR("q"),
     .doc = BP_STR("words"),
     .minimum = 1,
     .maximum = 100},
};
static const char line_schema[] = "{\"type\":\"object\",\"required\":[\"text\"],\"properties\":{\"text\":{\"type\":\"string\",\"maxLength\":1000}}}";

static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .method = BP_STR("POST"),
     .path = BP_STR("/words"),
     .operation_id = BP_STR("add_line"),
     .summary = BP_STR("Keeps a line"),
     .body_schema = BP_STR(line_schema),
     .success_status = 201,
     .policy = BP_STR("none"),
     .handle = post_line},
    {.size = sizeof(bp_route),
     .method = BP_STR("GET"),
     .path = BP_STR("/words"),
     .operation_id = BP_STR("find_lines"),
     .summary = BP_STR("Finds lines"),
     .params = BP_ARRAY(search_params),
     .handle = get_lines},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_ERROR,
     .flags = BP_FAMILY_NOT_BARE,
     .validation_status = 422,
     .name = BP_STR("words"),
     .title = BP_STR("Example of the store"),
     .not_found_text = BP_STR("not found"),
     .not_allowed_text = BP_STR("method not allowed")},
};

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_DB_1), sizeof(bp_db_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  example.self = self;
  example.db = host->get(self, BP_LIT(BP_DB_1));
  example.http = host->get(self, BP_LIT(BP_HTTP_1));
  example.json = host->get(self, BP_LIT(BP_JSON_1));
  *ret_state = &example;
  return BP_OK;
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("org.example.words"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Keeps lines of text and finds them."),
    .family = BP_STR("words"),
    .needs = BP_ARRAY(needs),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(routes),
    .migrations = BP_ARRAY(migrations),
    .statements = BP_ARRAY(statements),
    .searches = BP_ARRAY(searches),
    .create = create,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
