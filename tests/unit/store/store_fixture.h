/* A store in a fresh folder with one plugin, and calls of bp.db/1 that wait for their outcome. For tests of host/store only. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include "unit.h"

#include "base/buf.h"
#include "base/log.h"
#include "live/live.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "store/store.h"

#include <dirent.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DB (&db_table)
#define INT(value)                                                                                                                                   \
  { .size = sizeof(bp_db_value), .type = BP_DB_INTEGER, .integer = (value) }
#define TEXT(literal)                                                                                                                                \
  { .size = sizeof(bp_db_value), .type = BP_DB_TEXT, .text = BP_STR(literal) }
#define EXEC(number, ...)                                                                                                                            \
  { .size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = (number), __VA_ARGS__ }
#define PUBLISH(literal, ...)                                                                                                                        \
  { .size = sizeof(bp_db_step), .kind = BP_DB_PUBLISH, .topic = BP_STR(literal), __VA_ARGS__ }

static const bp_migration fixture_migrations[] = {
    {sizeof(bp_migration), 1,
     BP_STR("CREATE TABLE box_items (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, body TEXT, size INTEGER CHECK (size >= 0));"
            "CREATE TABLE box_parts (id INTEGER PRIMARY KEY AUTOINCREMENT, item INTEGER NOT NULL REFERENCES box_items (id), label TEXT);")},
};

enum { ADD, ADD_RETURNING, RENAME, GET, ALL, DROP, PART, COUNT_FOREVER, ADD_OR_ROLLBACK, PARTS, SET_BODY, ADD_OR_REPLACE, COUNT };
#define SQL(name, text)                                                                                                                              \
  { sizeof(bp_statement), 0, BP_STR(name), BP_STR(text) }
static const bp_statement fixture_statements[] = {
    [ADD] = SQL("add", "INSERT INTO box_items (name, body, size) VALUES (?1, ?2, ?3)"),
    [ADD_RETURNING] =
        SQL("add_returning", "INSERT INTO box_items (name, body, size) VALUES (?1, ?2, ?3) RETURNING id, '{\"name\":\"' || name || '\"}'"),
    [RENAME] = SQL("rename", "UPDATE box_items SET name = ?2 WHERE name = ?1"),
    [GET] = SQL("get", "SELECT id, name, body, size FROM box_items WHERE name = ?1"),
    [ALL] = SQL("all", "SELECT id, name FROM box_items WHERE id > ?1 ORDER BY id"),
    [DROP] = SQL("drop", "DELETE FROM box_items WHERE name = ?1"),
    [PART] = SQL("part", "INSERT INTO box_parts (item, label) VALUES (?1, ?2)"),
    [COUNT_FOREVER] = SQL("count_forever", "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < 0"),
    [ADD_OR_ROLLBACK] = SQL("add_or_rollback", "INSERT OR ROLLBACK INTO box_items (name, body, size) VALUES (?1, ?2, ?3)"),
    [PARTS] = SQL("parts", "SELECT item, label FROM box_parts ORDER BY id"),
    [SET_BODY] = SQL("set_body", "UPDATE box_items SET body = ?2 WHERE name = ?1"),
    [ADD_OR_REPLACE] = SQL("add_or_replace", "INSERT OR REPLACE INTO box_items (name, body, size) VALUES (?1, ?2, ?3)"),
    [COUNT] = SQL("count", "SELECT count(*) FROM box_items"),
};
static const bp_str fixture_columns[] = {BP_STR("name"), BP_STR("body")};
static const bp_search_index fixture_searches[] = {
    {sizeof(bp_search_index), 0, BP_STR("items"), BP_STR("box_items"), BP_ARRAY(fixture_columns)},
};
static const bp_topic fixture_topics[] = {
    {sizeof(bp_topic), BP_TOPIC_DURABLE, BP_STR("box.item"), BP_STR("an item")},
};

static char fixture_folder[64];
static char fixture_path[96];
static struct plugin *box;

/* The last outcome, copied, and the rows of its first step as text "a|b;c|d". */
struct seen {
  uint32_t calls;
  bp_status status;
  uint32_t failed_step;
  uint64_t sequence;
  char message[256], pointer[128];
  char rows[4096];
  uint32_t row_count, columns, more;
  int64_t changes, rowid;
};

