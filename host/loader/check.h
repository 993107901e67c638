/* Checks of a descriptor on its own: sizes, strides, spelling, enumerations, flags. What needs the rest of the host (schemas,
 * SQL, other plugins) is checked where it is used. */
#ifndef HOST_LOADER_CHECK_H
#define HOST_LOADER_CHECK_H

#include <backplane/plugin.h>
#include <stdbool.h>

/* Checks what a plugin's query returned and fills `ret`, a copy widened or cut to this host's descriptor. `raw` may be
 * anything a faulty plugin returns, except a wild pointer. The first fault is in `err`. */
bp_status descriptor_check(const bp_plugin_descriptor *raw, bp_plugin_descriptor *ret, bp_error *err);

/* For check_items.c: the item being checked. */
struct check {
  const bp_plugin_descriptor *descriptor;
  bp_error *err;
  const char *array; /* "routes" */
  uint32_t index;
  bp_str label; /* the item's name, once known */
};
bp_status check_fail(const struct check *check, bp_status code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* For flags and enumerations this host does not know: they come from a newer one. */
bp_status check_newer(const struct check *check, const char *member, uint32_t value);
/* A string that is UTF-8 (or empty), at most 1 MiB, and not length without bytes. */
bp_status check_text(const struct check *check, const char *member, bp_str text);

/* One array of the descriptor: how long its elements are at least, and the rules of an element (the widened copy). */
struct check_array {
  const char *name;
  uint32_t offset;       /* of the bp_array in the descriptor */
  uint32_t smallest;     /* bytes of the element in the first revision */
  uint32_t label_offset; /* of the bp_str that names an element, or 0 */
  uint32_t known;        /* bytes of the element as this host knows it */
  bool is_unique;        /* no two elements have the same name */
  bp_status (*check)(const struct check *check, const void *item);
};
extern const struct check_array check_arrays[];
extern const unsigned check_array_count;

/* The form every crossing array must have: bytes behind it, a stride the elements fit in, elements of at least `smallest`. */
bp_status check_array_form(const struct check *check, const char *name, bp_array array, uint32_t smallest);

#endif
