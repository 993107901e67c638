/* A plugin's file: verified, copied to a name of its own, opened, and asked for its descriptor. Part of loader.h. */
#include "base/buf.h"
#include "base/fail.h"
#include "base/mem.h"
#include "base/str.h"
#include "loader/check.h"
#include "loader/loader.h"
#include "loader/trust.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

struct image {
  char *copy_path; /* stays while the image is open: debuggers and sanitizers read symbols from it */
  void *library;
  bp_plugin_descriptor descriptor;
};

typedef const bp_plugin_descriptor *(*query_fn)(void);

static bp_status copy_bytes(int from, int to, off_t size, const char *path, bp_error *err) {
  for (off_t left = size; left > 0;) {
    ssize_t copied = sendfile(to, from, NULL, (size_t)left);
    if (copied < 0 && errno == EINTR)
      continue;
    if (copied <= 0)
      return fail(err, BP_E_IO, "cannot copy \"%s\": %s", path, copied < 0 ? strerror(errno) : "it became shorter meanwhile");
    left -= copied;
  }
  return BP_OK;
}

/* glibc matches libraries by name and inode: each generation is opened under a name that was never used before. */
static char *unique_path(const char *private_dir, const char *path) {
  static unsigned counter;
  const char *slash = strrchr(path, '/');
  struct buf name = {0};
  buf_printf(&name, "%s/%d-%u-%s", private_dir, (int)getpid(), ++counter, slash ? slash + 1 : path);
  char *copy = str_dupz(buf_str(&name));
  buf_release(&name);
  return copy;
}

static bp_status make_copy(struct image *image, const char *path, const char *private_dir, bp_error *err) {
  struct stat st;
  int from = trust_open(path, &st, err);
  if (from < 0)
    return err ? err->code : BP_E_DENIED;
  image->copy_path = unique_path(private_dir, path);
  int to = open(image->copy_path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0500);
  bp_status status =
      to < 0 ? fail(err, BP_E_IO, "cannot create \"%s\": %s", image->copy_path, strerror(errno)) : copy_bytes(from, to, st.st_size, path, err);
  if (to >= 0 && close(to) != 0 && status == BP_OK)
    status = fail(err, BP_E_IO, "cannot write \"%s\": %s", image->copy_path, strerror(errno));
  close(from);
  return status;
}

/* Says which ABI major a file without our query symbol was built for. */
static bp_status refuse_other_major(void *library, const char *path, bp_error *err) {
  for (unsigned major = 0; major < 10; major++) {
    char symbol[32];
    snprintf(symbol, sizeof(symbol), "bp_plugin_query_%u", major);
    if (major == BP_ABI_MAJOR || !dlsym(library, symbol))
      continue;
    fail(err, BP_E_UNSUPPORTED, "\"%s\" was built for plugin ABI %u, this host has %u", path, major, BP_ABI_MAJOR);
    fail_hint(err,
              major > BP_ABI_MAJOR ? "update the host, or get a build of the plugin for ABI %u" : "rebuild the plugin against the headers of ABI %u",
              BP_ABI_MAJOR);
    return BP_E_UNSUPPORTED;
  }
  fail(err, BP_E_INVALID, "\"%s\" is not a Backplane plugin: it exports no symbol \"bp_plugin_query_%u\"", path, BP_ABI_MAJOR);
  fail_hint(err, "define it with BP_EXPORT, or link with plugin.map");
  return BP_E_INVALID;
}

static bp_status query(struct image *image, const char *path, bp_error *err) {
  image->library = dlopen(image->copy_path, RTLD_NOW | RTLD_LOCAL);
  if (!image->library) {
    const char *reason = dlerror();
    if (!reason)
      reason = "no reason given";
    const char *after_name = strstr(reason, ": "); /* it begins with the copy's name, which says nothing */
    fail(err, BP_E_INVALID, "cannot open \"%s\": %s", path, after_name ? after_name + 2 : reason);
    fail_hint(err, strstr(reason, "undefined symbol") ? "a plugin links nothing of the host: all it uses comes through tables"
                                                      : "a plugin is a shared library (.so) for this machine");
    return BP_E_INVALID;
  }
  char symbol[32];
  snprintf(symbol, sizeof(symbol), "bp_plugin_query_%u", BP_ABI_MAJOR);
  void *address = dlsym(image->library, symbol);
  if (!address)
    return refuse_other_major(image->library, path, err);
  query_fn function;
  memcpy(&function, &address, sizeof(function)); /* ISO C has no cast from data to function pointers */
  return descriptor_check(function(), &image->descriptor, err);
}

struct image *image_open(const char *path, const char *private_dir, bp_error *err) {
  struct image *image = mem_alloc(sizeof(*image));
  bp_status status = make_copy(image, path, private_dir, err);
  if (status == BP_OK)
    status = query(image, path, err);
  if (status == BP_OK)
    return image;
  image_close(image);
  return NULL;
}

const bp_plugin_descriptor *image_descriptor(const struct image *image) {
  return &image->descriptor;
}

void image_abandon(struct image *image) {
  if (!image)
    return;
  if (image->copy_path)
    unlink(image->copy_path);
  free(image->copy_path);
  free(image);
}

void image_close(struct image *image) {
  if (!image)
    return;
  if (image->library)
    dlclose(image->library);
  image_abandon(image);
}
