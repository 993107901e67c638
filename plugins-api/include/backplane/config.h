/* bp.config/1: the values of the options a plugin declared in its descriptor.
 *
 * The host has checked names, types and bounds before `create`; a missing value is the declared default.
 * Where they change while the host runs, a plugin is drained and created anew with them, unless it subscribes to the notice
 * "bp.config.changed" (events.h): then it reads them again. */
#ifndef BACKPLANE_CONFIG_H
#define BACKPLANE_CONFIG_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_CONFIG_1 "bp.config/1"

/* Option types. */
#define BP_OPTION_STRING 1u
#define BP_OPTION_INTEGER 2u
#define BP_OPTION_BOOLEAN 3u
#define BP_OPTION_REAL 4u
#define BP_OPTION_STRING_LIST 5u
#define BP_OPTION_STRING_MAP 6u /* string keys to strings */
#define BP_OPTION_JSON 7u       /* any table, handed over as JSON text */

/* One declared option. Part of the descriptor. */
typedef struct bp_option {
  uint32_t size;
  uint32_t type;      /* BP_OPTION_* */
  bp_str name;        /* [a-z][a-z0-9_]*, units in the name: "retention_days" */
  bp_str doc;         /* one sentence */
  bp_str def;         /* default as JSON text; empty means the option is required */
  int64_t minimum;    /* for INTEGER: bounds, both 0 for none */
  int64_t maximum;    /* for STRING: maximum is a length in bytes, 0 for none */
  uint32_t is_secret; /* 1: the value is masked wherever it is shown */
  uint32_t reserved;
} bp_option;

typedef struct bp_config_1 {
  uint32_t size;

  /* The option's value. BP_E_NOT_FOUND: not declared; BP_E_TYPE: declared with another type. Strings are borrowed until the
   * next configuration change is delivered. [main] */
  bp_status (*string)(bp_plugin self, bp_str name, bp_str *ret);
  bp_status (*integer)(bp_plugin self, bp_str name, int64_t *ret);
  bp_status (*boolean)(bp_plugin self, bp_str name, uint32_t *ret);
  bp_status (*real)(bp_plugin self, bp_str name, double *ret);
  /* List and map values: the number of entries, then entry `index` (`ret_key` is empty for a list). [main] */
  uint32_t (*entry_count)(bp_plugin self, bp_str name);
  bp_status (*entry)(bp_plugin self, bp_str name, uint32_t index, bp_str *ret_key, bp_str *ret_value);
  /* Any option as JSON text. Borrowed as above. [main] */
  bp_status (*json_text)(bp_plugin self, bp_str name, bp_str *ret);
} bp_config_1;

#ifdef __cplusplus
}
#endif

#endif
