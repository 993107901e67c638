/* What a family is inside the router: its facts, its routes, its owner. The public face is family.h. */
#ifndef HOST_ROUTER_FAMILY_OBJECT_H
#define HOST_ROUTER_FAMILY_OBJECT_H

#include "router/family.h"
#include "router/match.h"

/* Kept until family_release_all even after its owner has gone, because running requests format errors with it; the same
 * name declared again brings it back. */
struct family {
  bp_family facts; /* strings are copies */
  struct plugin *owner;
  bool is_declared;
  struct match_table routes;
  struct family *next;
};

/* The media type of its JSON answers. */
bp_str family_json_type(const struct family *family);
void family_release_all(void);

#endif
