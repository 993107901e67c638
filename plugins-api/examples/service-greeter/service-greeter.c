/* Example: a service for other plugins (bp.service/1). service-caller is its other half.
 *
 *   method "greet", {"name": "Ada"}   ->   {"greeting": "hello Ada"}
 *
 * The name of the service stands in `provides`; a plugin that cannot do without it names it among its needs. */
#include <backplane/backplane.h>

#include <string.h>

#define SERVICE "org.example.greeter/1"

static struct {
  bp_plugin self;
  const bp_json_1 *json;
  const bp_service_1 *service;
} greeter;

static void answer_greeting(bp_service_call call, bp_str name) {
  bp_json_writer out = 0;
  bp_str text = {NULL, 0};
  char greeting[200] = "hello ";
  size_t room = sizeof(greeting) - 6, len = name.len < room ? name.len : room;
  memcpy(greeting + 6, name.ptr, len);
  if (greeter.json->writer_new(greeter.self, &out) != BP_OK) {
    greeter.service->answer(call, BP_E_NO_MEMORY, BP_LIT("out of memory"));
    return;
  }
  greeter.json->object_begin(out);
  greeter.json->key(out, BP_LIT("greeting"));
  greeter.json->put_string(out, bp_str_make(greeting, 6 + len));
  greeter.json->object_end(out);
  if (greeter.json->writer_text(out, &text, NULL) == BP_OK)
    greeter.service->answer(call, BP_OK, text);
  else
    greeter.service->answer(call, BP_E_INVALID, BP_LIT("the name was cut inside a character"));
  greeter.json->writer_free(out);
}

/* Every call is answered exactly once: here at once, it could be later and from any thread. */
static void on_call(void *ctx, bp_service_call call, bp_str method, bp_str payload) {
  bp_json root = 0, value = 0;
  bp_str name = {NULL, 0};
  (void)ctx;
  if (method.len != 5 || memcmp(method.ptr, "greet", 5) != 0) {
    greeter.service->answer(call, BP_E_UNSUPPORTED, BP_LIT("the one method is greet"));
    return;
  }
  if (greeter.json->parse(greeter.self, payload, &root, NULL) != BP_OK) {
    greeter.service->answer(call, BP_E_PARSE, BP_LIT("the payload is no JSON"));
    return;
  }
  if (greeter.json->get(root, BP_LIT("name"), &value) == BP_OK && greeter.json->string(value, &name) == BP_OK && name.len > 0)
    answer_greeting(call, name);
  else
    greeter.service->answer(call, BP_E_INVALID, BP_LIT("\"name\" is missing or no text"));
  greeter.json->release(greeter.self, root);
}

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_SERVICE_1), sizeof(bp_service_1), 0},
};

static const bp_provide provides[] = {{sizeof(bp_provide), 0, BP_STR(SERVICE)}};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  greeter.self = self;
  greeter.json = host->get(self, BP_LIT(BP_JSON_1));
  greeter.service = host->get(self, BP_LIT(BP_SERVICE_1));
  *ret_state = &greeter;
  return BP_OK;
}

static bp_status start(void *state, bp_error *err) {
  (void)state;
  (void)err;
  return greeter.service->serve(greeter.self, BP_LIT(SERVICE), on_call, NULL);
}

static void destroy(void *state) {
  (void)state; /* the state is static */
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("org.example.service-greeter"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Greets on behalf of other plugins."),
    .needs = BP_ARRAY(needs),
    .provides = BP_ARRAY(provides),
    .create = create,
    .start = start,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
