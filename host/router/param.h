/* Declared parameters of a route: found in path, query, header or form, decoded, and checked against their type. */
#ifndef HOST_ROUTER_PARAM_H
#define HOST_ROUTER_PARAM_H

#include "router/errors.h"
#include "router/request.h"
#include "router/value_text.h"

struct param {
  bp_param facts;
  struct schema *pattern; /* of a STRING with a pattern */
};

/* Checks and compiles one declaration, widened by array_item. */
bp_status param_compile(struct param *param, const bp_param *declared, bp_error *err);
void param_release(struct param *param);

/* Fills r->values for all parameters of the route and adds what is wrong to `errors`. Form fields and files are looked up in
 * r->upload. False without memory. */
bool params_read(struct request *r, struct error_list *errors);

#endif
