/* Written against the first half of a table: the other way round from need-too-large, and fine. */
#include "bad.h"

static const bp_need needs[] = {{sizeof(bp_need), 0, BP_STR(BP_LOG_1), offsetof(bp_log_1, enabled), 0}};
static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  const bp_log_1 *log = host->get(self, BP_LIT(BP_LOG_1));
  bp_array none = {0};
  (void)err;
  (void)ret_state;
  log->write(self, BP_LOG_INFO, BP_LIT("the older author was heard"), none);
  return BP_OK;
}
DESCRIPTOR("older-author", .needs = BP_ARRAY(needs), .create = create)
