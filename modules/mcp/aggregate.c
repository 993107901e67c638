/* What a client sees of all servers together: whose names are whose, and which resource belongs to whom. */
#include "builtin.h"
#include "template.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 512u
#define SEPARATOR "__"

static const char *const key_members[LIST_KINDS] = {"name", "uri", "uriTemplate", "name"};

static bp_json group_of(const struct mcp *m, const struct scope *scope) {
  return scope->kind == SCOPE_GROUP ? json_member(m, m->groups, scope->name) : 0;
}

static bool array_has(const struct mcp *m, bp_json array, bp_str word) {
  for (uint32_t i = 0; i < m->json->count(array); i++) {
    bp_json item = 0;
    bp_str text;
    if (m->json->at(array, i, &item) == BP_OK && m->json->string(item, &text) == BP_OK && str_equal(text, word))
      return true;
  }
  return false;
}

bool scope_has(const struct mcp *m, const struct scope *scope, const struct server *server) {
  if (server->is_deleted)
    return scope->kind == SCOPE_ALL;
  if (scope->kind == SCOPE_SERVER)
    return strcmp(scope->name, server->id) == 0;
  bp_json servers = json_member(m, group_of(m, scope), "servers");
  return !servers || array_has(m, servers, str_z(server->id));
}

static bool sees(const struct session *session, const struct server *server) {
  return !server->is_deleted && scope_has(session->m, &session->scope, server);
}

const struct manifest *manifest_for(const struct server *server, const struct session *session) {
  const struct instance *instance = session_is_private(session) ? instance_of(server, session) : NULL;
  return instance && instance->manifest.is_known ? &instance->manifest : &server->manifest;
}

/* ---- Names ---- */

static bp_str qualified(const struct server *server, bp_str name, const char *separator, char text[NAME_BYTES]) {
  int len = snprintf(text, NAME_BYTES, "%s%s%.*s", server->id, separator, (int)(name.len < 256 ? name.len : 256), name.ptr);
  return bp_str_make(text, len < 0 ? 0 : (size_t)len < NAME_BYTES ? (size_t)len : NAME_BYTES - 1);
}

/* Clients take names of letters, digits and _ - . only. */
static bp_str prefixed(const struct server *server, bp_str name, char text[NAME_BYTES]) {
  bp_str whole = qualified(server, name, SEPARATOR, text);
  for (size_t i = 0; i < strlen(server->id) && i < whole.len; i++) {
    char c = text[i];
    bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    if (!is_plain)
      text[i] = '_';
  }
  return whole;
}

static bool is_allowed(const struct session *session, const struct server *server, enum list_kind kind, bp_str name) {
  const struct mcp *m = session->m;
  bp_json allow = json_member(m, group_of(m, &session->scope), "allow");
  char text[NAME_BYTES];
  if (!allow || kind != LIST_TOOLS)
    return true;
  return array_has(m, allow, name) || array_has(m, allow, qualified(server, name, "/", text)) ||
         array_has(m, allow, qualified(server, BP_LIT("*"), "/", text));
}

static bp_str exposed(const struct session *session, const struct server *server, enum list_kind kind, bp_str name, char text[NAME_BYTES]) {
  const struct mcp *m = session->m;
  bp_json rename = json_member(m, group_of(m, &session->scope), "rename"), to = 0;
  bp_str new_name;
  if (kind == LIST_RESOURCES || kind == LIST_TEMPLATES)
    return name;
  if (rename && kind == LIST_TOOLS &&
      (m->json->get(rename, qualified(server, name, "/", text), &to) == BP_OK || m->json->get(rename, name, &to) == BP_OK) &&
      m->json->string(to, &new_name) == BP_OK)
    return new_name;
  return m->has_prefix ? prefixed(server, name, text) : name;
}

/* ---- A set of names, by hash ---- */

struct names {
  uint64_t *slots; /* 0: free */
  size_t size, used;
};

