/* What every part of the running host may ask: where its state is, how it was started, whether it is stopping. */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <backplane/base.h>
#include <stdbool.h>
#include <stdint.h>

#define HOST_VERSION "0.1.0"

struct host_run {
  char *state_dir;        /* absolute, 0700 */
  char *config_file;      /* absolute */
  char *start_folder;     /* absolute */
  const char *module_dir; /* of the configuration in force; NULL before there is one */
  int port_offset;
  int64_t started_wall_ms;
  bool is_ready;
  bool is_stopping;
};
extern struct host_run host_run;

/* SIGHUP and POST /api/backplane/reload: loads the configuration again; a bad one keeps the old and is logged. Returns
 * BP_OK or BP_E_INVALID with the first error. Modules may still be starting then: loader_when_settled tells when that is over. */
bp_status host_reload(bp_error *err);
/* Begins a graceful stop. */
void host_stop(void);

#endif
