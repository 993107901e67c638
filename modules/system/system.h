/* What the files of this module share: a sample of the machine, how it is read, and each concept's entry points.
 *
 * How the machine and what the host supervises on it are doing (see README.md). */
#ifndef SYSTEM_H
#define SYSTEM_H

#include "kit.h"

#define NETS_MOST 32
#define PROCESSES_MOST 2048 /* of the whole tree in one sample */
#define HISTORY_MOST 720    /* samples kept: an hour at one in five seconds */
#define MODEL_BYTES 128

/* ---- parse.c: texts of /proc; pure ---- */

struct cpu_ticks {
  uint64_t busy, total;
};
struct memory_kb {
  uint64_t total, free, available, buffers, cached, swap_total, swap_free;
};
struct net {
  char name[32];
  uint64_t received_bytes, sent_bytes, received_packets, sent_packets, errors, dropped;
};
struct pressure_line {
  double avg10, avg60, avg300;
  uint64_t total_us;
  bool is_there;
};
struct pressure {
  struct pressure_line some, full;
};
struct process {
  int64_t pid, parent, started_ticks;
  uint64_t cpu_ticks, resident_pages;
  uint32_t threads;
  char state;
  char name[64];
};

/* Each takes a whole file's text, ended by a NUL. False: it is not what it should be. */
bool parse_stat(const char *text, struct cpu_ticks *ret, unsigned *ret_cores);
bool parse_meminfo(const char *text, struct memory_kb *ret);
unsigned parse_net_dev(const char *text, struct net nets[NETS_MOST]);
bool parse_pressure(const char *text, struct pressure *ret);
bool parse_loadavg(const char *text, double ret[3]);
bool parse_uptime(const char *text, double *ret_seconds);
/* The first "model name" (or "Model", "Hardware") of /proc/cpuinfo; "unknown" where there is none. */
void parse_cpu_model(const char *text, char ret[MODEL_BYTES]);
bool parse_process(const char *text, struct process *ret);
/* Busy share of the time between two readings, in percent with one decimal. */
double cpu_percent(const struct cpu_ticks *before, const struct cpu_ticks *now);
/* "12.34 GB" as the original writes bytes. */
#define AMOUNT_BYTES 32
bp_str format_gb(uint64_t bytes, char ret[AMOUNT_BYTES]);
/* "252G" as df -h does. */
bp_str format_df(uint64_t bytes, char ret[AMOUNT_BYTES]);
/* "1d 2h 3m". */
bp_str format_uptime(double seconds, char ret[AMOUNT_BYTES]);

/* ---- sample.c: reading all of it. [worker] ---- */

struct sample {
  int64_t time_ns; /* wall clock */
  int64_t monotonic_ns;
  struct cpu_ticks ticks;
  unsigned cores;
  double cpu_usage; /* percent since the sample before */
  struct memory_kb memory;
  uint64_t disk_total, disk_used, disk_available;
  double load[3], uptime_s;
  struct net nets[NETS_MOST];
  unsigned net_count;
  double received_per_s, sent_per_s; /* all interfaces but loopback */
  struct pressure cpu, io, mem;
};
void sample_read(struct sample *ret);

/* What of a sample is kept, and shown to who listens. */
struct point {
  int64_t time_ns, monotonic_ns;
  double cpu, memory, disk, load; /* the first three in percent */
  double received_per_s, sent_per_s;
  bool has_pressure;
  double cpu_pressure, memory_pressure, io_pressure; /* avg10 of "some" */
};

/* ---- tree.c: what the host supervises, and what runs below it ---- */

struct child_seen {
  char plugin[64], name[128];
  int64_t pid, started_ticks;
  uint32_t lifetime, health, is_stopping;
};
struct tree {
  struct child_seen *children;
  unsigned child_count, child_most;
  struct process *processes; /* of the whole machine that are ours to see, in no order */
  unsigned process_count;
};
/* The children as bp.proc tells them. [main] */
bool tree_begin(struct tree *tree, const bp_proc_1 *proc, bp_plugin self);
/* All processes of this user. [worker] */
void tree_read(struct tree *tree);
void tree_write(const struct tree *tree, const bp_json_1 *json, bp_json_writer out);
void tree_release(struct tree *tree);

/* ---- module ---- */

struct system {
  bp_plugin self;
  const bp_core_1 *core;
  const bp_config_1 *config;
  const bp_json_1 *json;
  const bp_http_1 *http;
  const bp_live_1 *live;
  const bp_loop_1 *loop;
  const bp_proc_1 *proc;
  int64_t history_every_s;
  char hostname[65], arch[32], model[MODEL_BYTES];
  struct sample last;    /* time_ns 0: none yet */
  struct point *history; /* ring of HISTORY_MOST */
  unsigned history_count, history_next;
  bool is_sampling;
  struct waiting *waiting; /* requests that wait for the sample being taken */
  unsigned waiting_count;
};

/* sampler.c */
bp_status sampler_start(struct system *system);
/* Answers the request from a sample that is taken now, or is being taken. */
void sampler_answer(struct system *system, bp_request request);
/* answer.c */
void answer_stats(const struct system *system, bp_request request, const struct sample *sample);
struct point point_of(const struct sample *sample);
void write_point(const struct system *system, const struct point *point, bp_json_writer out);

/* Handlers */
void system_stats(void *state, bp_request request);     /* answer.c */
void system_history(void *state, bp_request request);   /* answer.c */
void system_processes(void *state, bp_request request); /* processes.c */

#define ROUTE_COUNT 3
extern const bp_route system_routes[ROUTE_COUNT];

#endif
