/* Open documents: parsed trees behind bp_json handles. Private to host/json; the host's own calls are in json.h. */
#ifndef HOST_JSON_DOCUMENTS_H
#define HOST_JSON_DOCUMENTS_H

#include "json/json.h"

/* Opens for a plugin (0: the host) and takes the reference to `root`; 0 when 65,536 are open or without memory, and then
 * the reference is dropped. */
bp_json documents_open(bp_plugin owner, json_t *root);
/* Closes if `root` is the root handle of an open document of `owner`; anything else is ignored. */
void documents_close(bp_plugin owner, bp_json root);
/* Closes all documents of `owner`. */
void documents_forget(bp_plugin owner);

/* A handle for `value`, which is part of the document that `within` belongs to; 0 at the limit or without memory. */
bp_json documents_handle(bp_json within, json_t *value);
/* Member `position` of the object, in text order: jansson's iterator, or NULL past the end. Walking is O(1) a step. */
void *documents_iterator(bp_json object, json_t *value, uint64_t position);

#endif
