/* Families at run time: declared objects, their error shapes, and the one formatter of errors for each shape. */
#ifndef HOST_ROUTER_FAMILY_H
#define HOST_ROUTER_FAMILY_H

#include "http/exchange.h"
#include <backplane/http.h>
#include <stdbool.h>

struct plugin;
struct family;

/* The host's own family: problem details, used by the host's routes on the main listener. */
const struct family *family_host(void);
/* Declares one (from a descriptor, widened by array_item). BP_E_EXISTS with both plugins' ids. */
bp_status family_declare(struct plugin *owner, const bp_family *declared, bp_error *err);
/* The family of that name; one that nobody has declared is made, to be declared later or never. */
struct family *family_await(bp_str name);
void family_revoke_all(struct plugin *owner);
const struct family *family_find(bp_str name);
const bp_family *family_facts(const struct family *family);
/* The family an exchange belongs to (listener's, or by /f/<name>/ on main). */
const struct family *family_of(const struct http_exchange *x);
/* Walks all families: start with NULL. */
const struct family *family_next(const struct family *family);

/* Answers with an error in the family's shape. The one place where errors become bytes. */
void family_reply_error(struct http_exchange *x, const struct family *family, const bp_problem *problem);
/* The short form: a status and a sentence. */
void family_reply_text(struct http_exchange *x, const struct family *family, unsigned status, bp_str message);

#endif
