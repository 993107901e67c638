/* Looking deployments up: GET /api/deployments with what their repositories are called, GET /api/pm2-processes, and for other modules the
 * service deployments/1, method list {}, which answers what the first has in `deployments`. All show figures measured for this answer. */
#include "deployments.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE_MS 5000
#define MASK "********"

struct listing {
  struct deployments *module;
  bp_request request;      /* 0: a call of the service */
  bp_service_call service; /* 0: a request */
  void (*put)(const struct listing *listing, bp_json_writer out);
  bp_json repositories; /* the parsed answer, or 0 */
  struct row *rows;
  uint32_t count;
};

/* ---- One deployment ---- */

static void put_masked(const struct deployments *d, bp_json_writer out, const char *names) {
  bp_json list = 0, item = 0;
  bp_str name;
  d->json->key(out, BP_LIT("customEnvVars"));
  d->json->object_begin(out);
  if (d->json->parse(d->self, str_z(names), &list, NULL) == BP_OK) {
    for (uint32_t i = 0; d->json->at(list, i, &item) == BP_OK; i++)
      if (d->json->string(item, &name) == BP_OK)
        json_text_member(d->json, out, name, BP_LIT(MASK));
    d->json->release(d->self, list);
  }
  d->json->object_end(out);
}

static void put_figures(const struct deployments *d, bp_json_writer out, const struct running *running) {
  bool is_online = running && running->is_online;
  int64_t now_ms = d->core->now_wall_ns() / 1000000;
  d->json->key(out, BP_LIT("pid"));
  if (is_online && running->pid)
    d->json->put_integer(out, running->pid);
  else
    d->json->put_null(out);
  put_number(d->json, out, "memory", is_online ? running->memory_bytes : 0);
  d->json->key(out, BP_LIT("cpu"));
  d->json->put_real(out, is_online ? running->cpu_percent : 0);
  put_number(d->json, out, "uptime", is_online && now_ms > running->started_ms ? (now_ms - running->started_ms) / 1000 : 0);
}

/* Only of one that waits to be tried again. */
static void put_retry(const struct deployments *d, bp_json_writer out, int64_t id) {
  const struct retry *retry = retry_find(d, id);
  char time[KIT_TIME_BYTES];
  if (!retry)
    return;
  d->json->key(out, BP_LIT("retry"));
  d->json->object_begin(out);
  put_text(d->json, out, "reason", retry->reason);
  json_text_member(d->json, out, BP_LIT("at"), kit_time_text(retry->at_ms * 1000000, time));
  d->json->object_end(out);
}

static void put_repository(const struct deployments *d, bp_json_writer out, bp_json repository) {
  bp_str name = {NULL, 0}, path = {NULL, 0};
  if (repository) {
    kit_field_text(d->json, repository, "name", &name);
    kit_field_text(d->json, repository, "path", &path);
  }
  json_text_member(d->json, out, BP_LIT("repositoryName"), name.ptr ? name : BP_LIT("Unknown"));
  d->json->key(out, BP_LIT("repositoryPath"));
  if (path.ptr)
    d->json->put_string(out, path);
  else
    d->json->put_null(out);
}

/* NULL where nobody asks for it. */
static const char *health_text(const struct row *row, const struct running *running) {
  static const char *const words[] = {[BP_HEALTH_UNKNOWN] = "unknown", [BP_HEALTH_HEALTHY] = "healthy", [BP_HEALTH_UNHEALTHY] = "unhealthy"};
  return row->health_path && running && running->is_online && running->health <= BP_HEALTH_UNHEALTHY ? words[running->health] : NULL;
}

/* After a start of the host the row says what ran before, until it has been started again. */
static const char *status_text(const struct row *row, const struct running *running) {
  bool is_online = running && running->is_online;
  return !is_online && strcmp(row->status, "running") == 0 ? "stopped" : row->status;
}

