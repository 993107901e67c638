/* OAuth 2.1 for agents: the authorization code and the device code in one flow. The flows are in oauth_code.c and oauth_device.c, refreshing
 * in oauth_refresh.c. */
#include "oauth.h"

void oauth_start(struct call *call) {
  struct acp *m = call->m;
  struct provider p = {0};
  bp_str flow = {NULL, 0};
  if (!provider_find(m, str_z(call->agent), &p)) {
    call_problem(call, 500, "", "the provider is not configured any more");
    return;
  }
  get_text(m, call->body, "flow", &flow);
  if (p.authorize.len && !(kit_same(flow, "device") && p.device.len))
    oauth_start_code(call, &p);
  else
    oauth_start_device(call, &p);
  provider_free(&p);
}
