/* host/store/part: tables of the host's own, their topics, and that no plugin reaches them. */
#include "store_fixture.h"

#include "store/part.h"

static const bp_migration migrations[] = {
    {sizeof(bp_migration), 1, BP_STR("CREATE TABLE bp_note_items (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, body BLOB)")},
};
enum { INSERT, LIST };
static const bp_statement statements[] = {
    [INSERT] = SQL("insert", "INSERT INTO bp_note_items (text, body) VALUES (?1, ?2)"),
    [LIST] = SQL("list", "SELECT id, text, body FROM bp_note_items ORDER BY id LIMIT ?1"),
};
static const bp_topic topics[] = {
    {sizeof(bp_topic), BP_TOPIC_DURABLE, BP_STR("bp.note"), BP_STR("a note")},
    {sizeof(bp_topic), BP_TOPIC_EPHEMERAL, BP_STR("bp.note.draft"), BP_STR("a draft")},
};
static const struct store_part_plan plan = {
    .id = "bp.note", .migrations = BP_ARRAY(migrations), .statements = BP_ARRAY(statements), .topics = BP_ARRAY(topics)};

static struct store_part *part;

static bp_status open_part(bp_error *err) {
  return store_part_add(&plan, &part, err);
}

static int add_part(void **state) {
  return fixture_setup_with(state, open_part);
}

static int remove_part(void **state) {
  fixture_remove_box();
  store_close();
  store_part_remove(part);
  return fixture_folder_remove(state);
}

static struct seen insert(bp_str text, bp_str body) {
  struct seen s = {0};
  bp_db_value values[] = {part_text(text), part_blob(body)};
  const bp_db_step steps[] = {{PART_EXEC(INSERT, values)}, PUBLISH("bp.note", .payload = BP_STR("{}"))};
  assert_int_equal(store_part_write(part, steps, 2, fixture_done, &s, NULL), BP_OK);
  fixture_wait(&s.calls, 1);
  return s;
}

struct listed {
  uint32_t calls, rows;
  char first[32];
  int64_t id, nothing;
};

static void note_list(void *ctx, const bp_db_outcome *outcome) {
  struct listed *l = ctx;
  bp_str text = part_text_at(outcome, 0, 0, 1);
  l->calls++;
  l->rows = db_table.rows(outcome->result, 0);
  l->id = part_integer_at(outcome, 0, 0, 0);
  l->nothing = part_integer_at(outcome, 0, 99, 0);
  snprintf(l->first, sizeof(l->first), "%.*s", (int)text.len, text.ptr ? text.ptr : "");
}

static struct listed list(void) {
  struct listed l = {0};
  bp_db_value values[] = {part_integer(10)};
  const bp_db_query query = {PART_QUERY(LIST, values)};
  assert_int_equal(store_part_read(part, &query, 1, note_list, &l, NULL), BP_OK);
  fixture_wait(&l.calls, 1);
  return l;
}

static void test_rows_and_events_of_a_part(void **state) {
  (void)state;
  struct seen s = insert(BP_LIT("one"), BP_LIT("\xff\x00"));
  assert_int_equal(s.status, BP_OK);
  assert_true(s.sequence > 0);
  assert_int_equal(insert(BP_LIT("one"), BP_LIT("")).status, BP_E_EXISTS);
  struct listed l = list();
  assert_int_equal(l.rows, 1);
  assert_int_equal(l.id, 1);
  assert_int_equal(l.nothing, 0);
  assert_string_equal(l.first, "one");
}

static void test_kept_over_a_restart(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  insert(BP_LIT("kept"), BP_LIT(""));
  fixture_remove_box();
  store_close();
  store_part_remove(part);
  assert_int_equal(fixture_open(&err), BP_OK);
  assert_int_equal(store_part_add(&plan, &part, &err), BP_OK);
  fixture_add_box();
  store_ready();
  assert_string_equal(list().first, "kept");
}

static void test_only_the_part_publishes_on_its_topics(void **state) {
  (void)state;
  bp_str draft = BP_LIT("bp.note.draft"), none = BP_LIT(""), payload = BP_LIT("{}");
  assert_int_equal(live_table.publish(store_part_handle(part), draft, none, payload), BP_OK);
  assert_int_equal(live_table.publish(box->handle, draft, none, payload), BP_E_DENIED);
  assert_int_equal(live_table.publish(0, draft, none, payload), BP_E_DENIED);
}

static void test_a_plugin_does_not_reach_the_tables(void **state) {
  (void)state;
  static const bp_statement spy[] = {SQL("spy", "SELECT text FROM bp_note_items")};
  const bp_array none = {0}, array = BP_ARRAY(spy);
  bp_error err = BP_ERROR_INIT;
  struct plugin *other = plugin_add(BP_LIT("other"), "/other.so");
  assert_int_equal(fixture_add(other, &none, &array, &none, &err), BP_E_DENIED);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, add_part, remove_part)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_rows_and_events_of_a_part),
      CASE(test_kept_over_a_restart),
      CASE(test_only_the_part_publishes_on_its_topics),
      CASE(test_a_plugin_does_not_reach_the_tables),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
