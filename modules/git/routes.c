/* The route table: where each URL of this module is answered. Handlers live in the file of their concept. */
#include "handlers.h"

/* Bodies are objects; what is in them is checked by the handlers, because clients know their sentences. */
static const char body_schema[] = "{\"type\":\"object\"}";

static const char identity_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"userName\",\"userEmail\"],\"properties\":{\"success\":{\"const\":"
    "true},\"userName\":{\"type\":\"string\"},\"userEmail\":{\"type\":\"string\"},\"message\":{\"type\":\"string\"}}}";

static const char status_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"branch\",\"files\",\"clean\"],\"properties\":{\"files\":{\"type\":"
    "\"array\",\"items\":{\"type\":\"object\",\"required\":[\"path\",\"kind\",\"staged\"]}}}}";

#define TEXT(where, word, text)                                                                                                                      \
  { .size = sizeof(bp_param), .in = (where), .type = BP_PARAM_STRING, .name = BP_STR(word), .doc = BP_STR(text) }
#define NUMBER(word, text, value, least, most)                                                                                                       \
  {                                                                                                                                                  \
    .size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_INTEGER, .name = BP_STR(word), .doc = BP_STR(text), .def = BP_STR(value),          \
    .minimum = (least), .maximum = (most)                                                                                                            \
  }
#define REPO TEXT(BP_IN_QUERY, "repoPath", "the repository: an absolute path below a root")

static const bp_param repo_params[] = {REPO};
static const bp_param log_params[] = {
    REPO,
    TEXT(BP_IN_QUERY, "ref", "a commit, branch or range; HEAD if absent"),
    TEXT(BP_IN_QUERY, "path", "only commits that touch it"),
    NUMBER("limit", "how many", "50", 1, 500),
    NUMBER("skip", "how many to leave out", "0", 0, 1000000),
};
static const bp_param diff_params[] = {
    REPO,
    TEXT(BP_IN_QUERY, "ref", "compare with this commit instead of the index"),
    TEXT(BP_IN_QUERY, "to", "and this one instead of the work tree"),
    TEXT(BP_IN_QUERY, "path", "only this file or folder"),
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_BOOLEAN,
     .name = BP_STR("staged"),
     .doc = BP_STR("what is staged"),
     .def = BP_STR("false")},
};
static const bp_param checkpoint_params[] = {TEXT(BP_IN_PATH, "id", "the checkpoint"), REPO};
static const bp_param key_params[] = {TEXT(BP_IN_PATH, "name", "the key")};

/* The longest command, and what it waited before. */
#define COMMAND_MS 600000
#define POLICY .policy = BP_STR("git"), .timeout_ms = COMMAND_MS
#define BODY .body_schema = BP_STR(body_schema), .flags = BP_ROUTE_OPTIONAL_BODY
#define READ .timeout_ms = COMMAND_MS

