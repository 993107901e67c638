/* POST /api/deployments: the members are checked -> the repository is looked up -> the environment is put away as a secret -> the
 * deployment is stored. A secret without a deployment, of a host that died in between, is named by nobody. */
#include "deployments.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE_MS 10000
#define PORT_MOST 65535

struct creation {
  struct kit_call call;
  struct deployments *module;
  int64_t repository_id, port, instances;
  char name[NAME_BYTES + 1], mode[16], env_key[40];
  char *domain, *health_path, *env_names, *services, *dependencies;
  struct environment env;
  bp_json repository; /* as its module answered, or 0 */
};

/* ---- Ends ---- */

static void release(struct creation *c) {
  free(c->domain);
  free(c->health_path);
  free(c->env_names);
  free(c->services);
  free(c->dependencies);
  env_release(&c->env);
  if (c->repository)
    c->module->json->release(c->module->self, c->repository);
}

static void refuse(struct creation *c, uint32_t status, const char *message) {
  release(c);
  kit_call_problem(c, status, str_z(message));
}

static void refuse_status(struct creation *c, bp_status status, const bp_error *err) {
  release(c);
  kit_call_refuse(c, status, err);
}

static void forgotten(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  (void)ctx;
  (void)status; /* nobody names it */
  (void)value;
  (void)err;
}

/* ---- Storing ---- */

static void answer(struct creation *c, const struct row *row) {
  const struct deployments *d = c->module;
  char message[NAME_BYTES + 64];
  bp_json_writer out = 0;
  bp_status status = d->json->writer_new(d->self, &out);
  if (status != BP_OK) {
    refuse_status(c, status, NULL);
    return;
  }
  snprintf(message, sizeof(message), "Deployment created successfully for %s", row->name);
  d->json->object_begin(out);
  d->json->key(out, BP_LIT("success"));
  d->json->put_boolean(out, 1);
  d->json->key(out, BP_LIT("deployment"));
  query_put(d, out, row, c->repository);
  put_text(d->json, out, "message", message);
  d->json->object_end(out);
  release(c);
  kit_call_json(c, 200, d->json, out);
}

static void refuse_stored(struct creation *c, const bp_db_outcome *outcome) {
  const struct deployments *d = c->module;
  if (c->env_key[0])
    d->secret->remove(d->self, BP_LIT("deployment"), str_z(c->env_key), forgotten, NULL);
  if (outcome->status == BP_E_CONFLICT && outcome->failed_step == 0)
    refuse(c, 400, "There are 1000 deployments already: delete one first");
  else if (outcome->status == BP_E_CONFLICT && outcome->failed_step == 1)
    refuse(c, 400, "dependsOn names a deployment that does not exist");
  else
    refuse_status(c, outcome->status, outcome->error);
}

static void on_stored(void *ctx, const bp_db_outcome *outcome) {
  struct creation *c = ctx;
  struct row row;
  if (outcome->status != BP_OK) {
    refuse_stored(c, outcome);
    return;
  }
  if (!row_read(c->module, outcome, 4, 0, &row)) {
    refuse_status(c, BP_E_NO_MEMORY, NULL);
    return;
  }
  event_updated(c->module, row.id, "create", row.status, NULL);
  answer(c, &row);
  row_release(&row);
}

static bp_str text_or_null(const char *text) {
  return text && text[0] ? str_z(text) : bp_str_make(NULL, 0);
}

static void store(struct creation *c) {
  const struct deployments *d = c->module;
  const bp_db_value most[] = {db_integer(LIMIT_DEPLOYMENTS - 1)};
  const bp_db_value dependencies[] = {db_text(str_z(c->dependencies))};
  const bp_db_value values[] = {
      db_integer(c->repository_id), db_text(str_z(c->name)),         db_text(text_or_null(c->domain)),      db_integer(c->port),
      db_text(str_z(c->mode)),      db_integer(c->instances),        db_text(text_or_null(c->env_key)),     db_text(str_z(c->env_names)),
      db_text(str_z(c->services)),  db_text(str_z(c->dependencies)), db_text(text_or_null(c->health_path)), db_text(text_or_null(c->health_path)),
  };
  const bp_db_value made[] = {{.size = sizeof(bp_db_value), .type = BP_DB_ROWID, .step = 2}};
  bp_db_step steps[] = {db_exec(COUNT_ENTRIES, most, 1), db_exec(MISSING_DEPENDENCY, dependencies, 1), db_exec(INSERT_ENTRY, values, 11),
                        db_publish(BP_LIT("deployments.created"), BP_LIT(""), 2), db_exec(ENTRY_BY_ID, made, 1)};
  const bp_array all = BP_ARRAY(steps);
  steps[0].expect = steps[1].expect = BP_DB_NONE;
  bp_status status = d->db->write(d->self, all, on_stored, c);
  if (status != BP_OK)
    refuse_status(c, status, NULL);
}

/* ---- The environment ---- */

static void on_secret(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  struct creation *c = ctx;
  (void)value;
  if (status == BP_OK)
    store(c);
  else if (status == BP_E_LIMIT)
    refuse(c, 400, "customEnvVars are larger than 64 KiB together");
  else
    refuse_status(c, status, err);
}