static uint64_t hash(bp_str text) {
  uint64_t value = 1469598103934665603u;
  for (size_t i = 0; i < text.len; i++)
    value = (value ^ (unsigned char)text.ptr[i]) * 1099511628211u;
  return value ? value : 1;
}

static bool names_insert(struct names *names, uint64_t value) {
  size_t at = (size_t)value & (names->size - 1);
  for (; names->slots[at]; at = (at + 1) & (names->size - 1))
    if (names->slots[at] == value)
      return false;
  names->slots[at] = value;
  names->used++;
  return true;
}

/* False: it was there already. */
static bool names_add(struct names *names, bp_str name) {
  if (names->used * 2 >= names->size) {
    struct names larger = {.size = names->size ? names->size * 2 : 256};
    larger.slots = calloc(larger.size, sizeof(*larger.slots));
    if (!larger.slots)
      return true;
    for (size_t i = 0; i < names->size; i++)
      if (names->slots[i])
        names_insert(&larger, names->slots[i]);
    free(names->slots);
    *names = larger;
  }
  return names_insert(names, hash(name));
}

/* ---- Lists ---- */

static void put_item(const struct mcp *m, bp_json_writer out, bp_json item, const char *key, bp_str name) {
  m->json->object_begin(out);
  json_text_member(m->json, out, str_z(key), name);
  json_put_members(m, out, item, key, NULL);
  m->json->object_end(out);
}

/* The built-in server comes last, and is read only when it is reached. */
static struct server *after(struct mcp *m, enum list_kind kind, const struct server *server) {
  if (server && (server->next || strcmp(server->id, MCP_BUILTIN) == 0))
    return server->next;
  return kind == LIST_TOOLS ? builtin_refresh(m) : NULL;
}

/* Calls `each` for every item with the name it is exposed under; stops where that says so. */
typedef bool (*item_fn)(void *ctx, struct server *server, bp_json item, bp_str name, bp_str shown);
static void walk(struct session *session, enum list_kind kind, item_fn each, void *ctx) {
  struct mcp *m = session->m;
  struct names names = {0};
  char text[NAME_BYTES];
  bool goes_on = true;
  for (struct server *server = m->servers ? m->servers : after(m, kind, NULL); server && goes_on; server = after(m, kind, server)) {
    if (!sees(session, server))
      continue;
    bp_json list = manifest_for(server, session)->lists[kind], item = 0;
    for (uint32_t i = 0; list && goes_on && m->json->at(list, i, &item) == BP_OK; i++) {
      bp_str name = kit_member_text(m->json, item, key_members[kind]);
      if (!name.ptr || !is_allowed(session, server, kind, name))
        continue;
      bp_str shown = exposed(session, server, kind, name, text);
      bool is_new = names_add(&names, shown);
      if (!is_new && (kind == LIST_TOOLS || kind == LIST_PROMPTS)) {
        shown = prefixed(server, name, text);
        is_new = names_add(&names, shown);
      }
      if (is_new)
        goes_on = each(ctx, server, item, name, shown);
    }
  }
  free(names.slots);
}

struct listing_out {
  const struct mcp *m;
  bp_json_writer out;
  const char *key;
};

static bool put_each(void *ctx, struct server *server, bp_json item, bp_str name, bp_str shown) {
  const struct listing_out *l = ctx;
  (void)server;
  (void)name;
  put_item(l->m, l->out, item, l->key, shown);
  return true;
}

void aggregate_list(struct session *session, enum list_kind kind, bp_json_writer out) {
  struct listing_out l = {session->m, out, key_members[kind]};
  session->m->json->array_begin(out);
  walk(session, kind, put_each, &l);
  if (kind == LIST_TOOLS && search_is_offered(session))
    search_put_tool(session->m, out);
  session->m->json->array_end(out);
}

static bool count_each(void *ctx, struct server *server, bp_json item, bp_str name, bp_str shown) {
  unsigned *count = ctx;
  (void)server;
  (void)item;
  (void)name;
  (void)shown;
  (*count)++;
  return true;
}

