/* OpenAPI 3.1 documents from route data: one for a family, one for the host's own routes. */
#ifndef HOST_ROUTER_OPENAPI_H
#define HOST_ROUTER_OPENAPI_H

#include "base/buf.h"
#include "router/family.h"

/* Appends the document of a family; family_host() gives the host's own routes. Nothing is appended without memory. */
void family_openapi(const struct family *family, struct buf *out);

#endif