static void new_key(const struct deployments *d, char key[40]) {
  unsigned char bytes[16];
  d->core->random_bytes(bytes, sizeof(bytes));
  for (unsigned i = 0; i < sizeof(bytes); i++)
    snprintf(key + 2 * i, 3, "%02x", bytes[i]);
}

static void put_secret(struct creation *c) {
  const struct deployments *d = c->module;
  bp_json_writer out = 0;
  bp_str text = {NULL, 0};
  if (c->env.count == 0) {
    store(c);
    return;
  }
  new_key(d, c->env_key);
  bp_status status = d->json->writer_new(d->self, &out);
  if (status == BP_OK) {
    env_write(&c->env, d->json, out);
    status = d->json->writer_text(out, &text, NULL);
  }
  if (status == BP_OK)
    status = d->secret->put(d->self, BP_LIT("deployment"), str_z(c->env_key), text, 0, on_secret, c);
  if (out)
    d->json->writer_free(out);
  if (status == BP_E_LIMIT)
    refuse(c, 400, "customEnvVars are larger than 64 KiB together");
  else if (status != BP_OK)
    refuse_status(c, status, NULL);
}

/* ---- The repository ---- */

/* The last part of a path, without what a name may not hold. */
static void name_from_path(struct creation *c, bp_str path) {
  while (path.len > 1 && path.ptr[path.len - 1] == '/')
    path.len--;
  size_t from = path.len;
  while (from > 0 && path.ptr[from - 1] != '/')
    from--;
  snprintf(c->name, sizeof(c->name), "%.*s", (int)(path.len - from), path.ptr + from);
}

static void on_repository(void *ctx, bp_status status, bp_str payload) {
  struct creation *c = ctx;
  const struct deployments *d = c->module;
  bp_str path;
  if (status == BP_E_NOT_FOUND) {
    refuse(c, 404, "Repository not found");
    return;
  }
  if (status == BP_OK)
    status = d->json->parse(d->self, payload, &c->repository, NULL);
  if (status != BP_OK) {
    refuse_status(c, status, NULL);
    return;
  }
  if (!c->name[0] && kit_field_text(d->json, c->repository, "path", &path) && path.ptr)
    name_from_path(c, path);
  if (c->port == 0)
    c->port = kit_field_number(d->json, c->repository, "port");
  if (c->port <= 0)
    refuse(c, 400, "port is missing, and the repository has none");
  else
    put_secret(c);
}

/* ---- What was sent ---- */

/* An array of the given type, as JSON text. */
static bool read_list(const struct deployments *d, bp_json facts, const char *name, bool are_texts, uint32_t most, char **ret) {
  bp_json list = 0, item = 0;
  bp_str text = {NULL, 0};
  int64_t number = 0;
  bool is_good = !kit_field(d->json, facts, name, &list) || (d->json->type(list) == BP_JSON_ARRAY && d->json->count(list) <= most);
  for (uint32_t i = 0; is_good && list && d->json->at(list, i, &item) == BP_OK; i++)
    is_good = are_texts ? d->json->string(item, &text) == BP_OK : d->json->integer(item, &number) == BP_OK && number > 0;
  bp_json_writer out = 0;
  if (!is_good || d->json->writer_new(d->self, &out) != BP_OK)
    return false;
  d->json->array_begin(out);
  for (uint32_t i = 0; list && d->json->at(list, i, &item) == BP_OK; i++)
    d->json->put_value(out, item);
  d->json->array_end(out);
  if (d->json->writer_text(out, &text, NULL) == BP_OK)
    *ret = str_dup(text);
  d->json->writer_free(out);
  return *ret != NULL;
}

/* The variables of the body whose names the rules allowed. */
static const char *read_env(struct creation *c, bp_json body, bp_json facts, char *text, size_t bytes) {
  const struct deployments *d = c->module;
  struct environment sent = {0};
  bp_json value = 0, names = 0, item = 0;
  bp_str name;
  if (!kit_field(d->json, body, "customEnvVars", &value))
    return NULL;
  const char *fault = env_read(&sent, d->json, value, text, bytes);
  bool has_names = !fault && d->json->get(facts, BP_LIT("env"), &names) == BP_OK;
  for (uint32_t i = 0; has_names && d->json->at(names, i, &item) == BP_OK; i++) {
    char label[160];
    if (d->json->string(item, &name) != BP_OK || name.len >= sizeof(label))
      continue;
    snprintf(label, sizeof(label), "%.*s", (int)name.len, name.ptr);
    const char *content = env_value(&sent, label);
    if (content && !env_set(&c->env, name, str_z(content)))
      fault = "out of memory";
  }
  env_release(&sent);
  return fault;
}

static bool write_names(struct creation *c) {
  const bp_json_1 *json = c->module->json;
  bp_json_writer out = 0;
  bp_str text = {NULL, 0};
  if (json->writer_new(c->module->self, &out) != BP_OK)
    return false;
  json->array_begin(out);
  for (size_t i = 0; i < c->env.count; i++)
    json->put_string(out, str_z(c->env.variables[i].name));
  json->array_end(out);
  if (json->writer_text(out, &text, NULL) == BP_OK)
    c->env_names = str_dup(text);
  json->writer_free(out);
  return c->env_names != NULL;
}

