/* Exports no query symbol at all. */
#include <backplane/base.h>

BP_EXPORT int bp_plugin_query_none(void);
int bp_plugin_query_none(void) {
  return 0;
}