unsigned aggregate_count(struct session *session, enum list_kind kind) {
  unsigned count = 0;
  walk(session, kind, count_each, &count);
  return count;
}

/* ---- Whose it is ---- */

struct wanted {
  bp_str shown;
  struct server *server;
  char *name;
};

static bool find_each(void *ctx, struct server *server, bp_json item, bp_str name, bp_str shown) {
  struct wanted *wanted = ctx;
  (void)item;
  if (!str_equal(shown, wanted->shown))
    return true;
  wanted->server = server;
  wanted->name = str_copy(name);
  return false;
}

struct seen {
  const struct server *server;
  bp_str name;
  char *shown;
};

static bool shown_each(void *ctx, struct server *server, bp_json item, bp_str name, bp_str shown) {
  struct seen *seen = ctx;
  (void)item;
  if (server != seen->server || !str_equal(name, seen->name))
    return true;
  seen->shown = str_copy(shown);
  return false;
}

char *aggregate_shown(struct session *session, const struct server *server, bp_str name) {
  struct seen seen = {server, name, NULL};
  walk(session, LIST_TOOLS, shown_each, &seen);
  return seen.shown;
}

static struct server *only_server(const struct session *session) {
  struct server *only = NULL;
  for (struct server *server = session->m->servers; server; server = server->next) {
    if (!sees(session, server))
      continue;
    if (only)
      return NULL;
    only = server;
  }
  return only;
}

struct server *aggregate_find(struct session *session, enum list_kind kind, bp_str shown, char **ret_name) {
  struct wanted wanted = {.shown = shown};
  walk(session, kind, find_each, &wanted);
  if (!wanted.server && !session->m->has_prefix && session->scope.kind != SCOPE_GROUP) {
    wanted.server = only_server(session); /* it may have come since its lists were read */
    wanted.name = wanted.server ? str_copy(shown) : NULL;
  }
  *ret_name = wanted.name;
  return wanted.name ? wanted.server : NULL;
}

static bool template_each(void *ctx, struct server *server, bp_json item, bp_str name, bp_str shown) {
  struct wanted *wanted = ctx;
  (void)item;
  (void)name;
  if (!template_fits(shown, wanted->shown))
    return true;
  wanted->server = server;
  return false;
}

struct server *aggregate_find_resource(struct session *session, bp_str uri) {
  struct wanted wanted = {.shown = uri};
  walk(session, LIST_RESOURCES, find_each, &wanted);
  free(wanted.name);
  if (!wanted.server) /* a completion names the template itself */
    walk(session, LIST_TEMPLATES, find_each, &wanted), free(wanted.name);
  if (!wanted.server)
    walk(session, LIST_TEMPLATES, template_each, &wanted);
  return wanted.server ? wanted.server : only_server(session);
}

/* ---- Default arguments ---- */

char *aggregate_defaults(const struct session *session, const struct server *server, const char *tool, bp_json arguments) {
  const struct mcp *m = session->m;
  char text[NAME_BYTES];
  bp_json defaults = json_member(m, group_of(m, &session->scope), "defaults"), of_tool = 0, value;
  bp_json_writer out = 0;
  uint64_t cursor = 0;
  bp_str key, written;
  char *result = NULL;
  if (!defaults ||
      (m->json->get(defaults, qualified(server, str_z(tool), "/", text), &of_tool) != BP_OK &&
       m->json->get(defaults, str_z(tool), &of_tool) != BP_OK) ||
      m->json->writer_new(m->self, &out) != BP_OK)
    return NULL;
  m->json->object_begin(out);
  json_put_members(m, out, arguments, NULL, NULL);
  while (m->json->next(of_tool, &cursor, &key, &value) == BP_OK) {
    bp_json given = 0;
    if (arguments && m->json->get(arguments, key, &given) == BP_OK)
      continue;
    m->json->key(out, key);
    m->json->put_value(out, value);
  }
  m->json->object_end(out);
  if (m->json->writer_text(out, &written, NULL) == BP_OK)
    result = str_copy(written);
  m->json->writer_free(out);
  return result;
}
