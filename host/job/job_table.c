/* bp.job/1; see backplane/job.h. */
#include "base/str.h"
#include "job/job.h"
#include "loader/plugin.h"
#include "loader/syntax.h"
#include "loader/tables.h"
#include "json/json.h"

static bp_status open_job(bp_plugin self, bp_str kind, bp_str title, bp_str principal, bp_job_cancel_fn cancel, void *ctx, bp_job *ret) {
  if (!plugin_on_main(self, "job open"))
    return BP_E_THREAD;
  struct plugin *plugin = plugin_get(self);
  if (!plugin)
    return BP_E_STALE;
  if (!ret || !syntax_is_topic(kind) || !str_is_utf8(title) || !str_is_utf8(principal))
    return BP_E_INVALID;
  return job_open(plugin, kind, title, principal, cancel, ctx, ret);
}

static bp_status progress(bp_job job, uint64_t done_units, uint64_t total_units, bp_str text) {
  return str_is_utf8(text) ? job_progress(job, done_units, total_units, text) : BP_E_INVALID;
}

static bp_status finish(bp_job job, bp_status status, bp_str result) {
  bp_error err = BP_ERROR_INIT;
  if (result.len > JOB_LIMIT_RESULT_BYTES)
    return BP_E_LIMIT;
  json_t *value = result.len ? doc_parse(result, &doc_default_limits, &err) : NULL;
  bool is_json = value || !result.len;
  json_decref(value);
  return is_json ? job_finish(job, status, result) : BP_E_INVALID;
}

const bp_job_1 job_table = {.size = sizeof(bp_job_1), .open = open_job, .id = job_id, .progress = progress, .finish = finish};