const bp_route git_routes[ROUTE_COUNT] = {
    {KIT_ROUTE("POST", "/api/git", "git_command", "Run one of the allowed git commands in a repository"), BODY, .handle = command_run,
     .facts = facts_of_command, POLICY},
    {KIT_ROUTE("GET", "/api/git/branches", "git_branches", "Branches, here and of the remotes"), .params = BP_ARRAY(repo_params), READ,
     .handle = view_branches},
    {KIT_ROUTE("GET", "/api/git/checkpoints", "git_checkpoints", "Checkpoints, newest first"), .params = BP_ARRAY(repo_params), READ,
     .handle = checkpoint_list},
    {KIT_ROUTE("POST", "/api/git/checkpoints", "git_checkpoint_create", "Keep the work tree as it is under a private name"), BODY,
     .handle = checkpoint_create, .facts = facts_of_checkpoint_create, POLICY},
    {KIT_ROUTE("GET", "/api/git/checkpoints/{id}/diff", "git_checkpoint_diff", "What has changed since a checkpoint"), READ,
     .params = BP_ARRAY(checkpoint_params), .handle = checkpoint_diff},
    {KIT_ROUTE("POST", "/api/git/checkpoints/{id}/restore", "git_checkpoint_restore", "Make the work tree what it was; the state before is kept too"),
     BODY, .params = BP_ARRAY(checkpoint_params), .handle = checkpoint_restore, .facts = facts_of_checkpoint_restore, POLICY},
    {KIT_ROUTE("POST", "/api/git/clone", "git_clone", "Clone as a job with progress and cancel"), BODY, .handle = job_begin,
     .facts = facts_of_clone_job, POLICY},
    {KIT_ROUTE("POST", "/api/git/commit", "git_commit", "Commit what is staged"), BODY, .handle = change_commit, .facts = facts_of_commit, POLICY},
    {KIT_ROUTE("GET", "/api/git/diff", "git_diff", "Differences, a list of files with their hunks"), .flags = BP_ROUTE_MCP_TOOL,
     .params = BP_ARRAY(diff_params), READ, .handle = view_diff},
    {KIT_ROUTE("GET", "/api/git/log", "git_log", "Commits, page by page"), .flags = BP_ROUTE_MCP_TOOL, .params = BP_ARRAY(log_params), READ,
     .handle = view_log},
    {KIT_ROUTE("POST", "/api/git/pull", "git_pull", "Pull as a job with progress and cancel"), BODY, .handle = job_begin, .facts = facts_of_pull_job,
     POLICY},
    {KIT_ROUTE("POST", "/api/git/push", "git_push", "Push as a job with progress and cancel"), BODY, .handle = job_begin, .facts = facts_of_push_job,
     POLICY},
    {KIT_ROUTE("POST", "/api/git/stage", "git_stage", "Stage files, also deleted ones"), BODY, .handle = change_stage, .facts = facts_of_stage,
     POLICY},
    {KIT_ROUTE("GET", "/api/git/status", "git_status", "The branch, and files that differ"), .flags = BP_ROUTE_MCP_TOOL,
     .params = BP_ARRAY(repo_params), READ, .response_schema = BP_STR(status_schema), .handle = view_status},
    {KIT_ROUTE("GET", "/api/git/trusted", "list_trusted_repositories", "Repositories whose filters are in force"), .handle = trust_list},
    {KIT_ROUTE("POST", "/api/git/trusted", "trust_repository", "Let a repository's own filters and includes be in force"), BODY,
     .scope = BP_STR("admin"), .handle = trust_add, .facts = facts_of_trust, POLICY},
    {KIT_ROUTE("DELETE", "/api/git/trusted", "distrust_repository", "Switch a repository's own filters and includes off again"), BODY,
     .scope = BP_STR("admin"), .handle = trust_remove, .facts = facts_of_trust, POLICY},
    {KIT_ROUTE("POST", "/api/git/unstage", "git_unstage", "Take files out of the index again"), BODY, .handle = change_stage,
     .facts = facts_of_unstage, POLICY},
    {KIT_ROUTE("GET", "/api/git/worktrees", "git_worktrees", "Work trees of the repository"), .params = BP_ARRAY(repo_params), READ,
     .handle = worktrees_list},
    {KIT_ROUTE("POST", "/api/git/worktrees", "git_worktree_create", "A work tree of its own for a session"), BODY, .handle = worktrees_change,
     .facts = facts_of_worktree_create, POLICY},
    {KIT_ROUTE("DELETE", "/api/git/worktrees", "git_worktree_remove", "Remove a session's work tree; its branch stays"), BODY,
     .handle = worktrees_change, .facts = facts_of_worktree_remove, POLICY},
    {KIT_ROUTE("GET", "/api/git-config", "get_git_config", "The user's name and e-mail for commits"), .response_schema = BP_STR(identity_schema),
     .handle = config_get},
    {KIT_ROUTE("POST", "/api/git-config", "set_git_config", "Set the user's name and e-mail in their global git configuration"), BODY,
     .response_schema = BP_STR(identity_schema), .handle = config_set, .facts = facts_of_config, POLICY},
    {KIT_ROUTE("GET", "/api/git-config/ssh-keys", "list_ssh_keys", "The user's SSH keys, their public parts"), .handle = keys_list},
    {KIT_ROUTE("POST", "/api/git-config/ssh-keys", "create_ssh_key", "Make an ed25519 key; the private part stays where it is"), BODY,
     .handle = keys_create, .facts = facts_of_key, POLICY},
    {KIT_ROUTE("DELETE", "/api/git-config/ssh-keys/{name}", "delete_ssh_key", "Delete a key, both parts"), .params = BP_ARRAY(key_params),
     .handle = keys_delete, .facts = facts_of_key, POLICY},
    {KIT_ROUTE("POST", "/api/git-config/ssh-test", "test_ssh_connection", "Try to log in at a host"), BODY, .handle = keys_test,
     .facts = facts_of_connection, POLICY},
};
