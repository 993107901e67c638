/* bp.metrics/1; see backplane/metrics.h. */
#include "base/str.h"
#include "loader/metrics.h"
#include "loader/plugin.h"
#include "loader/syntax.h"
#include "loader/tables.h"

/* Empty, or one "key=value" whose key is a word other than the histogram's own "le". */
static bool is_label(bp_str label) {
  if (label.len == 0)
    return true;
  ptrdiff_t equals = str_find(label, '=');
  if (equals <= 0 || label.len > 128 || !str_is_utf8(label))
    return false;
  bp_str key = bp_str_make(label.ptr, (size_t)equals);
  return syntax_is_word(key) && !str_eq(key, BP_LIT("le"));
}

static bp_status declare(bp_plugin self, uint32_t kind, bp_str name, bp_str help, bp_str label, bp_metric *ret) {
  if (!plugin_on_main(self, "metrics declare"))
    return BP_E_THREAD;
  struct plugin *plugin = plugin_get(self);
  if (!plugin)
    return BP_E_STALE;
  if (kind < BP_METRIC_COUNTER || kind > BP_METRIC_HISTOGRAM)
    return BP_E_UNSUPPORTED;
  if (!ret || !syntax_is_word(name) || !str_is_utf8(help) || help.len > 512 || !is_label(label))
    return BP_E_INVALID;
  return metrics_declare(plugin, kind, name, help, label, ret);
}

const bp_metrics_1 metrics_table = {
    .size = sizeof(bp_metrics_1),
    .declare = declare,
    .add = metrics_add,
    .set = metrics_set,
    .observe = metrics_observe,
};