static const char *read_name(struct creation *c, bp_str name) {
  for (size_t i = 0; i < name.len; i++)
    if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f)
      return "name must not hold control characters";
  if (name.len > NAME_BYTES)
    return "name must be at most 128 bytes";
  if (name.len)
    snprintf(c->name, sizeof(c->name), "%.*s", (int)name.len, name.ptr);
  return NULL;
}

/* A path as a probe takes it. */
static const char *read_health(struct creation *c, bp_json facts) {
  bp_str path;
  bool is_good = kit_field_text(c->module->json, facts, "healthPath", &path) && path.len <= 1024 && (path.len == 0 || path.ptr[0] == '/');
  for (size_t i = 0; is_good && i < path.len; i++)
    is_good = path.ptr[i] > 0x20 && path.ptr[i] < 0x7f;
  if (!is_good)
    return "healthPath must begin with \"/\" and be visible ASCII of at most 1024 bytes";
  c->health_path = path.len ? str_dup(path) : NULL;
  return NULL;
}

static const char *read_plain(struct creation *c, bp_json facts) {
  const struct deployments *d = c->module;
  bp_str name, domain, mode;
  if (!kit_field_text(d->json, facts, "name", &name) || !kit_field_text(d->json, facts, "domain", &domain) ||
      !kit_field_text(d->json, facts, "mode", &mode))
    return "name, domain and mode must be strings";
  if (mode.len && !kit_same(mode, "fork") && !kit_same(mode, "cluster"))
    return "mode must be \"fork\" or \"cluster\"";
  if (domain.len > 253)
    return "domain must be at most 253 bytes";
  const char *fault = read_health(c, facts);
  if (fault)
    return fault;
  c->port = kit_field_number(d->json, facts, "port");
  if (c->port < 0 || c->port > PORT_MOST)
    return "port must be an integer from 1 to 65535";
  c->instances = kit_field_number(d->json, facts, "instances");
  if (c->instances < 0 || c->instances > INSTANCES_MOST)
    return "instances must be an integer from 1 to 64";
  c->instances = c->instances ? c->instances : 1;
  snprintf(c->mode, sizeof(c->mode), "%s", kit_same(mode, "cluster") ? "cluster" : "fork");
  c->domain = domain.len ? str_dup(domain) : NULL;
  return read_name(c, name);
}

static const char *read_all(struct creation *c, bp_json body, bp_json facts, char *text, size_t bytes) {
  const struct deployments *d = c->module;
  const char *fault = read_plain(c, facts);
  if (fault)
    return fault;
  if (strcmp(c->mode, "fork") == 0 && c->instances > 1)
    snprintf(c->mode, sizeof(c->mode), "cluster"); /* several of them on one port are a cluster */
  if (!read_list(d, facts, "selectedServices", true, LIMIT_SERVICES, &c->services))
    return "selectedServices must be a list of at most 20 names";
  if (!read_list(d, facts, "dependsOn", false, LIMIT_DEPENDENCIES, &c->dependencies))
    return "dependsOn must be a list of at most 20 ids of deployments";
  fault = read_env(c, body, facts, text, bytes);
  if (!fault && !write_names(c))
    fault = "out of memory";
  return fault;
}

/* 0, "", false and null are as good as nothing, as in the original. */
static bool has_repository(const struct deployments *d, bp_json facts, bp_json *ret) {
  bp_str text;
  int64_t number;
  if (!kit_field(d->json, facts, "repository_id", ret) || d->json->type(*ret) == BP_JSON_FALSE)
    return false;
  if (d->json->string(*ret, &text) == BP_OK)
    return text.len > 0;
  return d->json->integer(*ret, &number) != BP_OK || number != 0;
}

void deployments_create(void *state, bp_request request) {
  struct deployments *d = state;
  bp_json facts = 0, body = 0, repository = 0;
  char text[MESSAGE_BYTES], payload[48];
  struct creation *c = kit_call_new(d->self, d->http, d->db, request, sizeof(*c));
  if (!c)
    return;
  c->module = d;
  d->http->facts(request, &facts);
  d->http->body(request, &body);
  if (!has_repository(d, facts, &repository)) {
    refuse(c, 400, "Missing required field: repositoryId or repoId");
    return;
  }
  const char *fault = read_all(c, body, facts, text, sizeof(text));
  if (fault) {
    refuse(c, 400, fault);
    return;
  }
  if (d->json->integer(repository, &c->repository_id) != BP_OK || c->repository_id <= 0) {
    refuse(c, 404, "Repository not found"); /* ids are numbers, and compared as such */
    return;
  }
  snprintf(payload, sizeof(payload), "{\"id\":%lld}", (long long)c->repository_id);
  bp_status status = d->service->call(d->self, BP_LIT("repositories/1"), BP_LIT("get"), str_z(payload), SERVICE_MS, on_repository, c);
  if (status != BP_OK)
    refuse_status(c, status, NULL);
}
