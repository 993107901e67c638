/* The process's own settings; see process.h. */
#include "process.h"
#include "base/log.h"

#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Some systems offer a thousand million descriptors; tables are sized by this. */
#define DESCRIPTORS_MAX (1u << 20)

struct process_before process_before = {.umask = 022};

static void raise_descriptors(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  process_before.files = limit;
  limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > DESCRIPTORS_MAX ? DESCRIPTORS_MAX : limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
    log_warn("host", "cannot raise the limit of open files to %llu", (unsigned long long)limit.rlim_cur);
}

/* Memory holds tokens: no core file, and no debugger of the same user without --keep-cores. */
static void forbid_cores(void) {
  const struct rlimit none = {0};
  setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* whose leak check traces the process */
  prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* One arena for main and one for all workers; freed memory goes back to the system early. */
static void keep_memory_small(void) {
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_TRIM_THRESHOLD, 256 * 1024);
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
}

void process_prepare(bool keep_cores) {
  process_before.umask = umask(077);
  raise_descriptors();
  if (!keep_cores)
    forbid_cores();
  keep_memory_small();
}
