/* What a server offers: read from it page by page when it starts, kept in the store, compared when it says that it changed. */
#include "instance.h"
#include "statements.h"

#include <stdlib.h>
#include <string.h>

#define PAGES_MOST 200u
#define ITEMS_MOST 10000u

const char *const list_members[LIST_KINDS] = {"tools", "resources", "resourceTemplates", "prompts"};
const char *const list_methods[LIST_KINDS] = {"tools/list", "resources/list", "resources/templates/list", "prompts/list"};
static const char *const list_abilities[LIST_KINDS] = {"tools", "resources", "resources", "prompts"};

struct discovery {
  void (*done)(struct instance *instance, unsigned changed);
  unsigned kind, pages, items;
  bp_json_writer out; /* the array of this kind */
  struct manifest found;
};

void manifest_release(const struct mcp *m, struct manifest *manifest) {
  for (int i = 0; i < LIST_KINDS; i++)
    if (manifest->lists[i])
      m->json->release(m->self, manifest->lists[i]);
  if (manifest->capabilities)
    m->json->release(m->self, manifest->capabilities);
  *manifest = (struct manifest){0};
}

bp_json manifest_parse(const struct mcp *m, bp_str text) {
  bp_json root = 0;
  if (text.ptr)
    m->json->parse(m->self, text, &root, NULL);
  return root;
}

/* ---- Keeping ---- */

static void on_stored(void *ctx, const bp_db_outcome *outcome) {
  struct mcp *m = ctx;
  if (outcome->status != BP_OK && outcome->status != BP_E_CANCELLED)
    say(m, BP_LOG_WARN, "the lists of a server could not be stored", str_z(outcome->error->message));
}

void manifest_store(struct mcp *m, const char *server_id, const struct manifest *manifest) {
  char *texts[LIST_KINDS + 1];
  for (int i = 0; i < LIST_KINDS; i++)
    texts[i] = json_copy(m, manifest->lists[i]);
  texts[LIST_KINDS] = json_copy(m, manifest->capabilities);
  bp_db_value values[LIST_KINDS + 2] = {db_text(str_z(server_id))};
  for (int i = 0; i <= LIST_KINDS; i++)
    values[i + 1] = texts[i] ? db_text(str_z(texts[i])) : db_null();
  const bp_db_value index[] = {values[0], texts[LIST_TOOLS] ? values[1 + LIST_TOOLS] : db_text(BP_LIT("[]"))};
  const bp_db_step steps[] = {db_exec(SET_MANIFEST, values, LIST_KINDS + 2), db_exec(CLEAR_TOOLS, values, 1), db_exec(INDEX_TOOLS, index, 2)};
  const bp_array all = BP_ARRAY(steps);
  m->db->write(m->self, all, on_stored, m);
  for (int i = 0; i <= LIST_KINDS; i++)
    free(texts[i]);
}

/* ---- Comparing ---- */

static bool is_same_list(const struct mcp *m, bp_json a, bp_json b) {
  char *text_a = json_copy(m, a), *text_b = json_copy(m, b);
  bool is_same = text_a && text_b ? strcmp(text_a, text_b) == 0 : !text_a && !text_b;
  free(text_a);
  free(text_b);
  return is_same;
}

static unsigned differences(const struct mcp *m, const struct manifest *a, const struct manifest *b) {
  static const unsigned bits[LIST_KINDS] = {CHANGED_TOOLS, CHANGED_RESOURCES, CHANGED_RESOURCES, CHANGED_PROMPTS};
  unsigned changed = 0;
  for (int i = 0; i < LIST_KINDS; i++)
    if (!is_same_list(m, a->lists[i], b->lists[i]))
      changed |= bits[i];
  return changed;
}

/* The shared instance speaks for its server; a private one keeps its lists to itself where they differ. */
static unsigned take_over(struct instance *instance, struct manifest *found) {
  struct mcp *m = instance->m;
  struct server *server = instance->server;
  bool is_servers = !instance->owner || !server->manifest.is_known;
  struct manifest *mine = is_servers ? &server->manifest : &instance->manifest;
  const struct manifest *before = mine->is_known ? mine : &server->manifest;
  unsigned changed = before->is_known ? differences(m, before, found) : 0;
  if (!changed && before->is_known) {
    manifest_release(m, found);
    return 0;
  }
  if (is_servers && !server->is_deleted)
    manifest_store(m, server->id, found);
  manifest_release(m, mine);
  *mine = *found;
  *found = (struct manifest){0};
  return changed;
}

