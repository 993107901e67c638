/* The handlers and facts that the route table names, by file. */
#ifndef GIT_HANDLERS_H
#define GIT_HANDLERS_H

#include "git.h"

#define HANDLER(name) void name(void *state, bp_request request)
#define FACTS(name) bp_status name(void *state, bp_request request, bp_json_writer facts)

/* changes.c */
HANDLER(change_commit);
HANDLER(change_stage);
FACTS(facts_of_commit);
FACTS(facts_of_stage);
FACTS(facts_of_unstage);
/* checkpoints.c */
HANDLER(checkpoint_create);
HANDLER(checkpoint_diff);
HANDLER(checkpoint_list);
HANDLER(checkpoint_restore);
FACTS(facts_of_checkpoint_create);
FACTS(facts_of_checkpoint_restore);
/* command.c, facts.c */
HANDLER(command_run);
FACTS(facts_of_command);
/* gitconfig.c */
HANDLER(config_get);
HANDLER(config_set);
FACTS(facts_of_config);
/* jobs.c */
HANDLER(job_begin);
FACTS(facts_of_clone_job);
FACTS(facts_of_pull_job);
FACTS(facts_of_push_job);
/* ssh_keys.c */
HANDLER(keys_create);
HANDLER(keys_delete);
HANDLER(keys_list);
HANDLER(keys_test);
FACTS(facts_of_connection);
FACTS(facts_of_key);
/* trust.c */
HANDLER(trust_add);
HANDLER(trust_list);
HANDLER(trust_remove);
FACTS(facts_of_trust);
/* views.c */
HANDLER(view_branches);
HANDLER(view_diff);
HANDLER(view_log);
HANDLER(view_status);
/* worktrees.c */
HANDLER(worktrees_change);
HANDLER(worktrees_list);
FACTS(facts_of_worktree_create);
FACTS(facts_of_worktree_remove);

#endif
