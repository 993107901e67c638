/* Checking answers in debug builds; see response_check.h. */
#include "router/response_check.h"

#ifndef NDEBUG
#include "base/log.h"
#include "base/str.h"
#include "loader/plugin.h"
#include "router/family_object.h"
#include "json/schema.h"

static const struct doc_limits answer_limits = {.depth = 64, .keys = 1u << 20};

static void report(void *ctx, const struct schema_violation *violation) {
  const struct request *r = ctx;
  bp_str id = r->route->facts.operation_id;
  log_error(r->route->owner->id, "the answer of route \"%.*s\" does not fit its response_schema at \"%.*s\": %.*s", (int)id.len, id.ptr,
            (int)violation->pointer.len, violation->pointer.ptr, (int)violation->message.len, violation->message.ptr);
}

void response_check(const struct request *r, uint32_t status, bp_str content_type, bp_str body) {
  bp_error err = BP_ERROR_INIT;
  if (!r->route->response_schema || status > 299 || body.len == 0 || !str_eq(content_type, family_json_type(r->family)))
    return;
  json_t *root = doc_parse(body, &answer_limits, &err);
  if (root)
    schema_validate(r->route->response_schema, root, report, (void *)(uintptr_t)r);
  else
    log_error(r->route->owner->id, "the answer of route \"%.*s\" is not JSON: %s at byte %s", (int)r->route->facts.operation_id.len,
              r->route->facts.operation_id.ptr, err.message, err.pointer);
  json_decref(root);
}
#endif
