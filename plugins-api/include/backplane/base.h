/* Backplane plugin API: the types every other header uses.
 *
 * Lives here: strings, arrays, status codes, the error struct, handles and the size guard.
 * Does not live here: anything that talks to the host (see core.h and the interface headers).
 *
 * Nothing but <stddef.h> and <stdint.h> is included by any public header. C11, also clean as C++17. */
#ifndef BACKPLANE_BASE_H
#define BACKPLANE_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Thread tags. Every function and callback has one in its comment, or that of the function above it; debug builds of the host check it:
 *   [main]    only on the host's one main thread, where all handlers, timers and completions run
 *   [any]     from any thread
 *   [worker]  on a worker thread that belongs to the host */

/* A borrowed byte string: UTF-8 unless a comment says otherwise, not NUL-terminated, valid for the call that carries it
 * (strings of a request live until its reply is finished). Nobody frees the other's memory. This struct never changes. */
typedef struct bp_str {
  const char *ptr; /* may be NULL when len is 0 */
  size_t len;      /* bytes */
} bp_str;

/* A string literal as a bp_str. Works in static initialisers. */
#define BP_STR(literal)                                                                                                                              \
  { (literal), sizeof(literal) - 1 }

/* A bp_str as an expression: for arguments and assignments. */
static inline bp_str bp_str_make(const char *ptr, size_t len) {
  bp_str str;
  str.ptr = ptr;
  str.len = len;
  return str;
}
#define BP_LIT(literal) bp_str_make((literal), sizeof(literal) - 1)

/* How arrays of sized structs cross: element i is at (const char *)ptr + i * stride, so either side may know a longer
 * element than the other. This struct never changes. */
typedef struct bp_array {
  const void *ptr;
  uint32_t count;
  uint32_t stride; /* bytes from one element to the next; at least the element's own size member */
} bp_array;

/* A bp_array over a static C array. */
#define BP_ARRAY(elements)                                                                                                                           \
  { (elements), (uint32_t)(sizeof(elements) / sizeof((elements)[0])), (uint32_t)sizeof((elements)[0]) }

/* Every struct that crosses begins with `uint32_t size`, set by its author to sizeof. The reader copies min(size, its own
 * sizeof) into a zeroed struct; a member newer than the first revision is used only behind this guard, for example
 * BP_HAS(http, bp_http_1, reply_file). */
#define BP_HAS(ptr, type, member) ((ptr) != NULL && (ptr)->size >= offsetof(type, member) + sizeof((ptr)->member))

/* Status codes. Zero is success, failures are negative; new ones may be appended. Where a call that takes a `done` (or `fn`) fails,
 * that never runs, and ctx stays the caller's. */
typedef int32_t bp_status;
#define BP_OK 0
#define BP_E_INVALID (-1)      /* an argument is wrong; the error names it */
#define BP_E_STALE (-2)        /* the handle's object is gone (finished, drained, closed) */
#define BP_E_NOT_FOUND (-3)    /* no such name, member, row, option */
#define BP_E_EXISTS (-4)       /* the name is taken */
#define BP_E_CONFLICT (-5)     /* a named constraint or expectation failed */
#define BP_E_LIMIT (-6)        /* a documented limit is reached */
#define BP_E_NO_MEMORY (-7)    /* allocation failed */
#define BP_E_BUSY (-8)         /* try again later: a bounded queue is full */
#define BP_E_TIMEOUT (-9)      /* the deadline passed */
#define BP_E_CANCELLED (-10)   /* the owner is draining or asked for it */
#define BP_E_DENIED (-11)      /* not allowed */
#define BP_E_UNSUPPORTED (-12) /* this host, build or interface revision cannot do it */
#define BP_E_STATE (-13)       /* called at the wrong time: after a reply, before start, while draining */
#define BP_E_IO (-14)          /* the operating system refused; the message carries its text */
#define BP_E_FULL (-15)        /* no space left; the store is read-only until there is some */
#define BP_E_PARSE (-16)       /* text is not what it should be; the pointer says where */
#define BP_E_THREAD (-17)      /* called on a thread its tag forbids */
#define BP_E_TYPE (-18)        /* the value is of another type */

/* An error, filled by the callee where the caller passes one (it may pass NULL). Owned by the caller, set `size` first.
 * Fixed arrays, always NUL-terminated UTF-8, cut if longer. Out-parameters of a failed call are untouched. */
typedef struct bp_error {
  uint32_t size;
  bp_status code;
  char message[256]; /* lower case: what failed first, the subject in quotes */
  char hint[256];    /* what to do about it, or empty */
  char pointer[128]; /* JSON pointer (RFC 6901) or option name the error is about, or empty */
} bp_error;

/* Initialiser for a caller-owned error. */
#define BP_ERROR_INIT                                                                                                                                \
  {                                                                                                                                                  \
    (uint32_t)sizeof(bp_error), 0, {0}, {0}, {                                                                                                       \
      0                                                                                                                                              \
    }                                                                                                                                                \
  }

/* Handles are {slot, generation} packed in 64 bits, never pointers. 0 is never a live handle. A handle whose object is
 * gone gives BP_E_STALE, whatever has taken its slot since. */
typedef uint64_t bp_plugin;       /* one generation of one plugin */
typedef uint64_t bp_request;      /* one HTTP request until its reply is finished */
typedef uint64_t bp_json;         /* a parsed JSON value, see json.h */
typedef uint64_t bp_json_writer;  /* a JSON text being written, see json.h */
typedef uint64_t bp_stream;       /* a response being streamed, see stream.h */
typedef uint64_t bp_ws;           /* one WebSocket connection, see ws.h */
typedef uint64_t bp_subscription; /* of live events or host events */
typedef uint64_t bp_timer;        /* see loop.h */
typedef uint64_t bp_fd_watch;     /* see loop.h */
typedef uint64_t bp_metric;       /* see metrics.h */

/* Export marker for the query symbol; everything else in a plugin stays hidden. */
#define BP_EXPORT __attribute__((visibility("default")))

#ifdef __cplusplus
}
#endif

#endif
