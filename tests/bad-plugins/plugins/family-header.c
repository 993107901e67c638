/* A family that would put a header of its own into every answer. */
#include "bad.h"

static const bp_family families[] = {{
    .size = sizeof(bp_family),
    .error_shape = BP_ERRORS_ERROR,
    .validation_status = 400,
    .name = BP_STR("family-header"),
    .title = BP_STR("A family"),
    .not_found_text = BP_STR("not found"),
    .not_allowed_text = BP_STR("not allowed"),
    .json_content_type = BP_STR("application/json\r\nX-Mine: 1"),
}};
DESCRIPTOR("family-header", .families = BP_ARRAY(families))
