/* Plugins' metrics: registration, updates, and the Prometheus text. */
#include "unit.h"

#include "base/buf.h"
#include "loader/metrics.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"

#include <stdio.h>
#include <string.h>

static struct plugin *plugin;
static struct buf text;

static int set_up(void **state) {
  (void)state;
  plugin = plugin_add(BP_LIT("org.my-plugin"), "/p.so");
  return loop_init() ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  plugin_revoke_all(plugin);
  plugin_registry_release();
  loop_release();
  buf_release(&text);
  return 0;
}

static bp_metric declare(uint32_t kind, const char *name, const char *label) {
  bp_metric metric = 0;
  assert_int_equal(metrics_table.declare(plugin->handle, kind, str_from(name), BP_LIT("Some \\ help\nhere."), str_from(label), &metric), BP_OK);
  return metric;
}

static bool text_has(const char *part) {
  buf_clear(&text);
  metrics_write_plugins(&text);
  buf_append_char(&text, '\0');
  return strstr(text.data, part) != NULL;
}

static void test_counter_and_gauge(void **state) {
  (void)state;
  bp_metric counter = declare(BP_METRIC_COUNTER, "runs_total", "");
  bp_metric gauge = declare(BP_METRIC_GAUGE, "size_bytes", "");
  metrics_table.add(counter, 2);
  metrics_table.add(counter, -1); /* counters only rise */
  metrics_table.set(counter, 9);
  metrics_table.set(gauge, 5);
  metrics_table.add(gauge, -1.5);
  metrics_table.observe(gauge, 100);
  assert_true(text_has("# HELP backplane_org_my_plugin_runs_total Some \\\\ help\\nhere.\n# TYPE backplane_org_my_plugin_runs_total counter\n"
                       "backplane_org_my_plugin_runs_total 2\n"));
  assert_true(text_has("\nbackplane_org_my_plugin_size_bytes 3.5\n"));
}

static void test_histogram(void **state) {
  (void)state;
  bp_metric metric = declare(BP_METRIC_HISTOGRAM, "wait_seconds", "kind=fast");
  metrics_table.observe(metric, 0.00005);
  metrics_table.observe(metric, 0.3);
  metrics_table.observe(metric, 60);
  assert_true(text_has("backplane_org_my_plugin_wait_seconds_bucket{kind=\"fast\",le=\"0.0001\"} 1\n"));
  assert_true(text_has("backplane_org_my_plugin_wait_seconds_bucket{kind=\"fast\",le=\"0.5\"} 2\n"));
  assert_true(text_has("backplane_org_my_plugin_wait_seconds_bucket{kind=\"fast\",le=\"10\"} 2\n"));
  assert_true(text_has("backplane_org_my_plugin_wait_seconds_bucket{kind=\"fast\",le=\"+Inf\"} 3\n"));
  assert_true(text_has("backplane_org_my_plugin_wait_seconds_count{kind=\"fast\"} 3\n"));
}

static void test_rows_of_one_name_stand_together(void **state) {
  (void)state;
  bp_metric first = declare(BP_METRIC_COUNTER, "runs_total", "result=ok");
  declare(BP_METRIC_COUNTER, "others_total", "");
  bp_metric second = declare(BP_METRIC_COUNTER, "runs_total", "result=a \"b\" \\");
  metrics_table.add(first, 1);
  metrics_table.add(second, 2);
  assert_true(text_has("runs_total{result=\"ok\"} 1\nbackplane_org_my_plugin_runs_total{result=\"a \\\"b\\\" \\\\\"} 2\n"));
}

static void test_same_again_is_found(void **state) {
  bp_metric other;
  (void)state;
  bp_metric metric = declare(BP_METRIC_COUNTER, "runs_total", "a=b");
  assert_true(declare(BP_METRIC_COUNTER, "runs_total", "a=b") == metric);
  assert_int_equal(metrics_table.declare(plugin->handle, BP_METRIC_GAUGE, BP_LIT("runs_total"), BP_LIT("x"), BP_LIT(""), &other), BP_E_EXISTS);
}

static void test_what_is_refused(void **state) {
  bp_metric metric;
  (void)state;
  assert_int_equal(metrics_table.declare(plugin->handle, BP_METRIC_GAUGE, BP_LIT("Bad-Name"), BP_LIT("x"), BP_LIT(""), &metric), BP_E_INVALID);
  assert_int_equal(metrics_table.declare(plugin->handle, BP_METRIC_GAUGE, BP_LIT("x"), BP_LIT("x"), BP_LIT("nolabel"), &metric), BP_E_INVALID);
  assert_int_equal(metrics_table.declare(plugin->handle, BP_METRIC_GAUGE, BP_LIT("x"), BP_LIT("x"), BP_LIT("le=1"), &metric), BP_E_INVALID);
  assert_int_equal(metrics_table.declare(plugin->handle, 9, BP_LIT("x"), BP_LIT("x"), BP_LIT(""), &metric), BP_E_UNSUPPORTED);
  assert_int_equal(metrics_table.declare(0, BP_METRIC_GAUGE, BP_LIT("x"), BP_LIT("x"), BP_LIT(""), &metric), BP_E_STALE);
}

static void test_limit_and_revocation(void **state) {
  char name[16];
  bp_metric metric = 0;
  (void)state;
  for (unsigned i = 0; i < 256; i++) {
    snprintf(name, sizeof(name), "m%u", i);
    metric = declare(BP_METRIC_GAUGE, name, "");
  }
  bp_metric over;
  assert_int_equal(metrics_table.declare(plugin->handle, BP_METRIC_GAUGE, BP_LIT("over"), BP_LIT("x"), BP_LIT(""), &over), BP_E_LIMIT);
  plugin_revoke_all(plugin);
  metrics_table.set(metric, 1); /* stale: nothing happens */
  assert_false(text_has("org_my_plugin"));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_counter_and_gauge),   CASE(test_histogram),       CASE(test_rows_of_one_name_stand_together),
      CASE(test_same_again_is_found), CASE(test_what_is_refused), CASE(test_limit_and_revocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
