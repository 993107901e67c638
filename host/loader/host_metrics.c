/* The host's own metrics: wire, live log, store, process, and what each plugin's callbacks cost. */
#include "base/str.h"
#include "host.h"
#include "http/listener.h"
#include "live/live.h"
#include "loader/metrics.h"
#include "loader/plugin.h"
#include "policy/approvals.h"
#include "policy/audit.h"
#include "policy/policy.h"
#include "router/router_counters.h"
#include "store/store.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

struct figure {
  const char *name;
  const char *kind;
  const char *help;
  double value;
};

static void write_figures(struct buf *out, const struct figure *figures, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", figures[i].name, figures[i].help, figures[i].name, figures[i].kind, figures[i].name,
               figures[i].value);
}
#define WRITE_FIGURES(out, figures) write_figures((out), (figures), sizeof(figures) / sizeof((figures)[0]))

static void write_wire(struct buf *out) {
  const struct http_counters *c = http_counters();
  const struct figure figures[] = {
      {"backplane_http_connections_total", "counter", "Connections accepted.", (double)c->accepted},
      {"backplane_http_requests_total", "counter", "Requests parsed.", (double)c->requests},
      {"backplane_http_received_bytes_total", "counter", "Bytes read from clients.", (double)c->bytes_in},
      {"backplane_http_sent_bytes_total", "counter", "Bytes written to clients.", (double)c->bytes_out},
      {"backplane_http_errors_total", "counter", "Requests refused for framing, limits or time.", (double)c->wire_errors},
      {"backplane_http_timeouts_total", "counter", "Connections cut because the client was too slow.", (double)c->timeouts},
      {"backplane_http_connections", "gauge", "Open connections.", c->connections},
      {"backplane_http_requests_in_progress", "gauge", "Requests that have not been answered yet.", c->exchanges},
  };
  WRITE_FIGURES(out, figures);
}

static void write_live(struct buf *out) {
  struct live_counters c = {0};
  live_counters(&c);
  const struct figure figures[] = {
      {"backplane_live_events_total", "counter", "Events published.", (double)c.events},
      {"backplane_live_frames_total", "counter", "Frames rendered.", (double)c.frames},
      {"backplane_live_deliveries_total", "counter", "Frames handed to clients.", (double)c.deliveries},
      {"backplane_live_cut_total", "counter", "Clients cut because they lagged.", (double)c.cut},
      {"backplane_live_resyncs_total", "counter", "Clients told that history is gone.", (double)c.resyncs},
      {"backplane_live_websockets", "gauge", "WebSocket clients.", c.websockets},
      {"backplane_live_event_streams", "gauge", "Event stream (SSE) clients.", c.sse},
      {"backplane_live_subscriptions", "gauge", "Subscriptions of plugins.", c.subscriptions},
      {"backplane_live_ring_bytes", "gauge", "Memory held by recent events.", (double)c.ring_bytes},
  };
  WRITE_FIGURES(out, figures);
}

static void write_store(struct buf *out) {
  struct store_counters c = {0};
  store_counters(&c);
  const struct figure figures[] = {
      {"backplane_store_units_total", "counter", "Write units committed or refused.", (double)c.units},
      {"backplane_store_batches_total", "counter", "Commits; each is one fsync for all units in it.", (double)c.batches},
      {"backplane_store_reads_total", "counter", "Reads finished.", (double)c.reads},
      {"backplane_store_failed_total", "counter", "Units and reads that failed.", (double)c.failed},
      {"backplane_store_commit_seconds_total", "counter", "Time spent in commits.", (double)c.commit_ns_total / 1e9},
      {"backplane_store_live_rows", "gauge", "Events kept in the live log.", (double)c.live_rows},
      {"backplane_store_queued", "gauge", "Write units that wait.", c.queued},
      {"backplane_store_largest_batch", "gauge", "Units in the largest commit so far.", c.largest_batch},
      {"backplane_store_readonly", "gauge", "1 while the store cannot be written.", store_is_readonly()},
  };
  WRITE_FIGURES(out, figures);
}

static void write_policy(struct buf *out) {
  const struct figure figures[] = {
      {"backplane_audit_rows_total", "counter", "Rows added to the audit.", (double)audit_counters()->rows},
      {"backplane_audit_lost_total", "counter", "Decisions that left no row, because the store could not take it.", (double)audit_counters()->lost},
      {"backplane_approvals_pending", "gauge", "Questions that wait for a person.", approvals_pending()},
  };
  WRITE_FIGURES(out, figures);
  buf_append_z(out, "# HELP backplane_policy_decisions_total Decisions of the rules.\n# TYPE backplane_policy_decisions_total counter\n");
  for (const struct policy_counters *c = policy_counters_first(); c; c = c->next)
    for (enum verdict_kind kind = VERDICT_ALLOW; kind <= VERDICT_DENY; kind++)
      buf_printf(out, "backplane_policy_decisions_total{set=\"%s\",verdict=\"%s\"} %llu\n", c->set, verdict_name(kind),
                 (unsigned long long)c->verdicts[kind]);
}

