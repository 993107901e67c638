/* The table of agents: the kinds that are known by name, and what the option `agents` adds or changes. */
#include "gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGV_MAX 64
#define ENV_MAX 64

static const struct {
  const char *id, *name, *description, *command[3], *auth_env;
  bool has_own_files; /* it cannot do without its own: it takes no "not found" from us for a file it wants to make */
} known[] = {
    {"opencode", "OpenCode", "Open source coding agent", {"opencode", "acp", NULL}, NULL, false},
    {"claude-code", "Claude Code", "Anthropic's coding agent", {"claude-agent-acp", NULL, NULL}, "ANTHROPIC_API_KEY", false},
    {"gemini-cli", "Gemini CLI", "Google's coding agent", {"gemini", "--acp", NULL}, "GEMINI_API_KEY", true},
    {"qwen-code", "Qwen Code", "Alibaba's coding agent", {"qwen", "--acp", NULL}, "DASHSCOPE_API_KEY", true},
    {"codex", "Codex", "OpenAI's coding agent", {"codex-acp", NULL, NULL}, "OPENAI_API_KEY", false},
};

static bool fault(bp_error *err, const char *id, const char *what) {
  err->code = BP_E_INVALID;
  (void)snprintf(err->message, sizeof(err->message), "option \"agents\": agent \"%s\": %s", id, what);
  (void)snprintf(err->pointer, sizeof(err->pointer), "agents");
  return false;
}

static void drop(struct agent *agent) {
  for (uint32_t i = 0; i < agent->argc; i++)
    free(agent->argv[i]);
  for (uint32_t i = 0; i < 2 * agent->env_count; i++)
    free(agent->env[i]);
  free(agent->argv);
  free(agent->env);
  free(agent->id);
  free(agent->name);
  free(agent->description);
  free(agent->auth_env);
  free(agent->auth_method);
  if (agent->token)
    explicit_bzero(agent->token, strlen(agent->token));
  free(agent->token);
  free(agent->error);
}

void agents_free(struct gateway *gw) {
  for (uint32_t i = 0; i < gw->agent_count; i++)
    drop(&gw->agents[i]);
  free(gw->agents);
}

struct agent *agent_find(struct gateway *gw, bp_str id) {
  for (uint32_t i = 0; i < gw->agent_count; i++)
    if (kit_same(id, gw->agents[i].id))
      return &gw->agents[i];
  return NULL;
}

bool agent_is_authenticated(const struct agent *agent) {
  if (!agent->requires_auth)
    return true;
  if (agent->token && (agent->token_expires_ms == 0 || agent->token_expires_ms > now_ms(agent->gw)))
    return true;
  for (uint32_t i = 0; agent->auth_env && i < agent->env_count; i++)
    if (strcmp(agent->env[2 * i], agent->auth_env) == 0)
      return true;
  return false;
}

static bool add_known(struct gateway *gw, size_t number) {
  struct agent *agent = &gw->agents[gw->agent_count++];
  *agent = (struct agent){.gw = gw,
                          .id = str_dup(str_z(known[number].id)),
                          .name = str_dup(str_z(known[number].name)),
                          .description = str_dup(str_z(known[number].description)),
                          .auth_env = known[number].auth_env ? str_dup(str_z(known[number].auth_env)) : NULL,
                          .argv = calloc(3, sizeof(char *)),
                          .requires_auth = known[number].auth_env != NULL,
                          .has_own_files = known[number].has_own_files};
  if (!agent->argv)
    return false;
  for (; known[number].command[agent->argc]; agent->argc++)
    agent->argv[agent->argc] = str_dup(str_z(known[number].command[agent->argc]));
  return agent->id && agent->name && agent->description;
}

static bool read_command(struct agent *agent, bp_json command, bp_error *err) {
  const struct gateway *gw = agent->gw;
  uint32_t count = gw->json->type(command) == BP_JSON_ARRAY ? gw->json->count(command) : 0;
  if (count == 0 || count > ARGV_MAX)
    return fault(err, agent->id, "command must be a list of 1 to 64 texts, the program first");
  for (uint32_t i = 0; i < agent->argc; i++)
    free(agent->argv[i]);
  free(agent->argv);
  agent->argc = 0;
  agent->argv = calloc(count, sizeof(char *));
  for (uint32_t i = 0; agent->argv && i < count; i++) {
    bp_json word = 0;
    bp_str text;
    if (gw->json->at(command, i, &word) != BP_OK || gw->json->string(word, &text) != BP_OK)
      return fault(err, agent->id, "command must be a list of texts");
    agent->argv[agent->argc++] = str_dup(text);
  }
  return agent->argv != NULL;
}

