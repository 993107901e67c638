/* One sample of the machine. On a worker: a file system that hangs makes statvfs hang. */
#include "system.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define TEXT_BYTES 65536

/* A file of /proc, cut to fit; "" if it cannot be read. */
static const char *slurp(const char *path, char text[TEXT_BYTES]) {
  size_t len = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? 0 : 1;
  while (got > 0 && len < TEXT_BYTES - 1) {
    got = read(fd, text + len, TEXT_BYTES - 1 - len);
    len += got > 0 ? (size_t)got : 0;
  }
  if (fd >= 0)
    close(fd);
  text[len] = '\0';
  return text;
}

static void read_disk(struct sample *ret) {
  struct statvfs disk;
  if (statvfs("/", &disk) != 0)
    return;
  ret->disk_total = (uint64_t)disk.f_blocks * disk.f_frsize;
  ret->disk_used = (uint64_t)(disk.f_blocks - disk.f_bfree) * disk.f_frsize;
  ret->disk_available = (uint64_t)disk.f_bavail * disk.f_frsize;
}

static int64_t clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void sample_read(struct sample *ret) {
  char text[TEXT_BYTES];
  *ret = (struct sample){.time_ns = clock_ns(CLOCK_REALTIME), .monotonic_ns = clock_ns(CLOCK_MONOTONIC)};
  parse_stat(slurp("/proc/stat", text), &ret->ticks, &ret->cores);
  parse_meminfo(slurp("/proc/meminfo", text), &ret->memory);
  parse_loadavg(slurp("/proc/loadavg", text), ret->load);
  parse_uptime(slurp("/proc/uptime", text), &ret->uptime_s);
  ret->net_count = parse_net_dev(slurp("/proc/net/dev", text), ret->nets);
  parse_pressure(slurp("/proc/pressure/cpu", text), &ret->cpu);
  parse_pressure(slurp("/proc/pressure/io", text), &ret->io);
  parse_pressure(slurp("/proc/pressure/memory", text), &ret->mem);
  read_disk(ret);
}
