/* Exports only the query of a newer ABI major. */
#include <backplane/base.h>

BP_EXPORT const void *bp_plugin_query_2(void);
const void *bp_plugin_query_2(void) {
  return NULL;
}