static bool read_env(struct agent *agent, bp_json env, bp_error *err) {
  const struct gateway *gw = agent->gw;
  uint32_t count = gw->json->count(env);
  uint64_t cursor = 0;
  bp_str name, value;
  bp_json item = 0;
  if (gw->json->type(env) != BP_JSON_OBJECT || count > ENV_MAX)
    return fault(err, agent->id, "env must be a table of at most 64 texts");
  agent->env = calloc(2 * (size_t)count + 1, sizeof(char *));
  while (agent->env && gw->json->next(env, &cursor, &name, &item) == BP_OK) {
    if (gw->json->string(item, &value) != BP_OK)
      return fault(err, agent->id, "env must be a table of texts");
    agent->env[2 * agent->env_count] = str_dup(name);
    agent->env[2 * agent->env_count + 1] = str_dup(value);
    agent->env_count++;
  }
  return agent->env != NULL;
}

static void replace(char **member, const struct gateway *gw, bp_json object, const char *name) {
  bp_str text;
  if (!get_text(gw, object, name, &text))
    return;
  free(*member);
  *member = str_dup(text);
}

static bool read_agent(struct gateway *gw, bp_json object, bp_error *err) {
  bp_str id = {NULL, 0};
  if (!get_text(gw, object, "id", &id) || id.len == 0 || id.len > 64)
    return fault(err, "?", "each needs an id of 1 to 64 bytes");
  struct agent *agent = agent_find(gw, id);
  if (!agent && gw->agent_count == AGENTS_MAX)
    return fault(err, "?", "there may be 32 agents");
  if (!agent) {
    agent = &gw->agents[gw->agent_count++];
    *agent = (struct agent){.gw = gw, .id = str_dup(id), .name = str_dup(id), .description = str_dup(BP_LIT(""))};
  }
  replace(&agent->name, gw, object, "name");
  replace(&agent->description, gw, object, "description");
  replace(&agent->auth_env, gw, object, "authEnv");
  replace(&agent->auth_method, gw, object, "authMethod");
  bp_json command = get_value(gw, object, "command"), env = get_value(gw, object, "env");
  if (get_value(gw, object, "requiresAuth"))
    agent->requires_auth = get_flag(gw, object, "requiresAuth");
  if (get_value(gw, object, "clientFiles"))
    agent->has_own_files = !get_flag(gw, object, "clientFiles");
  if (command ? !read_command(agent, command, err) : agent->argc == 0)
    return err->code ? false : fault(err, agent->id, "command is missing");
  return !env || read_env(agent, env, err);
}

static bool read_list(struct gateway *gw, bp_json list, bp_error *err) {
  bool is_good = true;
  bp_json item = 0;
  if (gw->json->type(list) == BP_JSON_OBJECT && gw->json->count(list) == 0)
    return true; /* an empty Lua table */
  if (gw->json->type(list) != BP_JSON_ARRAY)
    return fault(err, "?", "the option is a list of tables");
  for (uint32_t i = 0; is_good && gw->json->at(list, i, &item) == BP_OK; i++)
    is_good = read_agent(gw, item, err);
  return is_good;
}

static int64_t number(const struct gateway *gw, bp_str name) {
  int64_t value = 0;
  gw->config->integer(gw->self, name, &value);
  return value;
}

static void read_folder(struct gateway *gw) {
  bp_str folder = {NULL, 0};
  gw->config->string(gw->self, BP_LIT("working_directory"), &folder);
  gw->folder = str_dup(folder.len ? folder : gw->core->start_folder(gw->self));
}

bp_status options_read(struct gateway *gw, bp_error *err) {
  bp_str text = {NULL, 0};
  bp_json list = 0;
  bp_error own = BP_ERROR_INIT;
  gw->agents = calloc(AGENTS_MAX, sizeof(*gw->agents));
  if (!gw->agents)
    return BP_E_NO_MEMORY;
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
    if (!add_known(gw, i))
      return BP_E_NO_MEMORY;
  gw->permission_timeout_ms = number(gw, BP_LIT("permission_timeout_ms"));
  gw->turn_limit_ms = number(gw, BP_LIT("turn_limit_ms"));
  gw->start_timeout_ms = number(gw, BP_LIT("start_timeout_ms"));
  gw->idle_ms = number(gw, BP_LIT("session_idle_ms"));
  read_folder(gw);
  gw->config->json_text(gw->self, BP_LIT("agents"), &text);
  if (gw->json->parse(gw->self, text, &list, &own) != BP_OK)
    fault(&own, "?", "the option cannot be read");
  else
    read_list(gw, list, &own);
  if (list)
    gw->json->release(gw->self, list);
  if (own.code != 0 && err)
    *err = own;
  return own.code;
}
