/* What the bridges for programs that speak over stdio (mcp, acp) have in common: a message a line from stdin, each request in a thread of its
 * own so that one does not hold up another, whole lines on stdout. */
#ifndef HOST_CLI_BRIDGE_H
#define HOST_CLI_BRIDGE_H

#include <backplane/base.h>
#include <stdbool.h>

/* Hands every line that is not empty, trimmed and of at most 16 MiB, to `take`, on this thread; returns when stdin has ended and no request
 * runs any more. */
void bridge_run(void (*take)(bp_str line));
/* Runs `request` in a thread, or here if there is none to be had. Waits first where 64 run already. */
void bridge_request(void (*request)(void *arg), void *arg);
/* One line on stdout. False: nobody reads any more. [any thread] */
bool bridge_put(bp_str line);

#endif
