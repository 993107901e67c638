/* Writes the files of one upload into its plugin's spool folder, on workers, in order, with a bounded amount in memory.
 *
 * Main thread queues blocks; one batch at a time is on a worker, which opens, writes, hashes and closes. The owner stops
 * the source while spool_waiting is high and goes on when `moved` says that a batch is done. */
#ifndef HOST_ROUTER_SPOOL_H
#define HOST_ROUTER_SPOOL_H

#include "loop/workers.h"
#include <backplane/base.h>
#include <sodium.h>
#include <stdbool.h>

#define SPOOL_NAME_BYTES 34 /* "<run>-<random>", NUL-terminated */

/* A file being spooled. Belongs to the owner and must outlive the spool. */
struct spool_file {
  char name[SPOOL_NAME_BYTES]; /* in the spool folder */
  bool is_made;                /* it exists on disk, or may */
  int fd;
  uint64_t size_bytes;
  crypto_hash_sha256_state hash;
  char sha256_hex[65]; /* once its end has been written */
};

struct spool_block;

struct spool {
  struct work work;
  char *folder;
  void (*moved)(void *ctx); /* a batch is done, or has failed: see `status` [main] */
  void *ctx;
  struct spool_block *first, *last; /* waiting */
  struct spool_block *batch;        /* with the worker */
  struct spool_file *open_file;     /* begun and not ended */
  size_t waiting_bytes;             /* in `first` and `batch` */
  bool is_working;
  bp_status status; /* the first failure: nothing more is written */
  bp_error error;
};

void spool_init(struct spool *spool, const char *folder, void (*moved)(void *ctx), void *ctx);
/* Drops what waits and closes what is open. Not while it is working. */
void spool_release(struct spool *spool);

/* Each queues; false without memory. Files do not nest. */
bool spool_begin(struct spool *spool, struct spool_file *file);
bool spool_write(struct spool *spool, bp_str bytes);
bool spool_end(struct spool *spool);

/* Hands a batch to a worker if none is there and it is worth it. True if it did: `moved` follows. */
bool spool_start(struct spool *spool);
/* Bytes queued and not yet on disk. */
size_t spool_waiting(const struct spool *spool);
/* Everything queued is on disk. */
bool spool_is_empty(const struct spool *spool);
/* Drops what waits; what a worker has goes on. */
void spool_abandon(struct spool *spool);

/* Removes files that an earlier run of the host left in the spool of a folder. Blocks: on a worker. */
void spool_clean(const char *folder);

#endif
