/* GET /api/vscode/list: the repositories, with counts of what has changed in those under git; and GET /api/vscode/status. */
#include "vscode.h"

#include <stdlib.h>

#define SERVICE_MS 10000
#define GIT_MS 5000
#define ASKED_AT_ONCE 8
#define LIMIT_REPOSITORIES 10000

/* ---- list ---- */

struct counts {
  int64_t modified, added, deleted;
  bool are_known;
};

struct listing {
  struct kit_call call;
  struct vscode *module;
  bp_json repositories;
  struct counts *counts;
  uint32_t count, next, asked;
};

struct question {
  struct listing *listing;
  uint32_t index;
};

static void put_repository(const struct vscode *v, bp_json_writer out, bp_json repository, const struct counts *counts) {
  uint64_t cursor = 0;
  bp_str key;
  bp_json value = 0;
  v->json->object_begin(out);
  while (v->json->next(repository, &cursor, &key, &value) == BP_OK) {
    v->json->key(out, key);
    v->json->put_value(out, value);
  }
  if (counts->are_known) {
    put_number(v->json, out, "modified", counts->modified);
    put_number(v->json, out, "added", counts->added);
    put_number(v->json, out, "deleted", counts->deleted);
  }
  v->json->object_end(out);
}

static void answer(struct listing *l) {
  const struct vscode *v = l->module;
  bp_json_writer out = 0;
  bp_status status = v->json->writer_new(v->self, &out);
  if (status == BP_OK) {
    bp_json repository = 0;
    v->json->object_begin(out);
    v->json->key(out, BP_LIT("success"));
    v->json->put_boolean(out, 1);
    v->json->key(out, BP_LIT("repositories"));
    v->json->array_begin(out);
    for (uint32_t i = 0; i < l->count && v->json->at(l->repositories, i, &repository) == BP_OK; i++)
      put_repository(v, out, repository, &l->counts[i]);
    v->json->array_end(out);
    v->json->object_end(out);
  }
  v->json->release(v->self, l->repositories);
  free(l->counts);
  if (status == BP_OK)
    kit_call_json(l, 200, v->json, out);
  else
    kit_call_refuse(l, status, NULL);
}

static int64_t length_of(const struct vscode *v, bp_json changes, const char *name) {
  bp_json list = 0;
  return v->json->get(changes, str_z(name), &list) == BP_OK ? v->json->count(list) : 0;
}

static void ask_more(struct listing *l);

static void on_changes(void *ctx, bp_status status, bp_str payload) {
  struct question question = *(struct question *)ctx;
  struct listing *l = question.listing;
  const struct vscode *v = l->module;
  bp_json changes = 0;
  free(ctx);
  l->asked--;
  if (status == BP_OK && v->json->parse(v->self, payload, &changes, NULL) == BP_OK) {
    l->counts[question.index] = (struct counts){
        .modified = length_of(v, changes, "modified"),
        .added = length_of(v, changes, "added") + length_of(v, changes, "untracked"),
        .deleted = length_of(v, changes, "deleted"),
        .are_known = true,
    };
    v->json->release(v->self, changes);
  }
  ask_more(l);
}

/* False: nothing was asked about this one. */
static bool ask_one(struct listing *l, bp_json repository) {
  const struct vscode *v = l->module;
  bp_json type = 0, path = 0;
  bp_str word, payload = {NULL, 0};
  bp_json_writer out = 0;
  if (v->json->get(repository, BP_LIT("type"), &type) != BP_OK || v->json->string(type, &word) != BP_OK || !kit_same(word, "git") ||
      v->json->get(repository, BP_LIT("path"), &path) != BP_OK || v->json->writer_new(v->self, &out) != BP_OK)
    return false;
  struct question *question = malloc(sizeof(*question));
  v->json->object_begin(out);
  v->json->key(out, BP_LIT("path"));
  v->json->put_value(out, path);
  v->json->object_end(out);
  bool is_asked = question && v->json->writer_text(out, &payload, NULL) == BP_OK;
  if (is_asked) {
    *question = (struct question){l, l->next};
    is_asked = v->service->call(v->self, BP_LIT("git/1"), BP_LIT("changes"), payload, GIT_MS, on_changes, question) == BP_OK;
  }
  if (!is_asked)
    free(question);
  v->json->writer_free(out);
  return is_asked;
}

