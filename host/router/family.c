/* The declared families; see family.h. Their errors are written in errors.c. */
#include "base/fail.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/listener.h"
#include "loader/plugin.h"
#include "loop/loop.h"
#include "router/family_object.h"
#include "router/request.h"

#include <stdlib.h>
#include <string.h>

#define BODY_LIMIT_BYTES (1024u * 1024u)

static struct family host = {
    .facts =
        {
            .size = sizeof(bp_family),
            .error_shape = BP_ERRORS_PROBLEM,
            .validation_status = 422,
            .name = BP_STR("host"),
            .title = BP_STR("Backplane"),
            .not_found_text = BP_STR("nothing is served at this path; GET /openapi.json lists the host's own routes"),
            .not_allowed_text = BP_STR("the path exists, but not for this method; the Allow header names those it takes"),
            .body_limit_bytes = BODY_LIMIT_BYTES,
        },
    .is_declared = true,
};
static struct family *families;

const struct family *family_host(void) {
  return &host;
}

static struct family *find_any(bp_str name) {
  for (struct family *f = families; f; f = f->next)
    if (str_eq(f->facts.name, name))
      return f;
  return NULL;
}

static bool is_family_name(bp_str s) {
  for (size_t i = 0; i < s.len; i++) {
    char c = s.ptr[i];
    bool is_fine = (c >= 'a' && c <= 'z') || (i > 0 && ((c >= '0' && c <= '9') || c == '-'));
    if (!is_fine)
      return false;
  }
  return s.len > 0 && s.len <= 64;
}

static bp_status check(const bp_family *facts, bp_error *err) {
  int len = facts->name.len > 64 ? 64 : (int)facts->name.len;
  if (!is_family_name(facts->name) || str_eq(facts->name, host.facts.name))
    return fail(err, BP_E_INVALID, "family name \"%.*s\" is not [a-z][a-z0-9-]* or is the host's", len, facts->name.ptr ? facts->name.ptr : "");
  if (facts->error_shape < BP_ERRORS_DETAIL || facts->error_shape > BP_ERRORS_PROBLEM)
    return fail(err, BP_E_INVALID, "family \"%.*s\" has an unknown error_shape %u", len, facts->name.ptr, facts->error_shape);
  if (facts->validation_status != 400 && facts->validation_status != 422)
    return fail(err, BP_E_INVALID, "family \"%.*s\" has validation_status %u; use 400 or 422", len, facts->name.ptr, facts->validation_status);
  return BP_OK;
}

static bp_str copied(bp_str s, bp_str if_empty) {
  bp_str source = s.len ? s : if_empty;
  return bp_str_make(str_dupz(source), source.len);
}

static void facts_release(bp_family *facts) {
  const bp_str *strings[] = {&facts->name,         &facts->title,    &facts->not_found_text, &facts->not_allowed_text, &facts->json_content_type,
                             &facts->refusal_text, &facts->challenge};
  for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
    free((void *)(uintptr_t)strings[i]->ptr);
}

static void facts_copy(bp_family *to, const bp_family *from) {
  *to = *from;
  to->size = sizeof(*to);
  to->name = copied(from->name, from->name);
  to->title = copied(from->title, from->name);
  to->not_found_text = copied(from->not_found_text, BP_LIT("Not Found"));
  to->not_allowed_text = copied(from->not_allowed_text, BP_LIT("Method Not Allowed"));
  to->json_content_type = copied(from->json_content_type, BP_LIT("application/json"));
  to->refusal_text = copied(from->refusal_text, BP_LIT("Unauthorized"));
  to->challenge = copied(from->challenge, BP_LIT("Bearer"));
  if (to->body_limit_bytes == 0)
    to->body_limit_bytes = BODY_LIMIT_BYTES;
}

static struct family *family_new(void) {
  struct family *family = mem_alloc(sizeof(*family));
  family->next = families;
  families = family;
  return family;
}

struct family *family_await(bp_str name) {
  LOOP_MAIN();
  struct family *family = find_any(name);
  if (family)
    return family;
  const bp_family unknown = {.size = sizeof(unknown), .error_shape = BP_ERRORS_PROBLEM, .validation_status = 422, .name = name};
  family = family_new();
  facts_copy(&family->facts, &unknown);
  return family;
}

bp_status family_declare(struct plugin *owner, const bp_family *declared, bp_error *err) {
  LOOP_MAIN();
  bp_status status = check(declared, err);
  if (status != BP_OK)
    return status;
  struct family *family = find_any(declared->name);
  if (family && family->is_declared)
    return fail(err, BP_E_EXISTS, "family \"%s\" of plugin \"%s\" is declared by plugin \"%s\" already", family->facts.name.ptr, owner->id,
                family->owner->id);
  if (family)
    facts_release(&family->facts);
  else
    family = family_new();
  facts_copy(&family->facts, declared);
  family->owner = owner;
  family->is_declared = true;
  return BP_OK;
}

void family_revoke_all(struct plugin *owner) {
  LOOP_MAIN();
  for (struct family *f = families; f; f = f->next)
    if (f->owner == owner) {
      f->owner = NULL;
      f->is_declared = false;
    }
}

void family_release_all(void) {
  while (families) {
    struct family *next = families->next;
    match_release(&families->routes);
    facts_release(&families->facts);
    free(families);
    families = next;
  }
}

const struct family *family_find(bp_str name) {
  const struct family *family = find_any(name);
  return family && family->is_declared ? family : NULL;
}

const bp_family *family_facts(const struct family *family) {
  return &family->facts;
}

bp_str family_json_type(const struct family *family) {
  return family == &host ? BP_LIT("application/json") : family->facts.json_content_type;
}

const struct family *family_of(const struct http_exchange *x) {
  const struct request *request = x->user;
  if (request && request->family)
    return request->family;
  const struct family *family = x->listener && x->listener->family ? family_find(str_from(x->listener->family)) : NULL;
  return family ? family : &host;
}

const struct family *family_next(const struct family *family) {
  const struct family *next = family ? family->next : families;
  while (next && !next->is_declared)
    next = next->next;
  return next;
}
