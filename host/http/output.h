/* Bytes and files that wait to be written to a socket, in order. Used only for what the socket did not take at once and for
 * replies made outside their connection's turn. */
#ifndef HOST_HTTP_OUTPUT_H
#define HOST_HTTP_OUTPUT_H

#include <backplane/base.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct segment;

/* Zeroed: empty. */
struct output {
  struct segment *head, *tail;
  uint64_t bytes; /* in memory; files do not count */
  uint32_t files;
};

enum output_result { OUTPUT_EMPTY, OUTPUT_BLOCKED, OUTPUT_FAILED };

/* Both copy; false without memory. */
bool output_append(struct output *output, const void *data, size_t len);
bool output_prepend(struct output *output, const void *data, size_t len);
/* Takes `fd` over, also on failure. */
bool output_append_file(struct output *output, int fd, off_t offset, uint64_t length);
/* Moves all of `from` behind `to`. */
void output_splice(struct output *to, struct output *from);
/* Writes what the socket takes, a large file a piece at a time so that others get their turn. Adds to *written. */
enum output_result output_write(struct output *output, int fd, uint64_t *written);
/* The bytes, where they are in one place and nothing follows them; else empty. */
bp_str output_only(const struct output *output);
/* So many of the first bytes were written elsewhere. */
void output_advance(struct output *output, size_t len);
void output_release(struct output *output);

#endif
