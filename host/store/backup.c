/* Copies of the store; see backup.h. */
#include "store/backup.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/log.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAGES_A_PIECE 256
#define KEEP_BEFORE 5

static bp_str folder_of(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? bp_str_make(path, slash == path ? 1 : (size_t)(slash - path)) : BP_LIT(".");
}

static bp_status copy_pages(sqlite3 *from, sqlite3 *to, backup_stop_fn stop, bp_error *err) {
  sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
  if (!backup)
    return sql_fail(to, sqlite3_extended_errcode(to), "copying", "the store", err);
  int rc;
  bool is_stopped = false;
  while ((rc = sqlite3_backup_step(backup, PAGES_A_PIECE)) == SQLITE_OK && !is_stopped)
    is_stopped = stop && stop();
  sqlite3_backup_finish(backup);
  if (is_stopped)
    return fail(err, BP_E_CANCELLED, "copying the store was cancelled");
  return rc == SQLITE_DONE ? BP_OK : sql_fail(to, rc, "copying", "the store", err);
}

/* The snapshot: with a read transaction open on `from`, writes by others do not restart the copy. */
static bp_status copy_snapshot(sqlite3 *from, const char *path, backup_stop_fn stop, bp_error *err) {
  sqlite3 *to = NULL;
  int rc = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
  bp_status status = rc == SQLITE_OK ? BP_OK : sql_fail(to, rc, "writing the backup", path, err);
  if (status == BP_OK) {
    bool is_ours = sqlite3_get_autocommit(from) != 0;
    rc = is_ours ? sqlite3_exec(from, "BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) : SQLITE_OK;
    status = rc == SQLITE_OK ? copy_pages(from, to, stop, err) : sql_fail(from, rc, "reading", "the store", err);
    if (is_ours && !sqlite3_get_autocommit(from))
      sqlite3_exec(from, "COMMIT", NULL, NULL, NULL);
  }
  sqlite3_close(to);
  return status;
}

static bool sync_file(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool is_synced = fd >= 0 && fsync(fd) == 0;
  if (fd >= 0)
    close(fd);
  return is_synced;
}

/* Gives the finished copy its name; link, unlike rename, never replaces. */
static bp_status publish(const char *temporary, const char *path, bp_error *err) {
  if (!sync_file(temporary))
    return fail(err, BP_E_IO, "writing the backup \"%s\" failed: %s", path, strerror(errno));
  if (link(temporary, path) != 0)
    return fail(err, errno == EEXIST ? BP_E_EXISTS : BP_E_IO, "writing the backup \"%s\" failed: %s", path, strerror(errno));
  unlink(temporary);
  return io_sync_folder_of(path) ? BP_OK : fail(err, BP_E_IO, "writing the backup \"%s\" failed: %s", path, strerror(errno));
}

bp_status backup_copy(sqlite3 *from, const char *path, backup_stop_fn stop, bp_error *err) {
  struct buf temporary = {0};
  buf_printf(&temporary, "%s.%ld.part", path, (long)getpid());
  buf_append_char(&temporary, '\0');
  if (temporary.failed)
    return fail(err, BP_E_NO_MEMORY, "writing the backup failed: out of memory");
  if (access(path, F_OK) == 0) {
    buf_release(&temporary);
    return fail(err, BP_E_EXISTS, "writing the backup \"%s\" failed: the file exists", path);
  }
  int fd = open(temporary.data, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  bp_status status = BP_OK;
  if (fd < 0)
    status = fail(err, BP_E_IO, "writing the backup \"%s\" failed: %s", path, strerror(errno));
  else
    close(fd);
  if (status == BP_OK) {
    status = copy_snapshot(from, temporary.data, stop, err);
    if (status == BP_OK)
      status = publish(temporary.data, path, err);
    unlink(temporary.data);
  }
  buf_release(&temporary);
  return status;
}

char *backup_name(const char *state_path, const char *kind, bp_error *err) {
  char stamp[32];
  struct timespec now;
  struct tm utc;
  clock_gettime(CLOCK_REALTIME, &now);
  strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%S", gmtime_r(&now.tv_sec, &utc));
  bp_str folder = folder_of(state_path);
  struct buf name = {0};
  buf_append_str(&name, folder);
  buf_append_z(&name, "/backups");
  buf_append_char(&name, '\0');
  if (!name.failed && mkdir(name.data, 0700) != 0 && errno != EEXIST) {
    fail(err, BP_E_IO, "making the folder \"%s\" failed: %s", name.data, strerror(errno));
    buf_release(&name);
    return NULL;
  }
  name.len--;
  buf_printf(&name, "/%s-%s.%03ldZ.db", kind, stamp, now.tv_nsec / 1000000);
  buf_append_char(&name, '\0');
  if (!name.failed)
    return name.data;
  fail(err, BP_E_NO_MEMORY, "naming the backup failed: out of memory");
  buf_release(&name);
  return NULL;
}

static int is_before(const struct dirent *entry) {
  bp_str name = str_from(entry->d_name);
  return str_starts(name, BP_LIT("before-")) && str_ends(name, BP_LIT(".db"));
}

/* Names hold the time, so name order is age. */
static void drop_old(const char *newest) {
  char *folder = str_dupz(folder_of(newest));
  struct dirent **entries = NULL;
  int count = scandir(folder, &entries, is_before, alphasort);
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; i < count; i++) {
    if (i < count - KEEP_BEFORE && fd >= 0)
      unlinkat(fd, entries[i]->d_name, 0);
    free(entries[i]);
  }
  if (fd >= 0)
    close(fd);
  free(entries);
  free(folder);
}

bp_status backup_before_migration(struct database *d, const char *path, backup_stop_fn stop, bp_error *err) {
  char *name = backup_name(path, "before", err);
  if (!name)
    return err ? err->code : BP_E_IO;
  bp_status status = backup_copy(d->db, name, stop, err);
  if (status == BP_OK) {
    log_info("store", "backup made before migrations: %s", name);
    drop_old(name);
  } else
    fail_hint(err, "migrations begin only after a backup: make room for one more copy of the store");
  free(name);
  return status;
}
