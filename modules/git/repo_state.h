/* What the files that look at a repository share; see repo.h. */
#ifndef GIT_REPO_STATE_H
#define GIT_REPO_STATE_H

#include "repo.h"

/* The first fault counts. `text` is a literal; `what` follows it after a colon, where it is not empty. */
void repo_fail(struct repo *repo, bool is_refused, const char *text, const char *what);
/* folder/name; the caller frees it. */
char *repo_join(const char *folder, const char *name);
/* `target`, relative to `folder`, resolved; NULL if it is not there. */
char *repo_resolve_from(const char *folder, const char *target);

/* Refuses links and devices where git keeps its own files: a command would write elsewhere through a link, and hang on a pipe. */
void repo_check_entries(struct repo *repo, const char *git_dir);
void repo_check_work_tree(struct repo *repo);
/* Refuses objects borrowed from outside the roots, by whatever chain of alternates. */
void repo_check_alternates(struct repo *repo, const struct words *roots);

#endif