static inline void fixture_text(struct buf *out, bp_db_result result, uint32_t row, uint32_t column) {
  bp_db_value v = {.size = sizeof(v)};
  assert_int_equal(DB->value(result, 0, row, column, &v), BP_OK);
  if (v.type == BP_DB_INTEGER)
    buf_printf(out, "%lld", (long long)v.integer);
  else if (v.type == BP_DB_REAL)
    buf_printf(out, "%g", v.real);
  else if (v.type == BP_DB_NULL)
    buf_append_z(out, "null");
  else
    buf_append_str(out, v.text);
}

static inline void fixture_rows(struct seen *s, bp_db_result result) {
  struct buf out = {0};
  for (uint32_t row = 0; row < s->row_count; row++) {
    for (uint32_t column = 0; column < s->columns; column++) {
      fixture_text(&out, result, row, column);
      buf_append_char(&out, column + 1 < s->columns ? '|' : ';');
    }
  }
  snprintf(s->rows, sizeof(s->rows), "%.*s", (int)out.len, out.data ? out.data : "");
  buf_release(&out);
}

static inline void fixture_done(void *ctx, const bp_db_outcome *o) {
  struct seen *s = ctx;
  s->calls++;
  s->status = o->status;
  s->failed_step = o->failed_step;
  s->sequence = o->sequence;
  snprintf(s->message, sizeof(s->message), "%s", o->error->message);
  snprintf(s->pointer, sizeof(s->pointer), "%s", o->error->pointer);
  if (o->status != BP_OK)
    return;
  s->row_count = DB->rows(o->result, 0);
  s->columns = DB->columns(o->result, 0);
  s->more = DB->more(o->result, 0);
  s->changes = DB->changes(o->result, 0);
  s->rowid = DB->rowid(o->result, 0);
  fixture_rows(s, o->result);
}

static inline void fixture_stop(void *arg) {
  (void)arg;
  loop_stop();
}

/* Runs the loop until *calls reaches `target`. */
static inline void fixture_wait(const uint32_t *calls, uint32_t target) {
  while (*calls < target) {
    loop_post(fixture_stop, NULL);
    loop_run();
    if (*calls < target)
      usleep(200);
  }
}

static inline struct seen fixture_write(const bp_db_step *steps, uint32_t count) {
  struct seen s = {0};
  bp_array array = {steps, count, sizeof(*steps)};
  bp_status status = DB->write(box->handle, array, fixture_done, &s);
  if (status != BP_OK) {
    s.status = status;
    return s;
  }
  fixture_wait(&s.calls, 1);
  return s;
}
#define WRITE(...) fixture_write((const bp_db_step[]){__VA_ARGS__}, sizeof((const bp_db_step[]){__VA_ARGS__}) / sizeof(bp_db_step))
#define PARAMS(...)                                                                                                                                  \
  .params = {(const bp_db_value[]){__VA_ARGS__}, sizeof((const bp_db_value[]){__VA_ARGS__}) / sizeof(bp_db_value), sizeof(bp_db_value)}

static inline struct seen fixture_read(bp_db_query query, uint32_t deadline_ms) {
  struct seen s = {0};
  query.size = sizeof(query);
  bp_array array = {&query, 1, sizeof(query)};
  bp_status status = DB->read(box->handle, array, deadline_ms, fixture_done, &s);
  if (status != BP_OK) {
    s.status = status;
    return s;
  }
  fixture_wait(&s.calls, 1);
  return s;
}
#define READ(number, ...) fixture_read((bp_db_query){.statement = (number), __VA_ARGS__}, 0)
#define READ_ALL(number) READ(number, .max_rows = 0)

