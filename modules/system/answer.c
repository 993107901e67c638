/* GET /api/system-stats and its history: the original's members, then what was added. */
#include "system.h"

#include <stdio.h>

static void put_real(const struct system *s, bp_json_writer out, const char *name, double value) {
  s->json->key(out, str_z(name));
  s->json->put_real(out, value);
}

static void put_integer(const struct system *s, bp_json_writer out, const char *name, uint64_t value) {
  s->json->key(out, str_z(name));
  s->json->put_integer(out, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static void put_text(const struct system *s, bp_json_writer out, const char *name, bp_str text) {
  json_text_member(s->json, out, str_z(name), text);
}

static void open_member(const struct system *s, bp_json_writer out, const char *name) {
  s->json->key(out, str_z(name));
  s->json->object_begin(out);
}

static double tenths(double value) {
  return (double)(int64_t)(value * 10 + 0.5) / 10;
}

static double share(uint64_t part, uint64_t whole) {
  return whole ? (double)part * 100 / (double)whole : 0;
}

/* ---- The original's parts ---- */

static void put_system(const struct system *s, bp_json_writer out, const struct sample *sample) {
  char text[AMOUNT_BYTES];
  open_member(s, out, "system");
  put_text(s, out, "platform", BP_LIT("linux"));
  put_text(s, out, "arch", str_z(s->arch));
  put_text(s, out, "hostname", str_z(s->hostname));
  open_member(s, out, "uptime");
  put_integer(s, out, "seconds", (uint64_t)sample->uptime_s);
  put_text(s, out, "formatted", format_uptime(sample->uptime_s, text));
  s->json->object_end(out);
  s->json->object_end(out);
}

static void put_memory(const struct system *s, bp_json_writer out, const struct memory_kb *memory) {
  char text[AMOUNT_BYTES];
  uint64_t used = memory->total - memory->available;
  open_member(s, out, "memory");
  put_text(s, out, "total", format_gb(memory->total * 1024, text));
  put_text(s, out, "used", format_gb(used * 1024, text));
  put_text(s, out, "free", format_gb(memory->available * 1024, text));
  snprintf(text, sizeof(text), "%.1f", share(used, memory->total));
  put_text(s, out, "percentage", str_z(text));
  put_integer(s, out, "totalBytes", memory->total * 1024);
  put_integer(s, out, "usedBytes", used * 1024);
  put_integer(s, out, "swapTotalBytes", memory->swap_total * 1024);
  put_integer(s, out, "swapUsedBytes", (memory->swap_total - memory->swap_free) * 1024);
  s->json->object_end(out);
}

/* The percentage as df tells it: of what is there for everybody, rounded up. */
static void put_disk(const struct system *s, bp_json_writer out, const struct sample *sample) {
  char text[AMOUNT_BYTES];
  uint64_t usable = sample->disk_used + sample->disk_available;
  open_member(s, out, "disk");
  put_text(s, out, "total", format_df(sample->disk_total, text));
  put_text(s, out, "used", format_df(sample->disk_used, text));
  put_text(s, out, "available", format_df(sample->disk_available, text));
  put_integer(s, out, "percentage", usable ? (sample->disk_used * 100 + usable - 1) / usable : 0);
  put_integer(s, out, "totalBytes", sample->disk_total);
  put_integer(s, out, "usedBytes", sample->disk_used);
  put_integer(s, out, "availableBytes", sample->disk_available);
  s->json->object_end(out);
}

static void put_load(const struct system *s, bp_json_writer out, const struct sample *sample) {
  s->json->key(out, BP_LIT("loadAverage"));
  s->json->array_begin(out);
  for (unsigned i = 0; i < 3; i++)
    s->json->put_real(out, sample->load[i]);
  s->json->array_end(out);
}

/* ---- Additions ---- */

static void put_network(const struct system *s, bp_json_writer out, const struct sample *sample) {
  open_member(s, out, "network");
  put_integer(s, out, "receivedPerSecond", (uint64_t)sample->received_per_s);
  put_integer(s, out, "sentPerSecond", (uint64_t)sample->sent_per_s);
  s->json->key(out, BP_LIT("interfaces"));
  s->json->array_begin(out);
  for (unsigned i = 0; i < sample->net_count; i++) {
    const struct net *net = &sample->nets[i];
    s->json->object_begin(out);
    put_text(s, out, "name", str_z(net->name));
    put_integer(s, out, "receivedBytes", net->received_bytes);
    put_integer(s, out, "sentBytes", net->sent_bytes);
    put_integer(s, out, "receivedPackets", net->received_packets);
    put_integer(s, out, "sentPackets", net->sent_packets);
    put_integer(s, out, "errors", net->errors);
    put_integer(s, out, "dropped", net->dropped);
    s->json->object_end(out);
  }
  s->json->array_end(out);
  s->json->object_end(out);
}

static void put_pressure_line(const struct system *s, bp_json_writer out, const char *name, const struct pressure_line *line) {
  if (!line->is_there)
    return;
  open_member(s, out, name);
  put_real(s, out, "avg10", line->avg10);
  put_real(s, out, "avg60", line->avg60);
  put_real(s, out, "avg300", line->avg300);
  put_integer(s, out, "totalUs", line->total_us);
  s->json->object_end(out);
}

/* Null where the kernel keeps no such figures. */
static void put_pressure(const struct system *s, bp_json_writer out, const struct sample *sample) {
  const struct {
    const char *name;
    const struct pressure *of;
  } parts[] = {{"cpu", &sample->cpu}, {"memory", &sample->mem}, {"io", &sample->io}};
  s->json->key(out, BP_LIT("pressure"));
  if (!sample->cpu.some.is_there) {
    s->json->put_null(out);
    return;
  }
  s->json->object_begin(out);
  for (unsigned i = 0; i < 3; i++) {
    open_member(s, out, parts[i].name);
    put_pressure_line(s, out, "some", &parts[i].of->some);
    put_pressure_line(s, out, "full", &parts[i].of->full);
    s->json->object_end(out);
  }
  s->json->object_end(out);
}

void answer_stats(const struct system *s, bp_request request, const struct sample *sample) {
  char time[KIT_TIME_BYTES];
  bp_json_writer out = 0;
  bp_status status = s->json->writer_new(s->self, &out);
  if (status != BP_OK) {
    s->http->reply_failure(request, status, NULL);
    return;
  }
  s->json->object_begin(out);
  s->json->key(out, BP_LIT("success"));
  s->json->put_boolean(out, 1);
  put_text(s, out, "timestamp", kit_time_text(sample->time_ns, time));
  put_system(s, out, sample);
  open_member(s, out, "cpu");
  put_real(s, out, "usage", sample->cpu_usage);
  put_integer(s, out, "cores", sample->cores);
  put_text(s, out, "model", str_z(s->model));
  s->json->object_end(out);
  put_memory(s, out, &sample->memory);
  put_disk(s, out, sample);
  put_load(s, out, sample);
  put_network(s, out, sample);
  put_pressure(s, out, sample);
  s->json->object_end(out);
  s->http->reply_json(request, 200, out);
  s->json->writer_free(out);
}

/* ---- Small samples: the live topic and the history ---- */

struct point point_of(const struct sample *sample) {
  uint64_t used = sample->memory.total - sample->memory.available;
  return (struct point){.time_ns = sample->time_ns,
                        .monotonic_ns = sample->monotonic_ns,
                        .cpu = sample->cpu_usage,
                        .memory = tenths(share(used, sample->memory.total)),
                        .disk = tenths(share(sample->disk_used, sample->disk_used + sample->disk_available)),
                        .load = sample->load[0],
                        .received_per_s = sample->received_per_s,
                        .sent_per_s = sample->sent_per_s,
                        .has_pressure = sample->cpu.some.is_there,
                        .cpu_pressure = sample->cpu.some.avg10,
                        .memory_pressure = sample->mem.some.avg10,
                        .io_pressure = sample->io.some.avg10};
}

void write_point(const struct system *s, const struct point *point, bp_json_writer out) {
  char time[KIT_TIME_BYTES];
  s->json->object_begin(out);
  put_text(s, out, "timestamp", kit_time_text(point->time_ns, time));
  put_real(s, out, "cpu", point->cpu);
  put_real(s, out, "memory", point->memory);
  put_real(s, out, "disk", point->disk);
  put_real(s, out, "load", point->load);
  put_integer(s, out, "receivedPerSecond", (uint64_t)point->received_per_s);
  put_integer(s, out, "sentPerSecond", (uint64_t)point->sent_per_s);
  if (point->has_pressure) {
    put_real(s, out, "cpuPressure", point->cpu_pressure);
    put_real(s, out, "memoryPressure", point->memory_pressure);
    put_real(s, out, "ioPressure", point->io_pressure);
  }
  s->json->object_end(out);
}

void system_stats(void *state, bp_request request) {
  sampler_answer(state, request);
}

void system_history(void *state, bp_request request) {
  const struct system *s = state;
  bp_json_writer out = 0;
  int64_t wanted = HISTORY_MOST;
  s->http->param_integer(request, BP_LIT("limit"), &wanted);
  unsigned count = wanted < s->history_count ? (unsigned)wanted : s->history_count;
  bp_status status = s->json->writer_new(s->self, &out);
  if (status != BP_OK) {
    s->http->reply_failure(request, status, NULL);
    return;
  }
  s->json->object_begin(out);
  s->json->key(out, BP_LIT("success"));
  s->json->put_boolean(out, 1);
  put_integer(s, out, "intervalSeconds", (uint64_t)s->history_every_s);
  put_integer(s, out, "count", count);
  s->json->key(out, BP_LIT("samples"));
  s->json->array_begin(out);
  for (unsigned i = count; i > 0; i--)
    write_point(s, &s->history[(s->history_next + HISTORY_MOST - i) % HISTORY_MOST], out);
  s->json->array_end(out);
  s->json->object_end(out);
  s->http->reply_json(request, 200, out);
  s->json->writer_free(out);
}
