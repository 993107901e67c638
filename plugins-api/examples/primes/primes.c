/* Example: work off the main thread, and a timer (bp.loop/1).
 *
 *   GET /primes?below=1000000   ->   {"count": 78498}
 *   GET /ticks                  ->   {"ticks": 3}: one a second since the start */
#include <backplane/backplane.h>

#include <stdlib.h>

static struct {
  bp_plugin self;
  const bp_http_1 *http;
  const bp_json_1 *json;
  const bp_loop_1 *loop;
  int64_t ticks;
} example;

struct count {
  bp_request request;
  int64_t below, found;
};

/* On a worker: touches nothing but its context. */
static void count_primes(void *ctx) {
  struct count *count = ctx;
  for (int64_t n = 2; n < count->below; n++) {
    int64_t divisor = 2;
    while (divisor * divisor <= n && n % divisor != 0)
      divisor++;
    count->found += divisor * divisor > n;
  }
}

static void reply_number(bp_request request, bp_str key, int64_t value) {
  bp_json_writer out = 0;
  if (example.json->writer_new(example.self, &out) != BP_OK) {
    example.http->reply_failure(request, BP_E_LIMIT, NULL);
    return;
  }
  example.json->object_begin(out);
  example.json->key(out, key);
  example.json->put_integer(out, value);
  example.json->object_end(out);
  example.http->reply_json(request, 200, out);
  example.json->writer_free(out);
}

static void counted(void *ctx, bp_status status) {
  struct count *count = ctx;
  if (status == BP_OK)
    reply_number(count->request, BP_LIT("count"), count->found);
  else
    example.http->reply_failure(count->request, status, NULL);
  free(count);
}

static void get_primes(void *state, bp_request request) {
  struct count *count = calloc(1, sizeof(*count));
  (void)state;
  if (count) {
    count->request = request;
    example.http->param_integer(request, BP_LIT("below"), &count->below);
    example.http->defer(request, NULL, NULL);
  }
  bp_status status = count ? example.loop->work(example.self, count_primes, counted, count) : BP_E_NO_MEMORY;
  if (status != BP_OK) {
    example.http->reply_failure(request, status, NULL);
    free(count);
  }
}

static void get_ticks(void *state, bp_request request) {
  (void)state;
  reply_number(request, BP_LIT("ticks"), example.ticks);
}

static void tick(void *ctx, bp_timer timer) {
  (void)ctx;
  (void)timer;
  example.ticks++;
}

static bp_status start(void *state, bp_error *err) {
  bp_timer timer; /* not needed again: the host ends it with the plugin */
  (void)err;
  return example.loop->timer(example.self, 1000, 1000, tick, state, &timer);
}

static const bp_param prime_params[] = {
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_INTEGER,
     .name = BP_STR("below"),
     .doc = BP_STR("where to stop"),
     .def = BP_STR("1000"),
     .minimum = 2,
     .maximum = 1000000},
};

static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .method = BP_STR("GET"),
     .path = BP_STR("/primes"),
     .operation_id = BP_STR("count_primes"),
     .summary = BP_STR("Counts primes"),
     .params = BP_ARRAY(prime_params),
     .handle = get_primes},
    {.size = sizeof(bp_route),
     .method = BP_STR("GET"),
     .path = BP_STR("/ticks"),
     .operation_id = BP_STR("count_ticks"),
     .summary = BP_STR("Seconds since the start"),
     .handle = get_ticks},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_ERROR,
     .flags = BP_FAMILY_NOT_BARE,
     .validation_status = 422,
     .name = BP_STR("primes"),
     .title = BP_STR("Example of the loop"),
     .not_found_text = BP_STR("not found"),
     .not_allowed_text = BP_STR("method not allowed")},
};

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_LOOP_1), sizeof(bp_loop_1), 0},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  example.self = self;
  example.http = host->get(self, BP_LIT(BP_HTTP_1));
  example.json = host->get(self, BP_LIT(BP_JSON_1));
  example.loop = host->get(self, BP_LIT(BP_LOOP_1));
  *ret_state = &example;
  return BP_OK;
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("org.example.primes"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Counts primes on a worker."),
    .family = BP_STR("primes"),
    .needs = BP_ARRAY(needs),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(routes),
    .create = create,
    .start = start,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
