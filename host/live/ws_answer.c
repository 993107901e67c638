/* Refusing bad handshakes; see ws_answer.h. */
#include "live/ws_answer.h"

#include "live/ws_handshake.h"
#include "loader/tables.h"

bp_status ws_answer_check(bp_request request, struct http_exchange *x, bp_str wanted, bp_str *ret_protocol) {
  bp_problem problem = {.size = sizeof(problem)};
  problem.status = ws_handshake_check(x, &problem.message);
  if (problem.status == 0)
    return ws_handshake_protocol(x, wanted, ret_protocol) ? BP_OK : BP_E_INVALID;
  if (problem.status == 426)
    ws_handshake_refusal_headers(x);
  http_table.reply_problem(request, &problem);
  return BP_E_INVALID;
}
