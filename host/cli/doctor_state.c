/* The checks of `backplane doctor` about the state folder. */
#include "cli/doctor_state.h"
#include "cli/client.h"
#include "cli/paths.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define BYTES_WANTED (1024ull << 20)

static void check_file(struct doctor *doctor, int folder, const char *name, mode_t forbidden) {
  struct stat st;
  if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return;
  if (st.st_uid != geteuid())
    doctor_say(doctor, DOCTOR_BAD, name, "it must be yours; see who made it", "belongs to uid %u", (unsigned)st.st_uid);
  else if (st.st_mode & forbidden)
    doctor_say(doctor, DOCTOR_BAD, name, "chmod go= on it", "is open to others (mode %03o)", (unsigned)st.st_mode & 0777u);
  else
    doctor_say(doctor, DOCTOR_GOOD, name, NULL, "yours alone");
}

static void check_socket(struct doctor *doctor, int folder) {
  struct stat st;
  if (fstatat(folder, "control.sock", &st, AT_SYMLINK_NOFOLLOW) == 0 && !client_is_running(doctor->call))
    doctor_say(doctor, DOCTOR_GOOD, "control.sock", NULL, "left by a host that was killed; the next start replaces it");
}

static void check_store(struct doctor *doctor, int folder) {
  bp_error err = BP_ERROR_INIT;
  if (faccessat(folder, "state.db", F_OK, AT_SYMLINK_NOFOLLOW) != 0)
    return;
  char *path = path_join(doctor->call->state_dir, "state.db");
  if (store_check(path, &err) == BP_OK)
    doctor_say(doctor, DOCTOR_GOOD, "store", NULL, "sound");
  else
    doctor_say(doctor, DOCTOR_BAD, "store", err.hint[0] ? err.hint : "put a backup in its place: backplane restore FILE", "%s", err.message);
  free(path);
}

static void check_space(struct doctor *doctor, int folder) {
  struct statvfs fs;
  if (fstatvfs(folder, &fs) != 0)
    return;
  unsigned long long left = (unsigned long long)fs.f_bavail * fs.f_frsize;
  if (left < BYTES_WANTED)
    doctor_say(doctor, DOCTOR_WARN, "disk space", "free some, or move the folder with --state", "%llu MiB left; without space the store is read-only",
               left >> 20);
  else
    doctor_say(doctor, DOCTOR_GOOD, "disk space", NULL, "%llu GiB left", left >> 30);
}

void doctor_check_state(struct doctor *doctor) {
  const char *path = doctor->call->state_dir;
  struct stat st;
  int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0 && errno == ENOENT) {
    doctor_say(doctor, DOCTOR_GOOD, "state", NULL, "\"%s\" is not there yet; the first start makes it", path);
    return;
  }
  if (folder < 0 || fstat(folder, &st) != 0) {
    doctor_say(doctor, DOCTOR_BAD, "state", "name another folder with --state", "cannot open \"%s\": %s", path, strerror(errno));
    return;
  }
  if (st.st_uid != geteuid() || (st.st_mode & 077u))
    doctor_say(doctor, DOCTOR_BAD, "state", "chmod 0700 and chown it to you", "\"%s\" is not yours alone (uid %u, mode %03o)", path,
               (unsigned)st.st_uid, (unsigned)st.st_mode & 0777u);
  else
    doctor_say(doctor, DOCTOR_GOOD, "state", NULL, "\"%s\"", path);
  check_file(doctor, folder, "admin.token", 077);
  check_file(doctor, folder, "tokens.json", 077);
  check_file(doctor, folder, "state.db", 077);
  check_socket(doctor, folder);
  check_store(doctor, folder);
  check_space(doctor, folder);
  close(folder);
}
