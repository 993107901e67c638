/* The fake host as a whole: life of the plugin, interface tables, kept strings. What the tables do is in fake_*.c. */
#include "fake.h"
#include "loader/tables.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OFFERS_MAX 16u

static struct {
  const bp_plugin_descriptor *plugin;
  bool was_created, is_drained;
  void *state;
  struct {
    const char *name;
    const void *table;
  } offers[OFFERS_MAX];
  unsigned offer_count;
  char **kept;
  size_t kept_count;
} fake;

static const struct {
  const char *name;
  const void *table;
} own_tables[] = {
    {BP_CONFIG_1, &fake_config_table},   {BP_CORE_1, &fake_core_table}, {BP_DB_1, &fake_db_table},
    {BP_EVENTS_1, &fake_events_table},   {BP_HTTP_1, &fake_http_table}, {BP_JSON_1, &json_table},
    {BP_LIVE_1, &fake_live_table},       {BP_LOG_1, &fake_log_table},   {BP_LOOP_1, &fake_loop_table},
    {BP_METRICS_1, &fake_metrics_table},
};

static void (*const resets[])(void) = {
    fake_loop_reset, fake_config_reset, fake_core_reset, fake_db_reset,      fake_events_reset,
    fake_http_reset, fake_live_reset,   fake_log_reset,  fake_metrics_reset,
};

void fake_misuse(const char *format, ...) {
  va_list args;
  fputs("testhost: ", stderr);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  abort();
}

const bp_plugin_descriptor *fake_plugin(void) {
  if (!fake.plugin)
    fake_misuse("call bp_testhost_open first");
  return fake.plugin;
}

const char *fake_keep(bp_str text) {
  char *copy = mem_alloc(text.len + 1);
  if (text.len)
    memcpy(copy, text.ptr, text.len);
  fake.kept = mem_resize(fake.kept, (fake.kept_count + 1) * sizeof(*fake.kept));
  fake.kept[fake.kept_count++] = copy;
  return copy;
}

const char *fake_keep_json(json_t *value) {
  struct buf text = {0};
  doc_write(&text, value);
  const char *kept = fake_keep(buf_str(&text));
  buf_release(&text);
  json_decref(value);
  return kept;
}

json_t *fake_parse(const char *what, const char *text) {
  bp_error err = BP_ERROR_INIT;
  json_t *value = doc_parse(str_from(text), &doc_default_limits, &err);
  if (!value)
    fake_misuse("%s is no JSON: %s: %s", what, err.message, text);
  return value;
}

bool fake_name_fits(bp_str pattern, bp_str name) {
  if (str_ends(pattern, BP_LIT(".*")))
    return str_starts(name, bp_str_make(pattern.ptr, pattern.len - 1));
  return str_eq(pattern, name);
}

/* ---- What `create` gets ---- */

static bool find_need(bp_str interface, bp_need *ret) {
  for (uint32_t i = 0; i < fake.plugin->needs.count; i++) {
    array_item(fake.plugin->needs, i, ret);
    if (str_eq(ret->interface, interface))
      return true;
  }
  return false;
}

static const void *find_table(bp_str interface) {
  for (unsigned i = 0; i < fake.offer_count; i++)
    if (str_eq(interface, str_from(fake.offers[i].name)))
      return fake.offers[i].table;
  for (size_t i = 0; i < sizeof(own_tables) / sizeof(own_tables[0]); i++)
    if (str_eq(interface, str_from(own_tables[i].name)))
      return own_tables[i].table;
  return NULL;
}

static const void *get(bp_plugin self, bp_str interface) {
  bp_need need;
  (void)self;
  if (!find_need(interface, &need))
    fake_misuse("the plugin asks for \"%s\", which is not among its needs", fake_keep(interface));
  const void *table = find_table(interface);
  if (!table && !(need.flags & BP_NEED_OPTIONAL))
    fake_misuse("the fake host has no \"%s\": bring one with bp_testhost_offer", fake_keep(interface));
  return table;
}

static void drained(bp_plugin self) {
  (void)self;
  fake.is_drained = true;
}

static const bp_host host_of_plugin = {.size = sizeof(bp_host), .get = get, .drained = drained};

/* ---- Life ---- */

void bp_testhost_open(const bp_plugin_descriptor *plugin) {
  if (fake.plugin)
    fake_misuse("bp_testhost_open again without bp_testhost_close");
  fake.plugin = plugin;
}

void bp_testhost_offer(const char *interface, const void *table) {
  if (fake.offer_count == OFFERS_MAX)
    fake_misuse("more than %u tables offered", OFFERS_MAX);
  fake.offers[fake.offer_count].name = fake_keep(str_from(interface));
  fake.offers[fake.offer_count++].table = table;
}

bp_status bp_testhost_start(bp_error *err) {
  bp_error own = BP_ERROR_INIT;
  const bp_plugin_descriptor *plugin = fake_plugin();
  if (fake.was_created)
    fake_misuse("the plugin runs already");
  if (!err)
    err = &own;
  bp_status status = fake_config_check(err);
  if (status == BP_OK)
    status = plugin->create(FAKE_SELF, &host_of_plugin, &fake.state, err);
  if (status != BP_OK)
    return status;
  fake.was_created = true;
  return plugin->start ? plugin->start(fake.state, err) : BP_OK;
}

void *bp_testhost_state(void) {
  return fake.state;
}

static void end_plugin(void) {
  const bp_plugin_descriptor *plugin = fake.plugin;
  bp_status status = plugin->drain ? plugin->drain(fake.state) : BP_OK;
  bp_testhost_run();
  if (status == BP_E_BUSY && !fake.is_drained)
    fake_misuse("the plugin's drain never ended: it has to call drained(self)");
  if (plugin->destroy)
    plugin->destroy(fake.state);
}

void bp_testhost_close(void) {
  if (fake.was_created)
    end_plugin();
  for (size_t i = 0; i < sizeof(resets) / sizeof(resets[0]); i++)
    resets[i]();
  doc_forget(FAKE_SELF);
  for (size_t i = 0; i < fake.kept_count; i++)
    free(fake.kept[i]);
  free(fake.kept);
  memset(&fake, 0, sizeof(fake));
}
