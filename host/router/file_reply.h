/* Answering a request with a file, wherever it comes from: opened on a worker, then ranges, conditions and sendfile. */
#ifndef HOST_ROUTER_FILE_REPLY_H
#define HOST_ROUTER_FILE_REPLY_H

#include <backplane/stream.h>
#include <sys/stat.h>

/* Where the file comes from; embedded by whoever knows how to open it. */
struct file_source {
  /* On a worker. BP_E_NOT_FOUND answers 404, BP_E_DENIED and BP_E_INVALID 403, BP_E_BUSY 503, others 500. */
  bp_status (*open)(struct file_source *source, int *ret_fd, struct stat *ret_info, bp_error *err);
  void (*free)(struct file_source *source); /* on main */
};

/* Claims the request and answers it. Takes the source, also on failure. `options` may be NULL. Main. */
bp_status file_reply(bp_request request, struct file_source *source, const bp_file_reply *options);

#endif
