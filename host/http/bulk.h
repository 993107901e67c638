/* Many small sends at once: through io_uring where the kernel lets us, else one system call each. The only place that decides
 * which; main thread only.
 *
 * The ring is made by the first call with enough sends and freed when none came for a while. Every send is made within the call
 * (nothing stays behind in the kernel), so a caller may close a socket right before or right after it. */
#ifndef HOST_HTTP_BULK_H
#define HOST_HTTP_BULK_H

#include <backplane/base.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define BULK_SENDS_MAX 256u /* in one call */
#define BULK_REST_MS 10000  /* less than the time between two pings of a crowd, which go out in bulk too */
#define BULK_SENDS_MIN 16u  /* fewer are sent one by one */

struct bulk_send {
  int fd;
  bp_str bytes;
  ssize_t result; /* bytes taken, or -errno: -EAGAIN where the socket is full */
};

/* Sends each without waiting and without SIGPIPE, in order; at most BULK_SENDS_MAX. */
void bulk_send(struct bulk_send *sends, uint32_t count);
/* False: one by one from here on. True: io_uring is tried, again even where it was refused before. */
void bulk_allow(bool is_allowed);
/* Frees the ring if it has not been used for BULK_REST_MS: called when time-outs are looked at. */
void bulk_rest(int64_t now_ms);
void bulk_release(void);
/* For status: "idle", "io_uring", "off", or why it was refused. */
const char *bulk_state(void);

#endif
