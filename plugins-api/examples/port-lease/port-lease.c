/* Example: a TCP port that belongs to a name, over restarts (bp.port/1).
 *
 *   PUT    /ports/{name}               ->   {"port": 21240}      the lowest free one from 21240 to 21259, or the one it has
 *   PUT    /ports/{name}?wanted=3000   ->   {"port": 3000}       or 409, which says who has it
 *   DELETE /ports/{name}               ->   {"port": 3000}       and it is free again */
#include <backplane/backplane.h>

#include <stdlib.h>

#define FIRST 21240
#define LAST 21259

static struct {
  bp_plugin self;
  const bp_http_1 *http;
  const bp_json_1 *json;
  const bp_port_1 *port;
} lessee;

static void on_done(void *ctx, bp_status status, uint32_t port, const bp_error *err) {
  bp_request *kept = ctx;
  bp_json_writer out = 0;
  if (status != BP_OK) {
    lessee.http->reply_failure(*kept, status, err);
    free(kept);
    return;
  }
  lessee.json->writer_new(lessee.self, &out);
  lessee.json->object_begin(out);
  lessee.json->key(out, BP_LIT("port"));
  lessee.json->put_integer(out, port);
  lessee.json->object_end(out);
  lessee.http->reply_json(*kept, 200, out);
  lessee.json->writer_free(out);
  free(kept);
}

static bp_str name_of(bp_request request) {
  bp_str name = {NULL, 0};
  lessee.http->param(request, BP_LIT("name"), &name);
  return name;
}

/* Starts the work with a copy of the handle for `on_done`, which runs exactly once if BP_OK is returned. */
static void begin(bp_request request, bp_status (*work)(bp_request request, bp_request *kept)) {
  bp_request *kept = malloc(sizeof(*kept));
  if (kept)
    *kept = request;
  bp_status status = kept ? work(request, kept) : BP_E_NO_MEMORY;
  if (status == BP_OK) {
    lessee.http->defer(request, NULL, NULL);
    return;
  }
  lessee.http->reply_failure(request, status, NULL);
  free(kept);
}

static bp_status lease(bp_request request, bp_request *kept) {
  int64_t wanted = 0; /* any */
  lessee.http->param_integer(request, BP_LIT("wanted"), &wanted);
  return lessee.port->lease(lessee.self, name_of(request), (uint32_t)wanted, FIRST, LAST, on_done, kept);
}

static bp_status release(bp_request request, bp_request *kept) {
  return lessee.port->release(lessee.self, name_of(request), on_done, kept);
}

static void put_port(void *state, bp_request request) {
  (void)state;
  begin(request, lease);
}

static void delete_port(void *state, bp_request request) {
  (void)state;
  begin(request, release);
}

static const bp_param params[] = {
    {.size = sizeof(bp_param),
     .in = BP_IN_PATH,
     .type = BP_PARAM_STRING,
     .required = 1,
     .name = BP_STR("name"),
     .doc = BP_STR("whose port"),
     .maximum = 100},
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_INTEGER,
     .name = BP_STR("wanted"),
     .doc = BP_STR("which one"),
     .minimum = 1,
     .maximum = 65535},
};

static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .method = BP_STR("PUT"),
     .path = BP_STR("/ports/{name}"),
     .operation_id = BP_STR("lease_port"),
     .summary = BP_STR("Lease a port for a name"),
     .params = BP_ARRAY(params),
     .handle = put_port,
     .policy = BP_STR("none")},
    {.size = sizeof(bp_route),
     .method = BP_STR("DELETE"),
     .path = BP_STR("/ports/{name}"),
     .operation_id = BP_STR("release_port"),
     .summary = BP_STR("Give the port of a name back"),
     .params = {params, 1, sizeof(params[0])},
     .handle = delete_port,
     .policy = BP_STR("none")},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_PROBLEM,
     .validation_status = 400,
     .name = BP_STR("port-lease"),
     .title = BP_STR("Example of bp.port/1"),
     .not_found_text = BP_STR("Not Found"),
     .not_allowed_text = BP_STR("Method Not Allowed")},
};

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_PORT_1), sizeof(bp_port_1), 0},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  lessee.self = self;
  lessee.http = host->get(self, BP_LIT(BP_HTTP_1));
  lessee.json = host->get(self, BP_LIT(BP_JSON_1));
  lessee.port = host->get(self, BP_LIT(BP_PORT_1));
  *ret_state = &lessee;
  return BP_OK;
}

static void destroy(void *state) {
  (void)state; /* the state is static */
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("org.example.port-lease"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Leases ports by name."),
    .family = BP_STR("port-lease"),
    .needs = BP_ARRAY(needs),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(routes),
    .create = create,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