void query_put(const struct deployments *d, bp_json_writer out, const struct row *row, bp_json repository) {
  const bp_json_1 *json = d->json;
  const struct running *running = running_find(d, row->id);
  json->object_begin(out);
  put_number(json, out, "id", row->id);
  put_number(json, out, "repositoryId", row->repository_id);
  put_text(json, out, "name", row->name);
  put_text(json, out, "domain", row->domain);
  put_number(json, out, "port", row->port);
  put_text(json, out, "status", status_text(row, running));
  put_text(json, out, "mode", row->mode);
  put_number(json, out, "instances", row->instances);
  put_figures(d, out, running);
  put_number(json, out, "restarts", running ? running->restarts : row->restarts);
  put_text(json, out, "healthPath", row->health_path);
  put_text(json, out, "health", health_text(row, running));
  put_retry(d, out, row->id);
  json->key(out, BP_LIT("selectedServices"));
  json->put_raw(out, str_z(row->services));
  json->key(out, BP_LIT("dependsOn"));
  json->put_raw(out, str_z(row->dependencies));
  put_masked(d, out, row->env_names);
  put_text(json, out, "createdAt", row->created_at);
  put_text(json, out, "updatedAt", row->updated_at);
  put_repository(d, out, repository);
  json->object_end(out);
}

/* ---- The steps: measure, rows, repositories ---- */

static void listing_free(struct listing *listing) {
  if (listing->repositories)
    listing->module->json->release(listing->module->self, listing->repositories);
  for (uint32_t i = 0; i < listing->count; i++)
    row_release(&listing->rows[i]);
  free(listing->rows);
  free(listing);
}

static void refuse(struct listing *listing, bp_status status, const bp_error *err) {
  const struct deployments *d = listing->module;
  if (listing->request)
    d->http->reply_failure(listing->request, status, err);
  else
    d->service->answer(listing->service, status, err ? str_z(err->message) : BP_LIT(""));
  listing_free(listing);
}

static void reply(const struct listing *listing, bp_json_writer out) {
  const struct deployments *d = listing->module;
  d->json->object_begin(out);
  d->json->key(out, BP_LIT("success"));
  d->json->put_boolean(out, 1);
  listing->put(listing, out);
  d->json->object_end(out);
  d->http->reply_json(listing->request, 200, out);
}

static void answer_service(const struct listing *listing, bp_json_writer out) {
  const struct deployments *d = listing->module;
  bp_str text = {NULL, 0};
  listing->put(listing, out);
  bp_status status = d->json->writer_text(out, &text, NULL);
  d->service->answer(listing->service, status, text);
}

static void answer(struct listing *listing) {
  const struct deployments *d = listing->module;
  bp_json_writer out = 0;
  bp_status status = d->json->writer_new(d->self, &out);
  if (status != BP_OK) {
    refuse(listing, status, NULL);
    return;
  }
  if (listing->request)
    reply(listing, out);
  else
    answer_service(listing, out);
  d->json->writer_free(out);
  listing_free(listing);
}

static void on_repositories(void *ctx, bp_status status, bp_str payload) {
  struct listing *listing = ctx;
  if (status == BP_OK) /* without them the deployments are shown all the same */
    listing->module->json->parse(listing->module->self, payload, &listing->repositories, NULL);
  answer(listing);
}

static void on_rows(void *ctx, const bp_db_outcome *outcome) {
  struct listing *listing = ctx;
  const struct deployments *d = listing->module;
  if (outcome->status != BP_OK) {
    refuse(listing, outcome->status, outcome->error);
    return;
  }
  uint32_t count = d->db->rows(outcome->result, 0);
  listing->rows = calloc(count ? count : 1, sizeof(listing->rows[0]));
  while (listing->rows && listing->count < count && row_read(d, outcome, 0, listing->count, &listing->rows[listing->count]))
    listing->count++;
  if (listing->count < count || !listing->rows) {
    refuse(listing, BP_E_NO_MEMORY, NULL);
  } else if (d->service->call(d->self, BP_LIT("repositories/1"), BP_LIT("list"), BP_LIT("{}"), SERVICE_MS, on_repositories, listing) != BP_OK) {
    answer(listing);
  }
}

static void read_rows(void *ctx) {
  struct listing *listing = ctx;
  const struct deployments *d = listing->module;
  const bp_db_query query = {.size = sizeof(query), .statement = ALL_ENTRIES, .max_rows = LIMIT_DEPLOYMENTS};
  const bp_array all = {&query, 1, (uint32_t)sizeof(query)};
  bp_status status = d->db->read(d->self, all, 0, on_rows, listing);
  if (status != BP_OK)
    refuse(listing, status, NULL);
}

