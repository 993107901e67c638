/* One output stream of a child: reading, cutting into lines, pausing.
 *
 * A pause is back-pressure: nothing is read, so the pipe fills and the child blocks. At most 16 KiB are read in one go, so
 * that a flood shares the loop with everybody else. A child that writes into a file cannot be held back: of what is behind by
 * more than 8 MiB, and at the end by more than 1 MiB, only the latest is read as lines, after one that says how much was left out. */
#ifndef HOST_PROC_OUTPUT_H
#define HOST_PROC_OUTPUT_H

#include "base/buf.h"
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#define OUTPUT_LINE_MAX (64u * 1024)

struct spout;
struct spout_reader {
  /* One line without its end (cut at 64 KiB), or bytes. `bytes_read` counts what came in, line ends and cut parts included. */
  void (*take)(void *ctx, uint32_t stream, bp_str data);
  void (*came)(void *ctx, size_t bytes_read);
  /* The stream has ended and everything of it was taken. */
  void (*ended)(void *ctx);
  void *ctx;
};

struct spout {
  int fd; /* -1: closed */
  uint32_t stream;
  bool is_raw;
  bool is_file; /* a growing file: reading to its end is not the end */
  bool is_paused;
  bool is_last;     /* nobody writes any more: what is there now is all */
  bool is_skipping; /* inside a line that was cut */
  bool is_open;     /* spout_open was called, and `ended` not yet */
  int64_t released; /* bytes of the file given back to the file system */
  struct event event;
  struct buf pending;
  const struct spout_reader *reader;
};

/* Takes the descriptor over. */
void spout_open(struct spout *spout, int fd, uint32_t stream, bool is_raw, bool is_file, const struct spout_reader *reader);
void spout_pause(struct spout *spout, bool is_paused);
/* A watched file has grown. */
void spout_poke(struct spout *spout);
/* From now on the first "nothing there" is the end. */
void spout_finish(struct spout *spout);
/* Closes at once, without `ended`. A zeroed or closed one is fine. */
void spout_close(struct spout *spout);

#endif