/* ---- Asking ---- */

static void ask_next(struct instance *instance);

static void finish(struct instance *instance) {
  struct discovery *d = instance->discovery;
  struct mcp *m = instance->m;
  instance->discovery = NULL;
  d->found.is_known = true;
  char *abilities = json_copy(m, json_member(m, instance->init, "capabilities"));
  d->found.capabilities = manifest_parse(m, abilities ? str_z(abilities) : bp_str_make(NULL, 0));
  free(abilities);
  unsigned changed = take_over(instance, &d->found);
  void (*done)(struct instance *, unsigned) = d->done;
  free(d);
  done(instance, changed);
  if (instance->is_stale && instance->phase == INSTANCE_READY && !instance->discovery) {
    instance->is_stale = false;
    manifest_discover(instance, done);
  }
}

static void drop(struct instance *instance) {
  struct discovery *d = instance->discovery;
  instance->discovery = NULL;
  if (d->out)
    instance->m->json->writer_free(d->out);
  manifest_release(instance->m, &d->found);
  free(d);
}

static void end_list(struct instance *instance) {
  struct discovery *d = instance->discovery;
  struct mcp *m = instance->m;
  bp_str text = {NULL, 0};
  m->json->array_end(d->out);
  if (m->json->writer_text(d->out, &text, NULL) == BP_OK)
    d->found.lists[d->kind] = manifest_parse(m, text);
  m->json->writer_free(d->out);
  d->out = 0;
  d->kind++;
  d->pages = d->items = 0;
  ask_next(instance);
}

static void ask_page(struct instance *instance, bp_str cursor);

static void on_page(void *ctx, const struct outcome *outcome) {
  struct instance *instance = ctx;
  struct discovery *d = instance->discovery;
  struct mcp *m = instance->m;
  if (!d)
    return;
  if (outcome->failure && instance->phase == INSTANCE_ENDING) {
    drop(instance);
    return;
  }
  bp_json list = json_member(m, outcome->result, list_members[d->kind]);
  for (uint32_t i = 0; list && i < m->json->count(list) && d->items < ITEMS_MOST; i++, d->items++) {
    bp_json item = 0;
    m->json->at(list, i, &item);
    if (m->json->type(item) == BP_JSON_OBJECT)
      m->json->put_value(d->out, item);
  }
  bp_str cursor = kit_member_text(m->json, outcome->result, "nextCursor");
  if (cursor.ptr && ++d->pages < PAGES_MOST && d->items < ITEMS_MOST)
    ask_page(instance, cursor);
  else
    end_list(instance);
}

static void ask_page(struct instance *instance, bp_str cursor) {
  struct mcp *m = instance->m;
  bp_json_writer out = 0;
  bp_str params = BP_LIT("{}");
  if (cursor.ptr && m->json->writer_new(m->self, &out) == BP_OK) {
    m->json->object_begin(out);
    json_text_member(m->json, out, BP_LIT("cursor"), cursor);
    m->json->object_end(out);
    m->json->writer_text(out, &params, NULL);
  }
  int64_t id = instance_request(instance, list_methods[instance->discovery->kind], params, m->start_timeout_ms, NULL, on_page, instance);
  if (out)
    m->json->writer_free(out);
  if (id == 0)
    drop(instance);
}

/* Lists the server has no ability for are not asked for. */
static void ask_next(struct instance *instance) {
  struct discovery *d = instance->discovery;
  struct mcp *m = instance->m;
  bp_json abilities = json_member(m, instance->init, "capabilities");
  while (d->kind < LIST_KINDS && !json_member(m, abilities, list_abilities[d->kind]))
    d->kind++;
  if (d->kind == LIST_KINDS) {
    finish(instance);
  } else if (m->json->writer_new(m->self, &d->out) == BP_OK) {
    m->json->array_begin(d->out);
    ask_page(instance, bp_str_make(NULL, 0));
  } else {
    drop(instance);
  }
}

void manifest_discover(struct instance *instance, void (*done)(struct instance *instance, unsigned changed)) {
  if (instance->discovery) {
    instance->is_stale = true;
    return;
  }
  instance->discovery = calloc(1, sizeof(*instance->discovery));
  if (!instance->discovery)
    return;
  instance->discovery->done = done;
  ask_next(instance);
}
