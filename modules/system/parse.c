/* Texts of /proc, and numbers as the original writes them. Nothing here opens a file. */
#include "system.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The line that begins with `word`, behind it; NULL if there is none. */
static const char *line_of(const char *text, const char *word) {
  size_t len = strlen(word);
  for (const char *at = text; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
    if (strncmp(at, word, len) == 0)
      return at + len;
  return NULL;
}

bool parse_stat(const char *text, struct cpu_ticks *ret, unsigned *ret_cores) {
  uint64_t v[8] = {0};
  const char *all = line_of(text, "cpu ");
  if (!all || sscanf(all, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &v[0], &v[1], &v[2], &v[3],
                     &v[4], &v[5], &v[6], &v[7]) < 4)
    return false;
  *ret = (struct cpu_ticks){.busy = v[0] + v[1] + v[2] + v[5] + v[6] + v[7]};
  ret->total = ret->busy + v[3] + v[4];
  *ret_cores = 0;
  for (const char *at = strchr(text, '\n'); at; at = strchr(at + 1, '\n'))
    *ret_cores += strncmp(at + 1, "cpu", 3) == 0;
  return true;
}

double cpu_percent(const struct cpu_ticks *before, const struct cpu_ticks *now) {
  if (now->total <= before->total || now->busy < before->busy)
    return 0;
  uint64_t tenths = (now->busy - before->busy) * 1000 / (now->total - before->total);
  return (double)(tenths > 1000 ? 1000 : tenths) / 10;
}

bool parse_meminfo(const char *text, struct memory_kb *ret) {
  struct {
    const char *word;
    uint64_t *value;
  } wanted[] = {{"MemTotal:", &ret->total}, {"MemFree:", &ret->free},         {"MemAvailable:", &ret->available}, {"Buffers:", &ret->buffers},
                {"Cached:", &ret->cached},  {"SwapTotal:", &ret->swap_total}, {"SwapFree:", &ret->swap_free}};
  *ret = (struct memory_kb){0};
  for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
    const char *at = line_of(text, wanted[i].word);
    if (at)
      *wanted[i].value = strtoull(at, NULL, 10);
  }
  if (!line_of(text, "MemAvailable:"))
    ret->available = ret->free + ret->buffers + ret->cached;
  return ret->total > 0 && ret->available <= ret->total;
}

unsigned parse_net_dev(const char *text, struct net nets[NETS_MOST]) {
  unsigned count = 0;
  for (const char *line = text; line && *line && count < NETS_MOST; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
    const char *end = strchr(line, '\n'), *colon = strchr(line, ':');
    struct net *net = &nets[count];
    uint64_t v[12] = {0};
    if (!colon || (end && colon > end))
      continue;
    while (*line == ' ')
      line++;
    *net = (struct net){.errors = 0};
    snprintf(net->name, sizeof(net->name), "%.*s", (int)(colon - line), line);
    int got = sscanf(colon + 1,
                     "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                     " %" SCNu64 " %" SCNu64,
                     &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8], &v[9], &v[10], &v[11]);
    if (got < 12)
      continue;
    net->received_bytes = v[0], net->received_packets = v[1], net->sent_bytes = v[8], net->sent_packets = v[9];
    net->errors = v[2] + v[10], net->dropped = v[3] + v[11];
    count++;
  }
  return count;
}

static void parse_pressure_line(const char *at, struct pressure_line *ret) {
  *ret = (struct pressure_line){.is_there = false};
  if (at)
    ret->is_there = sscanf(at, " avg10=%lf avg60=%lf avg300=%lf total=%" SCNu64, &ret->avg10, &ret->avg60, &ret->avg300, &ret->total_us) == 4;
}

bool parse_pressure(const char *text, struct pressure *ret) {
  parse_pressure_line(line_of(text, "some"), &ret->some);
  parse_pressure_line(line_of(text, "full"), &ret->full);
  return ret->some.is_there;
}

