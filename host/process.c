/* The process's own settings; see process.h. */
#include "process.h"
#include "base/log.h"

#include <link.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* One arena for main and one for all workers; freed memory goes back to the system early. No fast bins: every request of over a kilobyte
 * would empty them, and there is one for each write. */
static void keep_memory_small(void) {
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MXFAST, 0);
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

/* An object whose code the linker has changed: what is mapped is not what is in the file. */
static bool has_changed_code(const struct dl_phdr_info *object) {
  for (unsigned i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
    const ElfW(Dyn) *entry = segment->p_type == PT_DYNAMIC ? (const ElfW(Dyn) *)(object->dlpi_addr + segment->p_vaddr) : NULL;
    for (; entry && entry->d_tag != DT_NULL; entry++)
      if (entry->d_tag == DT_TEXTREL || (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL)))
        return true;
  }
  return false;
}

/* Code and constants are mapped from files and never written, so the kernel fetches from its cache what is needed again. What is or was
 * writable (data, relocations) is in other segments. */
static int give_back_code(struct dl_phdr_info *object, size_t size, void *arg) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  (void)size, (void)arg;
  if (strncmp(object->dlpi_name, "linux-", 6) == 0 || has_changed_code(object)) /* the first: the kernel's own */
    return 0;
  for (unsigned i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
    uintptr_t start = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
    uintptr_t end = (object->dlpi_addr + segment->p_vaddr + segment->p_memsz + page - 1) & ~(page - 1);
    if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
      madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 0;
}

void process_trim(bool keep_cores) {
  malloc_trim(0);
  if (!keep_cores)
    dl_iterate_phdr(give_back_code, NULL);
}
