/* What a policy decides on before a request does anything: what was asked, with names but never values of environment variables.
 * What a start would run is decided on apart, when package.json has been read (start.c). */
#include "deployments.h"

static void put_action(const struct deployments *d, bp_json_writer facts, const char *action) {
  put_text(d->json, facts, "module", "deployments");
  put_text(d->json, facts, "action", action);
}

static bool put_member(const struct deployments *d, bp_json_writer facts, bp_json body, const char *name, const char *as) {
  bp_json value = 0;
  if (!kit_field(d->json, body, name, &value))
    return false;
  d->json->key(facts, str_z(as));
  d->json->put_value(facts, value);
  return true;
}

static void put_names(const struct deployments *d, bp_json_writer facts, bp_json body) {
  struct environment env = {0};
  bp_json value = 0;
  char text[MESSAGE_BYTES];
  if (!kit_field(d->json, body, "customEnvVars", &value))
    return;
  env_read(&env, d->json, value, text, sizeof(text)); /* what is wrong with it is told by the handler */
  d->json->key(facts, BP_LIT("env"));
  d->json->array_begin(facts);
  for (size_t i = 0; i < env.count; i++)
    d->json->put_string(facts, str_z(env.variables[i].name));
  d->json->array_end(facts);
  env_release(&env);
}

bp_status facts_create(void *state, bp_request request, bp_json_writer facts) {
  static const char *const names[] = {"domain", "port", "mode", "instances", "selectedServices", "dependsOn", "healthPath"};
  const struct deployments *d = state;
  bp_json body = 0;
  d->json->object_begin(facts);
  put_action(d, facts, "create");
  if (d->http->body(request, &body) == BP_OK) {
    if (!put_member(d, facts, body, "repositoryId", "repository_id"))
      put_member(d, facts, body, "repoId", "repository_id");
    if (!put_member(d, facts, body, "name", "name"))
      put_member(d, facts, body, "repoName", "name");
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
      put_member(d, facts, body, names[i], names[i]);
    put_names(d, facts, body);
  }
  d->json->object_end(facts);
  return BP_OK;
}

bp_status facts_action(void *state, bp_request request, bp_json_writer facts) {
  const struct deployments *d = state;
  bp_json body = 0;
  bp_str id = {NULL, 0}, action = {NULL, 0};
  d->http->param(request, BP_LIT("id"), &id);
  if (d->http->body(request, &body) == BP_OK)
    kit_field_text(d->json, body, "action", &action);
  d->json->object_begin(facts);
  put_text(d->json, facts, "module", "deployments");
  json_text_member(d->json, facts, BP_LIT("action"), action.ptr ? action : BP_LIT(""));
  json_text_member(d->json, facts, BP_LIT("id"), id.ptr ? id : BP_LIT(""));
  d->json->object_end(facts);
  return BP_OK;
}
