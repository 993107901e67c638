/* Its query returns nothing. */
#include <backplane/plugin.h>

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return NULL;
}