static inline struct seen fixture_search(const char *text, uint32_t limit, uint32_t offset) {
  struct seen s = {0};
  bp_status status = DB->search(box->handle, BP_LIT("items"), str_from(text), limit, offset, fixture_done, &s);
  if (status != BP_OK) {
    s.status = status;
    return s;
  }
  fixture_wait(&s.calls, 1);
  return s;
}

static inline bp_status fixture_open(bp_error *err) {
  struct store_options options = {.path = fixture_path, .live_retention_days = 30, .live_retention_bytes = INT64_C(2) << 30, .create = true};
  return store_open(&options, err);
}

struct fixture_added {
  uint32_t calls;
  bp_status status;
  bp_error *err;
};

static inline void fixture_note_added(void *ctx, bp_status status, const bp_error *err) {
  struct fixture_added *added = ctx;
  added->calls++;
  added->status = status;
  *added->err = *err;
}

/* store_add, and what becomes of it. */
static inline bp_status fixture_add(struct plugin *plugin, const bp_array *migrations, const bp_array *statements, const bp_array *searches,
                                    bp_error *err) {
  struct fixture_added added = {.err = err};
  store_add(plugin, migrations, statements, searches, fixture_note_added, &added);
  fixture_wait(&added.calls, 1);
  return added.status;
}

static inline void fixture_add_box(void) {
  static const bp_array migrations = BP_ARRAY(fixture_migrations), statements = BP_ARRAY(fixture_statements);
  static const bp_array searches = BP_ARRAY(fixture_searches), topics = BP_ARRAY(fixture_topics);
  bp_error err = BP_ERROR_INIT;
  box = plugin_add(BP_LIT("box"), "/box.so");
  if (fixture_add(box, &migrations, &statements, &searches, &err) != BP_OK)
    fail_msg("%s (%s)", err.message, err.hint);
  if (live_add(box, &topics, &err) != BP_OK)
    fail_msg("%s", err.message);
}

static inline void fixture_remove_box(void) {
  live_remove(box);
  store_remove(box);
  plugin_retire(box);
}

/* Stops the host and starts it again on the same folder. */
static inline void fixture_reopen(void) {
  bp_error err = BP_ERROR_INIT;
  fixture_remove_box();
  store_close();
  if (fixture_open(&err) != BP_OK)
    fail_msg("%s", err.message);
  fixture_add_box();
  store_ready();
}

static inline int fixture_folder_make(void **state) {
  (void)state;
  log_configure(LOG_HUMAN, BP_LOG_ERROR, 2);
  snprintf(fixture_folder, sizeof(fixture_folder), "/tmp/bp-store-XXXXXX");
  if (!mkdtemp(fixture_folder))
    return -1;
  snprintf(fixture_path, sizeof(fixture_path), "%s/state.db", fixture_folder);
  return loop_init() && live_init() ? 0 : -1;
}

static inline int fixture_remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at) {
  (void)st;
  (void)kind;
  (void)at;
  return remove(path);
}

static inline void fixture_empty(const char *folder) {
  nftw(folder, fixture_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static inline int fixture_folder_remove(void **state) {
  (void)state;
  live_release();
  plugin_registry_release();
  loop_release();
  fixture_empty(fixture_folder);
  return 0;
}

/* `open_part`, if any, opens what keeps tables of its own, which comes before the plugins. */
static inline int fixture_setup_with(void **state, bp_status (*open_part)(bp_error *err)) {
  bp_error err = BP_ERROR_INIT;
  if (fixture_folder_make(state) != 0 || fixture_open(&err) != BP_OK || (open_part && open_part(&err) != BP_OK))
    return -1;
  fixture_add_box();
  store_ready();
  return 0;
}

static inline int fixture_setup(void **state) {
  return fixture_setup_with(state, NULL);
}

static inline int fixture_teardown(void **state) {
  fixture_remove_box();
  store_close();
  return fixture_folder_remove(state);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#endif
