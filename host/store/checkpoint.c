/* Checkpoints; see checkpoint.h. */
#include "store/checkpoint.h"
#include "base/log.h"

#define LONG_PAGES 1000
#define CAP_PAGES 16384
/* Readers end within their deadline; the writer does not wait for them longer than this. */
#define CAP_WAIT_MS 100

static int log_pages; /* after the last commit */
static int copied_at; /* log_pages when a checkpoint last ran: a reader may hold it back, so do not retry at once */

static int note_pages(void *ctx, sqlite3 *db, const char *schema, int pages) {
  (void)ctx;
  (void)db;
  (void)schema;
  if (pages < log_pages)
    copied_at = 0;
  log_pages = pages;
  return SQLITE_OK;
}

void checkpoint_watch(struct database *d) {
  log_pages = copied_at = 0;
  sqlite3_wal_hook(d->db, note_pages, NULL);
}

static int checkpoint(struct database *d, int mode, int wait_ms) {
  sqlite3_busy_timeout(d->db, wait_ms);
  int rc = sqlite3_wal_checkpoint_v2(d->db, NULL, mode, NULL, NULL);
  sqlite3_busy_timeout(d->db, DATABASE_BUSY_MS);
  if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY)
    log_warn("store", "checkpoint failed: %s", sqlite3_errmsg(d->db));
  return rc;
}

void checkpoint_if_long(struct database *d) {
  if (log_pages < LONG_PAGES || log_pages - copied_at < LONG_PAGES)
    return;
  copied_at = log_pages;
  if (log_pages >= CAP_PAGES)
    checkpoint(d, SQLITE_CHECKPOINT_RESTART, CAP_WAIT_MS);
  else
    checkpoint(d, SQLITE_CHECKPOINT_PASSIVE, 0);
}

bool checkpoint_truncate(struct database *d) {
  if (checkpoint(d, SQLITE_CHECKPOINT_TRUNCATE, 0) != SQLITE_OK)
    return false;
  log_pages = copied_at = 0;
  return true;
}
