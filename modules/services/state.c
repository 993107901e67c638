/* services.json: what was installed, with which port, variables and volumes. Replaced atomically, by a worker; passwords are not in it. */
#include "services.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1u << 20)
#define OLD_FILE "/tmp/services.json" /* of the original; taken over once if it is ours */

/* ---- Writing ---- */

struct save {
  struct save *next;
  struct services *module;
  char *text;
  size_t len;
  bp_status status;
  void (*done)(void *ctx, bp_status status);
  void *ctx;
};

static bool write_all(int fd, const char *data, size_t len) {
  while (len) {
    ssize_t n = write(fd, data, len);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    data += n;
    len -= (size_t)n;
  }
  return fsync(fd) == 0;
}

static bool sync_folder_of(const char *path) {
  char folder[4096];
  snprintf(folder, sizeof(folder), "%s", path);
  char *slash = strrchr(folder, '/');
  if (!slash)
    return false;
  *slash = '\0';
  int fd = open(folder[0] ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool is_done = fd >= 0 && fsync(fd) == 0;
  if (fd >= 0)
    close(fd);
  return is_done;
}

static bool replace(const char *path, const char *text, size_t len) {
  char temporary[4096];
  snprintf(temporary, sizeof(temporary), "%s.new", path);
  unlink(temporary);
  int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return false;
  bool is_written = write_all(fd, text, len);
  is_written = close(fd) == 0 && is_written;
  if (is_written && rename(temporary, path) == 0)
    return sync_folder_of(path);
  unlink(temporary);
  return false;
}

static void on_worker(void *ctx) {
  struct save *save = ctx;
  save->status = replace(save->module->state_file, save->text, save->len) ? BP_OK : BP_E_IO;
}

static void run_next(struct services *s);

static void on_written(void *ctx, bp_status status) {
  struct save *save = ctx;
  struct services *s = save->module;
  s->saves = save->next;
  if (save->done)
    save->done(save->ctx, status == BP_OK ? save->status : status);
  free(save->text);
  free(save);
  run_next(s);
}

/* One after another, in the order asked for. */
static void run_next(struct services *s) {
  if (s->saves && s->loop->work(s->self, on_worker, on_written, s->saves) != BP_OK)
    on_written(s->saves, BP_E_BUSY);
}

static void put_raw(const bp_json_1 *json, bp_json_writer out, bp_str name, const char *text) {
  if (!text)
    return;
  json->key(out, name);
  json->put_raw(out, str_z(text));
}

static void put_all(const struct services *s, bp_json_writer out) {
  s->json->object_begin(out);
  s->json->key(out, BP_LIT("services"));
  s->json->array_begin(out);
  for (unsigned i = 0; i < CATALOGUE_COUNT; i++) {
    const struct service *service = &s->all[i];
    if (!service->is_stored)
      continue;
    s->json->object_begin(out);
    json_text_member(s->json, out, BP_LIT("id"), str_z(service->entry->id));
    json_text_member(s->json, out, BP_LIT("containerName"), str_z(service->container));
    s->json->key(out, BP_LIT("port"));
    s->json->put_integer(out, service->port);
    put_raw(s->json, out, BP_LIT("environment"), service->environment);
    put_raw(s->json, out, BP_LIT("volumes"), service->volumes);
    s->json->object_end(out);
  }
  s->json->array_end(out);
  s->json->object_end(out);
}

static struct save *save_new(struct services *s) {
  bp_json_writer out = 0;
  bp_str text;
  struct save *save = calloc(1, sizeof(*save));
  if (!save || s->json->writer_new(s->self, &out) != BP_OK) {
    free(save);
    return NULL;
  }
  put_all(s, out);
  if (s->json->writer_text(out, &text, NULL) == BP_OK && (save->text = str_dup(text)))
    save->len = text.len;
  s->json->writer_free(out);
  save->module = s;
  return save;
}

void state_save(struct services *s, void (*done)(void *ctx, bp_status status), void *ctx) {
  struct save *save = save_new(s), **last = &s->saves;
  if (!save || !save->text) {
    free(save);
    if (done)
      done(ctx, BP_E_NO_MEMORY);
    return;
  }
  save->done = done;
  save->ctx = ctx;
  while (*last)
    last = &(*last)->next;
  *last = save;
  if (s->saves == save)
    run_next(s);
}

/* ---- Reading, before anything is served ---- */

/* A plain file of ours that nobody else can write and that has one name, or NULL. */
static char *read_ours(const char *path, size_t *ret_len) {
  struct stat facts;
  char *text = NULL;
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return NULL;
  bool is_ours = fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_uid == geteuid() && facts.st_nlink == 1 && !(facts.st_mode & 022);
  if (is_ours && facts.st_size > 0 && facts.st_size <= FILE_BYTES_MAX && (text = malloc((size_t)facts.st_size))) {
    ssize_t n = read(fd, text, (size_t)facts.st_size);
    *ret_len = n > 0 ? (size_t)n : 0;
  }
  close(fd);
  return text;
}

static char *member_text(const struct services *s, bp_json object, bp_str name, uint32_t type) {
  bp_json value = 0;
  bool is_there = s->json->get(object, name, &value) == BP_OK && s->json->type(value) == type;
  return is_there ? kit_text_of_json(s->json, s->self, value).ptr : NULL;
}

/* The list itself, or the member `services`; what is not of the catalogue is passed over. */
static void take(struct services *s, bp_json root) {
  bp_json list = root, item = 0, value = 0;
  int64_t port;
  s->json->get(root, BP_LIT("services"), &list);
  for (uint32_t i = 0; s->json->at(list, i, &item) == BP_OK; i++) {
    bp_str id = kit_member_text(s->json, item, "id");
    unsigned index = catalogue_find(id.len ? id : kit_member_text(s->json, item, "serviceId"));
    if (index == CATALOGUE_COUNT || s->all[index].is_stored)
      continue;
    struct service *service = &s->all[index];
    service->is_stored = true;
    if (s->json->get(item, BP_LIT("port"), &value) == BP_OK && s->json->integer(value, &port) == BP_OK && port > 0 && port <= 65535)
      service->port = (uint32_t)port;
    service->environment = member_text(s, item, BP_LIT("environment"), BP_JSON_OBJECT);
    service->volumes = member_text(s, item, BP_LIT("volumes"), BP_JSON_ARRAY);
  }
}

static bool read_file(struct services *s, const char *path, bool *ret_is_broken) {
  size_t len = 0;
  bp_json root = 0;
  char *text = read_ours(path, &len);
  bool is_good = text && s->json->parse(s->self, bp_str_make(text, len), &root, NULL) == BP_OK;
  *ret_is_broken = text && !is_good;
  if (is_good) {
    take(s, root);
    s->json->release(s->self, root);
  }
  free(text);
  return is_good;
}

/* ---- Passwords ---- */

static void on_secret(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  struct service *service = ctx;
  (void)err;
  if (status == BP_OK && !service->password)
    service->password = str_dup(value);
}

static void ask_passwords(struct services *s) {
  for (unsigned i = 0; i < CATALOGUE_COUNT; i++)
    s->secret->get(s->self, BP_LIT("services"), str_z(s->all[i].entry->id), on_secret, &s->all[i]);
}

bp_status state_start(struct services *s, bp_error *err) {
  bool is_broken, is_old_broken;
  ask_passwords(s);
  if (read_file(s, s->state_file, &is_broken))
    return BP_OK;
  if (is_broken) {
    snprintf(err->message, sizeof(err->message), "\"%.200s\" is no JSON", s->state_file);
    snprintf(err->hint, sizeof(err->hint), "mend it or move it away; the containers are found by their labels");
    return err->code = BP_E_PARSE;
  }
  if (access(s->state_file, F_OK) != 0 && read_file(s, OLD_FILE, &is_old_broken))
    state_save(s, NULL, NULL);
  return BP_OK;
}

void state_free(struct services *s) {
  for (unsigned i = 0; i < CATALOGUE_COUNT; i++) {
    struct service *service = &s->all[i];
    if (service->password)
      explicit_bzero(service->password, strlen(service->password));
    free(service->password);
    free(service->environment);
    free(service->volumes);
    free(service->frames);
  }
}
