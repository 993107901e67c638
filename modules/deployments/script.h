/* From a repository's package.json to the program that is started: an argv, never a shell. */
#ifndef DEPLOYMENTS_SCRIPT_H
#define DEPLOYMENTS_SCRIPT_H

#include <backplane/base.h>
#include <stdbool.h>

#define SCRIPT_ARGUMENTS_MOST 64
#define SCRIPT_BYTES_MOST 4096

struct script {
  char *text; /* what the words point into */
  bp_str words[SCRIPT_ARGUMENTS_MOST];
  unsigned count;
};

/* The words of a start script: quotes group, a backslash takes the next byte as it is. NULL, or a sentence (in `message`) that names
 * what only a shell could do and what to do instead. A script with "npm" in it is `npm start`; an absent one (NULL ptr) is
 * `node index.js`. Release in either case. */
const char *script_read(bp_str start, struct script *ret, char *message, size_t bytes);
void script_release(struct script *script);
/* True for `node FILE ...`: what a cluster can be made of. */
bool script_is_node_file(const struct script *script);

#endif
