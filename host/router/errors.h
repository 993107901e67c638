/* What is wrong with a request, collected while it is checked, and written in the family's shape at the end. */
#ifndef HOST_ROUTER_ERRORS_H
#define HOST_ROUTER_ERRORS_H

#include "router/family.h"
#include "json/schema.h"

#define ERROR_ITEMS 32u

/* What an item shows as the offending value, where the shape has a place for it. */
enum error_input {
  ERROR_INPUT_NONE,
  ERROR_INPUT_NULL,
  ERROR_INPUT_VALUE, /* `value` */
  ERROR_INPUT_TEXT,  /* `text` */
  ERROR_INPUT_SYNTAX /* the body is not JSON; `text` says why, the location ends in the byte offset */
};

struct error_item {
  char location[256]; /* "/body/tags/0" */
  char message[256];
  char kind[48];
  enum error_input input;
  const json_t *value; /* borrowed until the list is written, like `text` */
  bp_str text;
};

struct error_list {
  unsigned count;
  struct error_item items[ERROR_ITEMS];
};

/* Adds one and returns it; a full list reuses its last item. Strings are copied and cut. `part` is "body", "query" …,
 * `pointer` what follows it, with its leading '/' (or empty). Any thread. */
struct error_item *error_add(struct error_list *list, const char *part, bp_str pointer, const char *kind, bp_str message);
/* schema_validate's report: `ctx` is the list. */
void error_add_violation(void *ctx, const struct schema_violation *violation);
/* A body that doc_parse refused. `err` must outlive the list. */
void error_add_syntax(struct error_list *list, const bp_error *err);

/* Answers with the family's validation status. */
void family_reply_invalid(struct http_exchange *x, const struct family *family, const struct error_list *list);
/* Answers 503 with Retry-After. */
void family_reply_unavailable(struct http_exchange *x, const struct family *family, bp_str message);

#endif
