/* Exports only the query of an older ABI major. */
#include <backplane/base.h>

BP_EXPORT const void *bp_plugin_query_0(void);
const void *bp_plugin_query_0(void) {
  return NULL;
}
