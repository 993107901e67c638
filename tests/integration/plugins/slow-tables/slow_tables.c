/* Modules whose migration takes long, has no end, or fails, by what is defined. One route tells how many rows there are. */
#include <backplane/backplane.h>

struct slow {
  const bp_http_1 *http;
  const bp_json_1 *json;
  const bp_db_1 *db;
  bp_plugin self;
};
static struct slow slow;

#if defined(TABLES_slow)
#define ID "slow-tables"
#define ROWS "slow_tables_rows"
#define INSERTED "i FROM n WHERE i > 0 LIMIT 100000"
#elif defined(TABLES_endless)
#define ID "endless-tables"
#define ROWS "endless_tables_rows"
#define INSERTED "i FROM n WHERE i < 0"
#else
#define ID "broken-tables"
#define ROWS "broken_tables_rows"
#define INSERTED "1 FROM n LIMIT 2"
#endif

static const bp_migration migrations[] = {
    {sizeof(bp_migration), 1,
     BP_STR("CREATE TABLE " ROWS " (id INTEGER PRIMARY KEY);"
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO " ROWS " SELECT " INSERTED)},
};
static const bp_statement statements[] = {
    {sizeof(bp_statement), 0, BP_STR("newest"), BP_STR("SELECT max(id) FROM " ROWS)},
};

static void reply_count(void *ctx, const bp_db_outcome *outcome) {
  bp_request request = (bp_request)(uintptr_t)ctx;
  bp_json_writer out = 0;
  bp_db_value value = {.size = sizeof(value)};
  slow.db->value(outcome->result, 0, 0, 0, &value);
  slow.json->writer_new(slow.self, &out);
  slow.json->object_begin(out);
  slow.json->key(out, BP_LIT("rows"));
  slow.json->put_integer(out, value.integer);
  slow.json->object_end(out);
  slow.http->reply_json(request, outcome->status == BP_OK ? 200 : 500, out);
  slow.json->writer_free(out);
}

static void get_rows(void *state, bp_request request) {
  const bp_db_query query = {.size = sizeof(query), .statement = 0, .max_rows = 1};
  (void)state;
  slow.http->defer(request, NULL, NULL);
  slow.db->read(slow.self, (bp_array){&query, 1, sizeof(query)}, 0, reply_count, (void *)(uintptr_t)request);
}

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  slow = (struct slow){host->get(self, BP_LIT(BP_HTTP_1)), host->get(self, BP_LIT(BP_JSON_1)), host->get(self, BP_LIT(BP_DB_1)), self};
  *ret_state = &slow;
  return BP_OK;
}

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_DB_1), sizeof(bp_db_1), 0},
};
static const bp_family families[] = {
    {.size = sizeof(bp_family), .error_shape = BP_ERRORS_DETAIL, .validation_status = 422, .name = BP_STR(ID), .title = BP_STR("Slow tables")}};
static const bp_route routes[] = {{.size = sizeof(bp_route),
                                   .method = BP_STR("GET"),
                                   .path = BP_STR("/rows"),
                                   .operation_id = BP_STR("count_rows"),
                                   .summary = BP_STR("How many rows there are"),
                                   .handle = get_rows}};
static const bp_plugin_descriptor descriptor = {.size = sizeof(descriptor),
                                                .abi_major = BP_ABI_MAJOR,
                                                .abi_minor = BP_ABI_MINOR,
                                                .id = BP_STR(ID),
                                                .version = BP_STR("1.0.0"),
                                                .summary = BP_STR("Takes its time."),
                                                .family = BP_STR(ID),
                                                .needs = BP_ARRAY(needs),
                                                .families = BP_ARRAY(families),
                                                .migrations = BP_ARRAY(migrations),
                                                .statements = BP_ARRAY(statements),
                                                .routes = BP_ARRAY(routes),
                                                .create = create};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