bool parse_loadavg(const char *text, double ret[3]) {
  return sscanf(text, "%lf %lf %lf", &ret[0], &ret[1], &ret[2]) == 3;
}

bool parse_uptime(const char *text, double *ret_seconds) {
  return sscanf(text, "%lf", ret_seconds) == 1;
}

void parse_cpu_model(const char *text, char ret[MODEL_BYTES]) {
  static const char *const words[] = {"model name", "Model", "Hardware", "cpu model"};
  snprintf(ret, MODEL_BYTES, "unknown");
  for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    const char *at = line_of(text, words[i]);
    const char *colon = at ? strchr(at, ':') : NULL, *end = at ? strchr(at, '\n') : NULL;
    if (!colon || (end && colon > end))
      continue;
    for (colon++; *colon == ' '; colon++)
      ;
    snprintf(ret, MODEL_BYTES, "%.*s", (int)(end ? end - colon : (long)strlen(colon)), colon);
    return;
  }
}

/* /proc/PID/stat: the name stands in parentheses and may hold any character, so its end is the last one. */
bool parse_process(const char *text, struct process *ret) {
  const char *open = strchr(text, '('), *close = strrchr(text, ')');
  long long pid = 0, parent = 0, started = 0, resident = 0, threads = 0;
  unsigned long long user = 0, kernel = 0;
  *ret = (struct process){.state = '?'};
  if (!open || !close || close < open || sscanf(text, "%lld", &pid) != 1)
    return false;
  snprintf(ret->name, sizeof(ret->name), "%.*s", (int)(close - open - 1), open + 1);
  if (sscanf(close + 1, " %c %lld %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu %*s %*s %*s %*s %lld %*s %lld %*s %lld", &ret->state, &parent, &user,
             &kernel, &threads, &started, &resident) != 7)
    return false;
  ret->pid = pid;
  ret->parent = parent;
  ret->started_ticks = started;
  ret->cpu_ticks = user + kernel;
  ret->resident_pages = resident > 0 ? (uint64_t)resident : 0;
  ret->threads = (uint32_t)threads;
  return true;
}

/* ---- Numbers as texts ---- */

static bp_str shown(char *text, int len) {
  return bp_str_make(text, len < AMOUNT_BYTES ? (size_t)len : AMOUNT_BYTES - 1);
}

bp_str format_gb(uint64_t bytes, char ret[AMOUNT_BYTES]) {
  return shown(ret, snprintf(ret, AMOUNT_BYTES, "%.2f GB", (double)bytes / (1024.0 * 1024 * 1024)));
}

/* Rounded up, one decimal below ten. */
bp_str format_df(uint64_t bytes, char ret[AMOUNT_BYTES]) {
  static const char units[] = "BKMGTPE";
  uint64_t tenths = bytes * 10;
  unsigned unit = 0;
  if (bytes > UINT64_MAX / 10)
    return shown(ret, snprintf(ret, AMOUNT_BYTES, "%" PRIu64 "E", bytes >> 60));
  for (; tenths >= 10240; unit++)
    tenths = (tenths + 1023) / 1024;
  if (unit == 0)
    return shown(ret, snprintf(ret, AMOUNT_BYTES, "%" PRIu64, bytes));
  if (tenths < 100)
    return shown(ret, snprintf(ret, AMOUNT_BYTES, "%" PRIu64 ".%" PRIu64 "%c", tenths / 10, tenths % 10, units[unit]));
  return shown(ret, snprintf(ret, AMOUNT_BYTES, "%" PRIu64 "%c", (tenths + 9) / 10, units[unit]));
}

bp_str format_uptime(double seconds, char ret[AMOUNT_BYTES]) {
  uint64_t minutes = seconds > 0 ? (uint64_t)seconds / 60 : 0;
  return shown(ret, snprintf(ret, AMOUNT_BYTES, "%" PRIu64 "d %" PRIu64 "h %" PRIu64 "m", minutes / 1440, minutes / 60 % 24, minutes % 60));
}