static void begin(struct deployments *d, bp_request request, bp_service_call service,
                  void (*put)(const struct listing *listing, bp_json_writer out)) {
  struct listing *listing = calloc(1, sizeof(*listing));
  if (request)
    d->http->defer(request, NULL, NULL);
  if (!listing) {
    if (request)
      d->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    else
      d->service->answer(service, BP_E_NO_MEMORY, BP_LIT("out of memory"));
    return;
  }
  *listing = (struct listing){.module = d, .request = request, .service = service, .put = put};
  if (!metrics_sample(d, read_rows, listing))
    read_rows(listing);
}

/* ---- GET /api/deployments ---- */

static bp_json repository_of(const struct listing *listing, int64_t id) {
  const bp_json_1 *json = listing->module->json;
  bp_json item = 0, value = 0;
  int64_t number = 0;
  for (uint32_t i = 0; listing->repositories && json->at(listing->repositories, i, &item) == BP_OK; i++)
    if (json->get(item, BP_LIT("id"), &value) == BP_OK && json->integer(value, &number) == BP_OK && number == id)
      return item;
  return 0;
}

static void put_array(const struct listing *listing, bp_json_writer out) {
  const bp_json_1 *json = listing->module->json;
  json->array_begin(out);
  for (uint32_t i = 0; i < listing->count; i++)
    query_put(listing->module, out, &listing->rows[i], repository_of(listing, listing->rows[i].repository_id));
  json->array_end(out);
}

static void put_deployments(const struct listing *listing, bp_json_writer out) {
  const bp_json_1 *json = listing->module->json;
  json->key(out, BP_LIT("deployments"));
  put_array(listing, out);
  put_number(json, out, "count", listing->count);
}

void deployments_list(void *state, bp_request request) {
  begin(state, request, 0, put_deployments);
}

/* ---- GET /api/pm2-processes: the same processes in the words of PM2 ---- */

static const char *pm2_status(const struct row *row, const struct running *running) {
  if (running && running->is_online)
    return "online";
  return strcmp(row->status, "error") == 0 ? "errored" : "stopped";
}

static void put_process(const struct deployments *d, bp_json_writer out, const struct row *row) {
  const bp_json_1 *json = d->json;
  const struct running *running = running_find(d, row->id);
  bool is_online = running && running->is_online;
  char name[NAME_BYTES + 32], id[24], time[32];
  snprintf(id, sizeof(id), "%lld", (long long)row->id);
  json->object_begin(out);
  put_text(json, out, "id", id);
  json_text_member(json, out, BP_LIT("name"), row_process_name(row, name));
  put_text(json, out, "status", pm2_status(row, running));
  json_text_member(json, out, BP_LIT("uptime"), kit_time_text((is_online ? running->started_ms : row->started_ms) * 1000000, time));
  json->key(out, BP_LIT("cpu"));
  json->put_real(out, is_online ? running->cpu_percent : 0);
  put_number(json, out, "memory", is_online ? running->memory_bytes : 0);
  put_number(json, out, "restarts", running ? running->restarts : row->restarts);
  put_number(json, out, "pid", is_online ? running->pid : 0);
  put_text(json, out, "mode", row->mode);
  put_number(json, out, "instances", row->instances);
  json->object_end(out);
}

static void put_processes(const struct listing *listing, bp_json_writer out) {
  const bp_json_1 *json = listing->module->json;
  int64_t count = 0;
  json->key(out, BP_LIT("processes"));
  json->array_begin(out);
  for (uint32_t i = 0; i < listing->count; i++) {
    if (listing->rows[i].started_ms == 0)
      continue; /* it has never run */
    put_process(listing->module, out, &listing->rows[i]);
    count++;
  }
  json->array_end(out);
  put_number(json, out, "count", count);
}

void deployments_processes(void *state, bp_request request) {
  const struct deployments *d = state;
  if (d->pm2)
    pm2_processes(state, request);
  else
    begin(state, request, 0, put_processes);
}

/* ---- The service ---- */

static void on_call(void *ctx, bp_service_call call, bp_str method, bp_str payload) {
  struct deployments *d = ctx;
  (void)payload;
  if (kit_same(method, "list"))
    begin(d, 0, call, put_array);
  else
    d->service->answer(call, BP_E_UNSUPPORTED, BP_LIT("deployments/1 has the method list"));
}

bp_status queries_serve(struct deployments *d) {
  return d->service->serve(d->self, BP_LIT(SERVICE_NAME), on_call, d);
}
