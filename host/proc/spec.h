/* A plugin's bp_proc_spec, checked and copied. */
#ifndef HOST_PROC_SPEC_H
#define HOST_PROC_SPEC_H

#include "proc/health.h"

#include <backplane/proc.h>
#include <stdbool.h>

struct spec {
  char *name;
  char *program; /* the path that is executed */
  char *cwd;
  char *log_topic, *log_key;
  char **argv;
  char **envp; /* place 0 is for the mark */
  uint32_t lifetime, flags, restart;
  uint32_t grace_ms, timeout_ms;
  uint64_t output_limit_bytes;
  uint32_t rows, columns;
  struct health_plan probe;
};

/* Fills `ret`, or `err`: BP_E_INVALID, BP_E_DENIED, BP_E_LIMIT, BP_E_NOT_FOUND (no such program), BP_E_NO_MEMORY. */
bp_status spec_copy(bp_plugin self, const bp_proc_spec *given, struct spec *ret, bp_error *err);
/* A zeroed or released one is fine. */
void spec_release(struct spec *spec);
/* A name that may be a file's: letters, digits, '-', '_' and '.', not first; at most 64 bytes. */
bool spec_is_file_name(bp_str name);

#endif
