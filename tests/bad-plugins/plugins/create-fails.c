/* Cannot be made, and provides what needs-failed wants. */
#include "bad.h"

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  static const char reason[] = "the moon is not full";
  (void)self;
  (void)host;
  (void)ret_state;
  for (size_t i = 0; i < sizeof(reason); i++)
    err->message[i] = reason[i];
  return BP_E_STATE;
}
static const bp_provide provides[] = {{sizeof(bp_provide), 0, BP_STR("zoo.moon/1")}};
DESCRIPTOR("create-fails", .provides = BP_ARRAY(provides), .create = create)
