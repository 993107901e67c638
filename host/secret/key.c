/* Keys and their files; see key.h. A file holds 64 hex digits and a newline. */
#include "secret/key.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES (SECRET_KEY_BYTES * 2 + 1)

static void name_key(struct secret_key *key) {
  static const unsigned char purpose[] = "backplane secret key id";
  unsigned char digest[crypto_generichash_BYTES_MIN];
  crypto_generichash(digest, sizeof(digest), purpose, sizeof(purpose), key->bytes, sizeof(key->bytes));
  sodium_bin2hex(key->id, sizeof(key->id), digest, sizeof(key->id) / 2);
}

bp_status secret_key_derive(bp_str passphrase, const unsigned char salt[SECRET_SALT_BYTES], struct secret_key *ret, bp_error *err) {
  if (crypto_pwhash(ret->bytes, sizeof(ret->bytes), passphrase.ptr, passphrase.len, salt, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                    crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13) != 0)
    return fail(err, BP_E_NO_MEMORY, "cannot derive the key from ENCRYPTION_KEY: out of memory");
  name_key(ret);
  return BP_OK;
}

bp_status secret_key_create(const char *path, struct secret_key *ret, bp_error *err) {
  char text[FILE_BYTES + 1];
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail(err, errno == EEXIST ? BP_E_EXISTS : BP_E_IO, "cannot make the key file \"%s\": %s", path, strerror(errno));
  randombytes_buf(ret->bytes, sizeof(ret->bytes));
  sodium_bin2hex(text, sizeof(text), ret->bytes, sizeof(ret->bytes));
  text[FILE_BYTES - 1] = '\n';
  bool is_written = io_write_all(fd, bp_str_make(text, FILE_BYTES)) && fsync(fd) == 0 && io_sync_folder_of(path);
  int error = errno;
  sodium_memzero(text, sizeof(text));
  close(fd);
  if (!is_written) {
    unlink(path);
    return fail(err, BP_E_IO, "cannot write the key file \"%s\": %s", path, strerror(error));
  }
  name_key(ret);
  return BP_OK;
}

static bp_status check_file(const char *path, int fd, bp_error *err) {
  struct stat st;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    return fail(err, BP_E_DENIED, "the key file \"%s\" is no regular file", path);
  if (st.st_uid != geteuid()) {
    fail(err, BP_E_DENIED, "the key file \"%s\" belongs to uid %u", path, (unsigned)st.st_uid);
    fail_hint(err, "it must belong to the user who runs the host");
    return BP_E_DENIED;
  }
  if (st.st_mode & 077) {
    fail(err, BP_E_DENIED, "the key file \"%s\" is open to others (mode %04o)", path, (unsigned)(st.st_mode & 07777));
    fail_hint(err, "chmod 600 it, then make a new key: backplane secret rotate");
    return BP_E_DENIED;
  }
  return BP_OK;
}

static bp_status parse(const char *path, const char *text, size_t len, struct secret_key *ret, bp_error *err) {
  size_t bytes = 0;
  const char *end = NULL;
  if (len >= FILE_BYTES - 1 && sodium_hex2bin(ret->bytes, sizeof(ret->bytes), text, FILE_BYTES - 1, NULL, &bytes, &end) == 0 &&
      bytes == sizeof(ret->bytes) && (len == FILE_BYTES - 1 || (len == FILE_BYTES && text[len - 1] == '\n'))) {
    name_key(ret);
    return BP_OK;
  }
  fail(err, BP_E_INVALID, "the key file \"%s\" holds no key", path);
  fail_hint(err, "put the right file back; a key is 64 hex digits");
  return BP_E_INVALID;
}

bp_status secret_key_read(const char *path, struct secret_key *ret, bp_error *err) {
  char text[FILE_BYTES + 2];
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return fail(err, errno == ENOENT ? BP_E_NOT_FOUND : BP_E_DENIED, "cannot open the key file \"%s\": %s", path, strerror(errno));
  bp_status status = check_file(path, fd, err);
  ssize_t len = status == BP_OK ? read(fd, text, sizeof(text)) : 0;
  if (status == BP_OK)
    status = parse(path, text, len > 0 ? (size_t)len : 0, ret, err);
  sodium_memzero(text, sizeof(text));
  close(fd);
  return status;
}

bp_status secret_key_replace(const char *from, const char *to, bp_error *err) {
  if (rename(from, to) == 0 && io_sync_folder_of(to))
    return BP_OK;
  return fail(err, BP_E_IO, "cannot put the key file \"%s\" in place: %s", to, strerror(errno));
}
