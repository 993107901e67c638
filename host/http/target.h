/* Request targets (RFC 9112 section 3.2): their forms, their parts, and percent-decoding of the path. Pure. */
#ifndef HOST_HTTP_TARGET_H
#define HOST_HTTP_TARGET_H

#include <backplane/base.h>
#include <stdbool.h>

struct target {
  bp_str authority; /* of an absolute target, else empty */
  bp_str path;      /* as sent; "/" where an absolute target has none, "*" for the asterisk form */
  bp_str query;     /* after '?', as sent */
};

/* Splits a target of CHAR_TARGET bytes. False if it is in none of the forms origin, absolute (http), asterisk (OPTIONS). */
bool target_split(bp_str method, bp_str text, struct target *ret);
/* True for host [":" port]: a name, an IPv4 address or a bracketed IPv6 address. */
bool target_is_authority(bp_str text);
/* What an escaped slash is decoded to: no path holds it otherwise, and it parts no segments. */
#define TARGET_SLASH '\x01'

/* Decodes %XX once into `room` (at least path.len bytes). False for a bad escape, a control character or bad UTF-8. */
bool target_decode(bp_str path, char *room, bp_str *ret);

#endif
