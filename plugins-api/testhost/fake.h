/* Between the files of the fake host: what is shared, and one table and one reset a file. The public header is testhost.h. */
#ifndef TESTHOST_FAKE_H
#define TESTHOST_FAKE_H

#include "base/array.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "json/json.h"
#include <backplane/testhost.h>
#include <stdbool.h>

/* The handle of the one plugin: generation 1 of slot 0. */
#define FAKE_SELF ((bp_plugin)1 << 32)

extern const bp_config_1 fake_config_table;
extern const bp_core_1 fake_core_table;
extern const bp_db_1 fake_db_table;
extern const bp_events_1 fake_events_table;
extern const bp_http_1 fake_http_table;
extern const bp_live_1 fake_live_table;
extern const bp_log_1 fake_log_table;
extern const bp_loop_1 fake_loop_table;
extern const bp_metrics_1 fake_metrics_table;

/* Each forgets what its file keeps. */
void fake_config_reset(void);
void fake_core_reset(void);
void fake_db_reset(void);
void fake_events_reset(void);
void fake_http_reset(void);
void fake_live_reset(void);
void fake_log_reset(void);
void fake_loop_reset(void);
void fake_metrics_reset(void);

/* The plugin under test. */
const bp_plugin_descriptor *fake_plugin(void);
/* The test is wrong: says so and aborts. */
_Noreturn void fake_misuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A NUL-terminated copy that lives until bp_testhost_close. */
const char *fake_keep(bp_str text);
/* The value as JSON text, kept likewise; takes the reference. */
const char *fake_keep_json(json_t *value);
/* A JSON text of the test's; misuse where it is none. */
json_t *fake_parse(const char *what, const char *text);

/* Fills in declared options and says what is missing or unknown. */
bp_status fake_config_check(bp_error *err);
/* Calls `fn` in a later tick. */
void fake_later(bp_post_fn fn, void *ctx);
/* Both clocks. */
int64_t fake_now_ns(void);
void fake_clock_move(int64_t ns);
/* Adds an event to the live log and delivers it later. */
uint64_t fake_live_add(uint32_t kind, bp_str topic, bp_str key, bp_str payload);
/* True if `name` is `pattern`, or begins as one that ends in ".*" says. */
bool fake_name_fits(bp_str pattern, bp_str name);
/* Answers the request in the place of the plugin: for calls that finish it (live.h). BP_E_STALE. */
bp_status fake_http_finish(bp_request request, uint32_t status, bp_str content_type, bp_str body);

#endif
