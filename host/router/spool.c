/* Spooling uploads; see spool.h. Names, folders and keeping are in folder_file.c. */
#include "router/spool.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/str.h"
#include "router/folder_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES (64u * 1024)
#define RUN_HEX_BYTES 16

enum block_kind { BLOCK_BEGIN, BLOCK_DATA, BLOCK_END };

struct spool_block {
  struct spool_block *next;
  enum block_kind kind;
  struct spool_file *file;
  size_t len;
  char data[]; /* BLOCK_BYTES in a data block */
};

/* Files of this run of the host begin with it, so that cleaning up never takes them for leftovers. */
static char run_prefix_text[RUN_HEX_BYTES + 1];

static void make_run_prefix(void) {
  uint8_t bytes[RUN_HEX_BYTES / 2];
  randombytes_buf(bytes, sizeof(bytes));
  sodium_bin2hex(run_prefix_text, sizeof(run_prefix_text), bytes, sizeof(bytes));
}

/* Any thread: cleaning up on a worker may be the first to ask. */
static const char *run_prefix(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  (void)pthread_once(&once, make_run_prefix);
  return run_prefix_text;
}

void spool_init(struct spool *spool, const char *folder, void (*moved)(void *ctx), void *ctx) {
  *spool = (struct spool){.folder = str_dupz(str_from(folder)), .moved = moved, .ctx = ctx, .error = BP_ERROR_INIT};
}

static void free_blocks(struct spool *spool, struct spool_block *block) {
  while (block != NULL) {
    struct spool_block *next = block->next;
    spool->waiting_bytes -= block->len;
    free(block);
    block = next;
  }
}

void spool_abandon(struct spool *spool) {
  free_blocks(spool, spool->first);
  spool->first = spool->last = NULL;
}

static void close_file(struct spool_file *file) {
  if (file != NULL && file->fd >= 0) {
    close(file->fd);
    file->fd = -1;
  }
}

void spool_release(struct spool *spool) {
  spool_abandon(spool);
  close_file(spool->open_file);
  free(spool->folder);
  spool->folder = NULL;
}

/* ---- Queueing ---- */

static struct spool_block *append(struct spool *spool, enum block_kind kind) {
  struct spool_block *block = malloc(sizeof(*block) + (kind == BLOCK_DATA ? BLOCK_BYTES : 0));
  if (block == NULL)
    return NULL;
  *block = (struct spool_block){.kind = kind, .file = spool->open_file};
  if (spool->last != NULL)
    spool->last->next = block;
  else
    spool->first = block;
  spool->last = block;
  return block;
}

bool spool_begin(struct spool *spool, struct spool_file *file) {
  uint8_t bytes[8];
  char random[2 * sizeof(bytes) + 1];
  randombytes_buf(bytes, sizeof(bytes));
  sodium_bin2hex(random, sizeof(random), bytes, sizeof(bytes));
  *file = (struct spool_file){.fd = -1};
  (void)snprintf(file->name, sizeof(file->name), "%s-%s", run_prefix(), random);
  spool->open_file = file;
  return append(spool, BLOCK_BEGIN) != NULL;
}

bool spool_write(struct spool *spool, bp_str bytes) {
  while (bytes.len > 0) {
    struct spool_block *block = spool->last;
    if (block == NULL || block->kind != BLOCK_DATA || block->len == BLOCK_BYTES)
      block = append(spool, BLOCK_DATA);
    if (block == NULL)
      return false;
    size_t room = BLOCK_BYTES - block->len, len = bytes.len < room ? bytes.len : room;
    memcpy(block->data + block->len, bytes.ptr, len);
    block->len += len;
    spool->waiting_bytes += len;
    bytes = bp_str_make(bytes.ptr + len, bytes.len - len);
  }
  return true;
}

bool spool_end(struct spool *spool) {
  return append(spool, BLOCK_END) != NULL;
}

size_t spool_waiting(const struct spool *spool) {
  return spool->waiting_bytes;
}

bool spool_is_empty(const struct spool *spool) {
  return spool->first == NULL && !spool->is_working;
}

/* ---- On a worker ---- */

static bool make_file(struct spool *spool, struct spool_file *file) {
  int dir = folder_open_spool(spool->folder);
  if (dir < 0)
    return false;
  file->fd = openat(dir, file->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  int error = errno;
  close(dir);
  errno = error;
  file->is_made = file->fd >= 0;
  return file->is_made && crypto_hash_sha256_init(&file->hash) == 0;
}

static bool write_block(struct spool_file *file, const struct spool_block *block) {
  if (!io_write_all(file->fd, bp_str_make(block->data, block->len)))
    return false;
  file->size_bytes += block->len;
  return crypto_hash_sha256_update(&file->hash, (const unsigned char *)block->data, block->len) == 0;
}

static bool end_file(struct spool_file *file) {
  uint8_t hash[crypto_hash_sha256_BYTES];
  int fd = file->fd;
  file->fd = -1;
  crypto_hash_sha256_final(&file->hash, hash);
  sodium_bin2hex(file->sha256_hex, sizeof(file->sha256_hex), hash, sizeof(hash));
  return close(fd) == 0;
}

static bool run_block(struct spool *spool, const struct spool_block *block) {
  switch (block->kind) {
  case BLOCK_BEGIN:
    return make_file(spool, block->file);
  case BLOCK_DATA:
    return write_block(block->file, block);
  default:
    return end_file(block->file);
  }
}

static void run_batch(struct work *work) {
  struct spool *spool = (struct spool *)work;
  for (const struct spool_block *block = spool->batch; block != NULL; block = block->next) {
    if (run_block(spool, block))
      continue;
    bool is_full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    spool->status = fail(&spool->error, is_full ? BP_E_FULL : BP_E_IO, "cannot write an upload in \"%s\": %s", spool->folder, strerror(errno));
    close_file(block->file);
    return;
  }
}

/* ---- Back on main ---- */

static void batch_done(struct work *work, bool cancelled) {
  struct spool *spool = (struct spool *)work;
  spool->is_working = false;
  free_blocks(spool, spool->batch);
  spool->batch = NULL;
  if (cancelled)
    spool->status = fail(&spool->error, BP_E_CANCELLED, "cannot write an upload: the host is stopping");
  if (spool->status != BP_OK)
    spool_abandon(spool);
  spool->moved(spool->ctx);
}

/* Half a block is not worth a thread's attention unless its file has ended. */
static bool is_worth_it(const struct spool *spool) {
  return spool->first != NULL && (spool->last->kind == BLOCK_END || spool->first->next != NULL || spool->last->len == BLOCK_BYTES);
}

bool spool_start(struct spool *spool) {
  if (spool->is_working || spool->status != BP_OK || !is_worth_it(spool))
    return false;
  spool->is_working = true;
  spool->batch = spool->first;
  spool->first = spool->last = NULL;
  spool->work = (struct work){.run = run_batch, .done = batch_done};
  workers_submit(&spool->work);
  return true;
}

/* ---- Leftovers ---- */

void spool_clean(const char *folder) {
  int fd = folder_open_spool(folder);
  DIR *dir = fd < 0 ? NULL : fdopendir(fd);
  if (dir == NULL) {
    if (fd >= 0)
      close(fd);
    return;
  }
  for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
    if (entry->d_name[0] != '.' && strncmp(entry->d_name, run_prefix(), RUN_HEX_BYTES) != 0)
      (void)unlinkat(dirfd(dir), entry->d_name, 0);
  closedir(dir);
}
