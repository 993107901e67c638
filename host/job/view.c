/* Jobs as JSON; see view.h. */
#include "job/view.h"
#include "base/iso_time.h"
#include "base/str.h"
#include "json/json.h"

static json_t *time_json(int64_t ms) {
  char text[ISO_TIME_BYTES];
  bp_str time = ms ? iso_time(ms, text) : BP_LIT("");
  return time.len ? json_stringn(time.ptr, time.len) : json_null();
}

static json_t *value_json(bp_str text) {
  bp_error err = BP_ERROR_INIT;
  json_t *value = text.len ? doc_parse(text, &doc_default_limits, &err) : NULL;
  return value ? value : json_null();
}

static json_t *progress_json(const struct job_view *view) {
  return json_pack("{s:I, s:o, s:s%}", "done", (json_int_t)view->done_units, "total",
                   view->total_units ? json_integer(view->total_units) : json_null(), "text", view->text.ptr ? view->text.ptr : "", view->text.len);
}

json_t *job_view_json(const struct job_view *view) {
  bool is_done = str_eq(view->status, BP_LIT("done"));
  return json_pack("{s:s%, s:s%, s:s%, s:s%, s:s%, s:s%, s:b, s:o, s:o, s:o, s:o, s:o}", "id", view->id.ptr, view->id.len, "module", view->module.ptr,
                   view->module.len, "kind", view->kind.ptr, view->kind.len, "title", view->title.ptr ? view->title.ptr : "", view->title.len,
                   "principal", view->principal.ptr ? view->principal.ptr : "", view->principal.len, "status", view->status.ptr, view->status.len,
                   "can_cancel", view->can_cancel && !view->finished_ms, "progress", progress_json(view), "result",
                   is_done ? value_json(view->result) : json_null(), "error", is_done ? json_null() : value_json(view->result), "opened_at",
                   time_json(view->opened_ms), "finished_at", time_json(view->finished_ms));
}

json_t *job_view_progress_json(const struct job_view *view) {
  return json_pack("{s:s%, s:o}", "id", view->id.ptr, view->id.len, "progress", progress_json(view));
}
