/* What a repository's own configuration says, and what the runner makes of it. Pure: text in, findings out.
 *
 * The text is that of `git config --list --show-scope --no-includes -z`; scopes local and worktree count. */
#ifndef GIT_SCAN_H
#define GIT_SCAN_H

#include "text.h"

#define SCAN_OUTPUT_BYTES (1u << 20) /* a larger configuration is refused */
#define SCAN_KEYS 20000u

struct scan {
  unsigned keys;          /* of the repository's own */
  char *refusal;          /* NULL, or why nothing is run in this repository */
  char *network_refusal;  /* NULL, or why nothing is fetched or pushed */
  char *served_refusal;   /* NULL, or why this repository may not be a remote by path of another */
  char *work_tree;        /* core.worktree, or NULL: only a submodule may have it */
  struct words overrides; /* key, value, key, value …: what is injected over the repository's own */
  struct words filters;   /* the same for filters, left out where the repository is trusted */
  struct words remotes;   /* name, url, name, url …: every url and pushurl, in order */
  struct words tracking;  /* values of branch.*.remote and pushremote and remote.pushdefault */
};

/* `is_trusted`: the user said that the repository's includes, filters and rewritten addresses are wanted. */
void scan_read(struct scan *scan, bp_str output, bool is_trusted);
void scan_release(struct scan *scan);
/* NULL, or what is wrong with a remote's address: it must be https or ssh without a password, or an absolute path (`ret_is_path`). */
const char *scan_bad_url(const char *url, bool *ret_is_path);

#endif