static void ask_more(struct listing *l) {
  bp_json repository = 0;
  while (l->asked < ASKED_AT_ONCE && l->next < l->count) {
    if (l->module->json->at(l->repositories, l->next, &repository) == BP_OK && ask_one(l, repository))
      l->asked++;
    l->next++;
  }
  if (l->asked == 0)
    answer(l);
}

static void on_repositories(void *ctx, bp_status status, bp_str payload) {
  struct listing *l = ctx;
  const struct vscode *v = l->module;
  if (status == BP_OK)
    status = v->json->parse(v->self, payload, &l->repositories, NULL);
  if (status != BP_OK) {
    kit_call_refuse(l, status, NULL);
    return;
  }
  uint32_t count = v->json->count(l->repositories);
  l->count = count > LIMIT_REPOSITORIES ? LIMIT_REPOSITORIES : count;
  l->counts = calloc(l->count ? l->count : 1, sizeof(l->counts[0]));
  if (l->counts) {
    ask_more(l);
    return;
  }
  v->json->release(v->self, l->repositories);
  kit_call_refuse(l, BP_E_NO_MEMORY, NULL);
}

void vscode_list(void *state, bp_request request) {
  struct vscode *v = state;
  struct listing *l = kit_call_new(v->self, v->http, NULL, request, sizeof(*l));
  if (!l)
    return;
  l->module = v;
  bp_status status = v->service->call(v->self, BP_LIT("repositories/1"), BP_LIT("list"), BP_LIT("{}"), SERVICE_MS, on_repositories, l);
  if (status != BP_OK)
    kit_call_refuse(l, status, NULL);
}

/* ---- status: three lists, each from the module that has it; one that is not enabled has none ---- */

static const struct {
  const char *member, *service, *method;
} parts[] = {
    {"repositories", "repositories/1", "list"},
    {"deployments", "deployments/1", "list"},
    {"flows", "flow/1", "sessions"},
};
#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

struct overview {
  struct kit_call call;
  struct vscode *module;
  bp_json_writer out;
  unsigned next;
};

static void next_part(struct overview *o);

static void on_part(void *ctx, bp_status status, bp_str payload) {
  struct overview *o = ctx;
  const struct vscode *v = o->module;
  v->json->key(o->out, str_z(parts[o->next++].member));
  v->json->put_raw(o->out, status == BP_OK && payload.len && payload.ptr[0] == '[' ? payload : BP_LIT("[]"));
  next_part(o);
}

static void next_part(struct overview *o) {
  const struct vscode *v = o->module;
  if (o->next == PART_COUNT) {
    v->json->object_end(o->out);
    kit_call_json(o, 200, v->json, o->out);
    return;
  }
  if (v->service->call(v->self, str_z(parts[o->next].service), str_z(parts[o->next].method), BP_LIT("{}"), SERVICE_MS, on_part, o) != BP_OK)
    on_part(o, BP_E_BUSY, BP_LIT(""));
}

void vscode_status(void *state, bp_request request) {
  struct vscode *v = state;
  struct overview *o = kit_call_new(v->self, v->http, NULL, request, sizeof(*o));
  if (!o)
    return;
  o->module = v;
  bp_status status = v->json->writer_new(v->self, &o->out);
  if (status != BP_OK) {
    kit_call_refuse(o, status, NULL);
    return;
  }
  v->json->object_begin(o->out);
  v->json->key(o->out, BP_LIT("success"));
  v->json->put_boolean(o->out, 1);
  next_part(o);
}
