/* The flow builder's settings: model, maxTokens, temperature. They are kept; members that are not sent stay as they are. */
#include "flow.h"
#include "statements.h"

void settings_get(void *state, bp_request request) {
  struct flow *f = state;
  const bp_db_query query = {.size = sizeof(query), .statement = GET_SETTINGS, .max_rows = 1};
  struct call *call = call_new(f, request, "settings", "Settings not found");
  if (call)
    kit_call_read(call, &query, 1, call_answer_row);
}

/* NULL, or the sentence that says what is wrong. */
static const char *check(const struct flow *f, bp_json facts, bp_db_value values[3]) {
  bp_json value = 0;
  int64_t tokens = 0;
  double temperature = 0;
  for (int i = 0; i < 3; i++)
    values[i] = db_null();
  if (field_is_given(f, facts, "model")) {
    values[0] = db_text(field_text(f, facts, "model"));
    if (!values[0].text.ptr || values[0].text.len > 200)
      return "model must be a string of 1 to 200 bytes";
  }
  if (field_is_given(f, facts, "maxTokens")) {
    f->json->get(facts, BP_LIT("maxTokens"), &value);
    if (f->json->integer(value, &tokens) != BP_OK || tokens < 1 || tokens > 10000000)
      return "maxTokens must be a whole number from 1 to 10000000";
    values[1] = db_integer(tokens);
  }
  if (field_is_given(f, facts, "temperature")) {
    f->json->get(facts, BP_LIT("temperature"), &value);
    if (f->json->real(value, &temperature) != BP_OK || temperature < 0 || temperature > 2)
      return "temperature must be a number from 0 to 2";
    values[2] = (bp_db_value){.size = sizeof(bp_db_value), .type = BP_DB_REAL, .real = temperature};
  }
  return NULL;
}

void settings_change(void *state, bp_request request) {
  struct flow *f = state;
  bp_json facts = 0;
  bp_db_value values[3];
  f->http->facts(request, &facts);
  const char *fault = check(f, facts, values);
  if (fault) {
    kit_problem(f->http, request, 400, str_z(fault));
    return;
  }
  struct call *call = call_new(f, request, "settings", "Settings not found");
  if (!call)
    return;
  const bp_db_step step = db_exec(SAVE_SETTINGS, values, 3);
  kit_call_write(call, &step, 1, call_answer_row);
}
