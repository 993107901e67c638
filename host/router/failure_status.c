/* A table; see failure_status.h. */
#include "router/failure_status.h"

uint32_t status_of_failure(bp_status status) {
  static const struct {
    bp_status failure;
    uint32_t status;
  } map[] = {
      {BP_E_NOT_FOUND, 404}, {BP_E_EXISTS, 409}, {BP_E_CONFLICT, 409}, {BP_E_INVALID, 400}, {BP_E_PARSE, 400}, {BP_E_TYPE, 400},
      {BP_E_DENIED, 403},    {BP_E_LIMIT, 413},  {BP_E_BUSY, 503},     {BP_E_TIMEOUT, 504}, {BP_E_FULL, 507},  {BP_E_CANCELLED, 503},
  };
  for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
    if (map[i].failure == status)
      return map[i].status;
  return 500;
}