static double resident_bytes(void) {
  unsigned long pages = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  if (!file)
    return 0;
  if (fscanf(file, "%lu %lu", &pages, &resident) != 2)
    resident = 0;
  fclose(file);
  return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double open_descriptors(void) {
  unsigned count = 0;
  DIR *folder = opendir("/proc/self/fd");
  if (!folder)
    return 0;
  while (readdir(folder))
    count++;
  closedir(folder);
  return count > 3 ? count - 3 : 0; /* ".", ".." and the folder itself */
}

static double seconds(struct timeval t) {
  return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void write_process(struct buf *out) {
  struct rusage usage = {0};
  struct rlimit limit = {0};
  getrusage(RUSAGE_SELF, &usage);
  getrlimit(RLIMIT_NOFILE, &limit);
  const struct figure figures[] = {
      {"process_cpu_seconds_total", "counter", "CPU time used.", seconds(usage.ru_utime) + seconds(usage.ru_stime)},
      {"process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes()},
      {"process_open_fds", "gauge", "Open file descriptors.", open_descriptors()},
      {"process_max_fds", "gauge", "Limit of open file descriptors.", (double)limit.rlim_cur},
      {"process_start_time_seconds", "gauge", "Start time since 1970.", (double)host_run.started_wall_ms / 1000},
  };
  WRITE_FIGURES(out, figures);
}

static void append_request_label(struct buf *out, const char *name, const struct router_counters *c) {
  buf_printf(out, "%s{plugin=\"", name);
  metrics_append_label(out, str_from(c->plugin));
  buf_append_char(out, '"');
}

static void write_request_times(struct buf *out, const struct router_counters *c) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < COUNTER_BUCKETS; i++) {
    sum += c->latency[i];
    append_request_label(out, "backplane_request_seconds_bucket", c);
    if (i + 1 < COUNTER_BUCKETS)
      buf_printf(out, ",le=\"%g\"} %llu\n", (double)counter_bounds_ns[i] / 1e9, (unsigned long long)sum);
    else
      buf_printf(out, ",le=\"+Inf\"} %llu\n", (unsigned long long)sum);
  }
  append_request_label(out, "backplane_request_seconds_sum", c);
  buf_printf(out, "} %.9f\n", (double)c->latency_sum_ns / 1e9);
  append_request_label(out, "backplane_request_seconds_count", c);
  buf_printf(out, "} %llu\n", (unsigned long long)sum);
}

static void write_requests(struct buf *out) {
  static const char *const classes[COUNTER_CLASSES] = {"other", "2xx", "3xx", "4xx", "5xx"};
  buf_append_z(out, "# HELP backplane_requests_total Requests of a plugin's routes, by class of status.\n# TYPE backplane_requests_total counter\n");
  for (const struct router_counters *c = counters_first(); c; c = c->next)
    for (unsigned i = 0; i < COUNTER_CLASSES; i++) {
      append_request_label(out, "backplane_requests_total", c);
      buf_printf(out, ",status=\"%s\"} %llu\n", classes[i], (unsigned long long)c->requests[i]);
    }
  buf_append_z(out, "# HELP backplane_request_seconds Time from a request's last byte to its reply.\n# TYPE backplane_request_seconds histogram\n");
  for (const struct router_counters *c = counters_first(); c; c = c->next)
    write_request_times(out, c);
}

static void append_plugin_label(struct buf *out, const char *name, const struct plugin *plugin) {
  buf_printf(out, "%s{plugin=\"", name);
  metrics_append_label(out, str_from(plugin->id));
  buf_append_char(out, '"');
}

static void write_plugins(struct buf *out) {
  buf_append_z(out, "# HELP backplane_plugin_up 1 while the plugin is started.\n# TYPE backplane_plugin_up gauge\n");
  for (const struct plugin *p = plugin_first(); p; p = p->next) {
    append_plugin_label(out, "backplane_plugin_up", p);
    buf_printf(out, "} %d\n", p->phase == PLUGIN_STARTED);
  }
  buf_append_z(out, "# HELP backplane_plugin_slow_callbacks_total Callbacks that held the main thread for more than 50 ms.\n"
                    "# TYPE backplane_plugin_slow_callbacks_total counter\n");
  for (const struct plugin *p = plugin_first(); p; p = p->next) {
    append_plugin_label(out, "backplane_plugin_slow_callbacks_total", p);
    buf_printf(out, "} %llu\n", (unsigned long long)p->slow_callbacks);
  }
}

static void append_hook_label(struct buf *out, const char *name, const struct plugin *plugin, const struct hook_time *hook) {
  append_plugin_label(out, name, plugin);
  buf_append_z(out, ",hook=\"");
  metrics_append_label(out, str_from(hook->what));
  buf_append_z(out, "\"} ");
}

static void write_hooks(struct buf *out) {
  buf_append_z(out, "# HELP backplane_plugin_callbacks_total Callbacks run on the main thread.\n# TYPE backplane_plugin_callbacks_total counter\n");
  for (const struct plugin *p = plugin_first(); p; p = p->next)
    for (unsigned i = 0; i < PLUGIN_HOOKS && p->hooks[i].what; i++) {
      append_hook_label(out, "backplane_plugin_callbacks_total", p, &p->hooks[i]);
      buf_printf(out, "%llu\n", (unsigned long long)p->hooks[i].calls);
    }
  buf_append_z(out, "# HELP backplane_plugin_callback_seconds_total Time the main thread spent in callbacks.\n"
                    "# TYPE backplane_plugin_callback_seconds_total counter\n");
  for (const struct plugin *p = plugin_first(); p; p = p->next)
    for (unsigned i = 0; i < PLUGIN_HOOKS && p->hooks[i].what; i++) {
      append_hook_label(out, "backplane_plugin_callback_seconds_total", p, &p->hooks[i]);
      buf_printf(out, "%.9f\n", (double)p->hooks[i].total_ns / 1e9);
    }
}

void metrics_write_host(struct buf *out) {
  write_wire(out);
  write_live(out);
  write_store(out);
  write_policy(out);
  write_process(out);
  write_requests(out);
  write_plugins(out);
  write_hooks(out);
}
