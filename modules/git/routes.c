/* The route table: where each URL of this module is answered. Handlers live in the file of their concept. */
#include "git.h"

/* Bodies are objects; what is in them is checked by the handlers, because clients know their sentences. */
static const char body_schema[] = "{\"type\":\"object\"}";

static const char identity_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"userName\",\"userEmail\"],\"properties\":{\"success\":{\"const\":"
    "true},\"userName\":{\"type\":\"string\"},\"userEmail\":{\"type\":\"string\"},\"message\":{\"type\":\"string\"}}}";

/* The longest command, and what it waited before. */
#define COMMAND_MS 600000
#define POLICY .policy = BP_STR("git")
#define BODY .body_schema = BP_STR(body_schema), .flags = BP_ROUTE_OPTIONAL_BODY

const bp_route git_routes[ROUTE_COUNT] = {
    {KIT_ROUTE("POST", "/api/git", "git_command", "Run one of the allowed git commands in a repository"), BODY, .timeout_ms = COMMAND_MS,
     .handle = command_run, .facts = facts_of_command, POLICY},
    {KIT_ROUTE("GET", "/api/git-config", "get_git_config", "The user's name and e-mail for commits"), .response_schema = BP_STR(identity_schema),
     .handle = config_get},
    {KIT_ROUTE("POST", "/api/git-config", "set_git_config", "Set the user's name and e-mail in their global git configuration"), BODY,
     .response_schema = BP_STR(identity_schema), .handle = config_set, .facts = facts_of_config, POLICY},
    {KIT_ROUTE("GET", "/api/git/trusted", "list_trusted_repositories", "Repositories whose filters are in force"), .handle = trust_list},
    {KIT_ROUTE("POST", "/api/git/trusted", "trust_repository", "Let a repository's own filters and includes be in force"), BODY,
     .scope = BP_STR("admin"), .handle = trust_add, .facts = facts_of_trust, POLICY},
    {KIT_ROUTE("DELETE", "/api/git/trusted", "distrust_repository", "Switch a repository's own filters and includes off again"), BODY,
     .scope = BP_STR("admin"), .handle = trust_remove, .facts = facts_of_trust, POLICY},
};
