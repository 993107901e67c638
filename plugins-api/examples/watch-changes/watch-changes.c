/* Example: what changed in a folder (bp.watch/1).
 *
 *   GET /changes   ->   {"changes": [{"name": "a.txt", "what": "created"}], "is_complete": true}
 *
 * The option `folder` names it. The last 32 changes are kept; `is_complete` is false once events were lost. */
#include <backplane/backplane.h>

#include <string.h>

#define KEPT 32
#define NAME_BYTES 256
#define SETTLE_MS 50 /* a burst of writes to one file counts once */

static struct {
  bp_plugin self;
  const bp_config_1 *config;
  const bp_http_1 *http;
  const bp_json_1 *json;
  const bp_watch_1 *watch;
  struct {
    char name[NAME_BYTES];
    size_t len;
    uint32_t bits;
  } changes[KEPT];
  uint32_t count; /* ever */
  uint32_t has_lost;
} watcher;

static void on_change(void *ctx, bp_watch watch, uint32_t bits, bp_str name) {
  (void)ctx, (void)watch;
  uint32_t at = watcher.count++ % KEPT;
  if (bits & BP_WATCH_OVERFLOW)
    watcher.has_lost = 1; /* a real plugin reads the folder again here */
  watcher.changes[at].bits = bits;
  watcher.changes[at].len = name.len < NAME_BYTES ? name.len : NAME_BYTES;
  if (name.len)
    memcpy(watcher.changes[at].name, name.ptr, watcher.changes[at].len);
}

static bp_str word_of(uint32_t bits) {
  if (bits & BP_WATCH_REMOVED)
    return BP_LIT("removed");
  return bits & BP_WATCH_CREATED ? BP_LIT("created") : BP_LIT("changed");
}

static void get_changes(void *state, bp_request request) {
  bp_json_writer out = 0;
  (void)state;
  if (watcher.json->writer_new(watcher.self, &out) != BP_OK) {
    watcher.http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return;
  }
  watcher.json->object_begin(out);
  watcher.json->key(out, BP_LIT("changes"));
  watcher.json->array_begin(out);
  for (uint32_t i = watcher.count > KEPT ? watcher.count - KEPT : 0; i < watcher.count; i++) {
    watcher.json->object_begin(out);
    watcher.json->key(out, BP_LIT("name"));
    watcher.json->put_string(out, bp_str_make(watcher.changes[i % KEPT].name, watcher.changes[i % KEPT].len));
    watcher.json->key(out, BP_LIT("what"));
    watcher.json->put_string(out, word_of(watcher.changes[i % KEPT].bits));
    watcher.json->object_end(out);
  }
  watcher.json->array_end(out);
  watcher.json->key(out, BP_LIT("is_complete"));
  watcher.json->put_boolean(out, !watcher.has_lost);
  watcher.json->object_end(out);
  watcher.http->reply_json(request, 200, out);
  watcher.json->writer_free(out);
}

static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .method = BP_STR("GET"),
     .path = BP_STR("/changes"),
     .operation_id = BP_STR("list_changes"),
     .summary = BP_STR("The last changes in the folder"),
     .handle = get_changes},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_PROBLEM,
     .validation_status = 400,
     .name = BP_STR("watch-changes"),
     .title = BP_STR("Example of bp.watch/1"),
     .not_found_text = BP_STR("Not Found"),
     .not_allowed_text = BP_STR("Method Not Allowed")},
};

static const bp_option options[] = {
    {.size = sizeof(bp_option), .type = BP_OPTION_STRING, .name = BP_STR("folder"), .doc = BP_STR("The folder that is watched."), .maximum = 4000},
};

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_CONFIG_1), sizeof(bp_config_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_WATCH_1), sizeof(bp_watch_1), 0},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  bp_str folder = BP_STR("");
  (void)err;
  memset(&watcher, 0, sizeof(watcher));
  watcher.self = self;
  watcher.config = host->get(self, BP_LIT(BP_CONFIG_1));
  watcher.http = host->get(self, BP_LIT(BP_HTTP_1));
  watcher.json = host->get(self, BP_LIT(BP_JSON_1));
  watcher.watch = host->get(self, BP_LIT(BP_WATCH_1));
  *ret_state = &watcher;
  watcher.config->string(self, BP_LIT("folder"), &folder);
  return watcher.watch->open(self, folder, SETTLE_MS, on_change, NULL, NULL);
}

static void destroy(void *state) {
  (void)state; /* the state is static; the host has ended what was open */
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("org.example.watch-changes"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Tells what changed in a folder."),
    .family = BP_STR("watch-changes"),
    .needs = BP_ARRAY(needs),
    .options = BP_ARRAY(options),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(routes),
    .create = create,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
