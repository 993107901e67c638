/* The spelling of names in descriptors: ids, versions, interface names, words. */
#ifndef HOST_LOADER_SYNTAX_H
#define HOST_LOADER_SYNTAX_H

#include <backplane/base.h>
#include <stdbool.h>

bool syntax_is_plugin_id(bp_str s);   /* [a-z][a-z0-9-]*(.[a-z][a-z0-9-]*)*, at most 64 bytes */
bool syntax_is_version(bp_str s);     /* semantic version 2.0.0, at most 64 bytes */
bool syntax_is_interface(bp_str s);   /* a plugin id, '/', a revision without leading zero */
bool syntax_is_family(bp_str s);      /* [a-z][a-z0-9-]*, at most 32 bytes */
bool syntax_is_word(bp_str s);        /* [a-z][a-z0-9_]*, at most 64 bytes */
bool syntax_is_topic(bp_str s);       /* words or ids joined by dots, at most 128 bytes */
bool syntax_is_reserved_id(bp_str s); /* "bp", and all that begins with "bp." or "bp-" */

#endif
