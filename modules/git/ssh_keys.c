/* SSH keys of the user: list, make, delete, and try a connection. Only public parts are ever read or answered. */
#include "git.h"
#include "handlers.h"
#include "identity.h"
#include "parse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEYS_MOST 100u
#define PUBLIC_BYTES 16384

/* In call->more. */
struct key_work {
  struct words names, texts; /* of the listing: the same index */
  char name[65];
  int error;
  bool is_absent;
};

static void release(struct call *call) {
  struct key_work *work = call->more;
  words_release(&work->names);
  words_release(&work->texts);
}

static char *key_path(const struct git *git, const char *name, const char *end) {
  char *path = NULL;
  return asprintf(&path, "%s/%s%s", git->ssh_folder, name, end) < 0 ? NULL : path;
}

/* ---- List ---- */

static char *read_public(const struct git *git, const char *file) {
  char *path = key_path(git, file, ""), *text = NULL;
  struct stat info;
  int fd = path ? open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
  free(path);
  if (fd < 0)
    return NULL;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size < PUBLIC_BYTES)
    text = calloc(1, PUBLIC_BYTES);
  if (text && read(fd, text, PUBLIC_BYTES - 1) < 0)
    text[0] = '\0';
  close(fd);
  if (text)
    text[strcspn(text, "\r\n")] = '\0';
  if (text && !z_begins(text, "ssh-") && !z_begins(text, "ecdsa-") && !z_begins(text, "sk-")) {
    free(text); /* whatever it is called, it is no public key */
    text = NULL;
  }
  return text;
}

static void list_keys(void *ctx) {
  const struct call *call = ctx;
  struct key_work *work = call->more;
  DIR *folder = opendir(call->git->ssh_folder);
  struct dirent *entry;
  while (folder && work->names.count < KEYS_MOST && (entry = readdir(folder)) != NULL) {
    size_t len = strlen(entry->d_name);
    if (len < 5 || strcmp(entry->d_name + len - 4, ".pub") != 0)
      continue;
    char *text = read_public(call->git, entry->d_name);
    if (text) {
      words_add(&work->names, bp_str_make(entry->d_name, len - 4));
      words_add_z(&work->texts, text);
    }
    free(text);
  }
  if (folder)
    closedir(folder);
}

static void put_key(const bp_json_1 *json, bp_json_writer out, const char *name, const char *text) {
  bp_str rest = str_z(text), type = {"", 0}, blob = {"", 0};
  str_cut_at(&rest, ' ', &type);
  str_cut_at(&rest, ' ', &blob);
  json->object_begin(out);
  parse_put(json, out, "name", str_z(name));
  parse_put(json, out, "type", type);
  parse_put(json, out, "publicKey", str_z(text));
  parse_put(json, out, "comment", rest);
  json->object_end(out);
}

static void answer_list(void *ctx, bp_status status) {
  struct call *call = ctx;
  struct key_work *work = call->more;
  const bp_json_1 *json = call->git->json;
  bp_json_writer out = status == BP_OK ? call_object(call) : 0;
  if (!out) {
    if (status != BP_OK) {
      release(call);
      call_failure(call, status, NULL);
    }
    return;
  }
  json->key(out, BP_LIT("keys"));
  json->array_begin(out);
  for (size_t i = 0; i < work->names.count; i++)
    put_key(json, out, work->names.at[i], work->texts.at[i]);
  json->array_end(out);
  release(call);
  call_json(call, out);
}

static struct call *begin(struct git *git, bp_request request) {
  struct call *call = call_new(git, request);
  if (!call)
    return NULL;
  call->more = calloc(1, sizeof(struct key_work));
  if (call->more)
    return call;
  call_failure(call, BP_E_NO_MEMORY, NULL);
  return NULL;
}

static void hand_over(struct call *call, bp_work_fn work, bp_work_done_fn done) {
  bp_status status = call->git->loop->work(call->git->self, work, done, call);
  if (status != BP_OK)
    call_failure(call, status, NULL);
}

void keys_list(void *state, bp_request request) {
  struct call *call = begin(state, request);
  if (call)
    hand_over(call, list_keys, answer_list);
}

/* ---- Make ---- */

static bp_str fact(const struct call *call, const char *name) {
  bp_json facts = 0, value = 0;
  bp_str text = {NULL, 0};
  const struct git *git = call->git;
  if (git->http->facts(call->request, &facts) == BP_OK && git->json->get(facts, str_z(name), &value) == BP_OK)
    git->json->string(value, &text);
  return text;
}

bp_status facts_of_key(void *state, bp_request request, bp_json_writer facts) {
  const struct git *git = state;
  bool is_delete = kit_same(git->http->method(request), "DELETE");
  bp_str name = body_text(git, request, "name"), comment = body_text(git, request, "comment");
  if (is_delete)
    git->http->param(request, BP_LIT("name"), &name);
  facts_begin(git, request, facts, is_delete ? "key.delete" : "key.create");
  if (name.len)
    json_text_member(git->json, facts, BP_LIT("key_name"), name);
  if (comment.len)
    json_text_member(git->json, facts, BP_LIT("comment"), comment);
  git->json->object_end(facts);
  return BP_OK;
}

/* The key's name from the facts; false: answered. */
static bool take_name(struct call *call) {
  struct key_work *work = call->more;
  static const char *const reserved[] = {"authorized_keys", "config", "environment", "known_hosts", "rc"};
  bp_str name = fact(call, "key_name");
  bool is_name = place_is_name(name) && !(name.len > 4 && memcmp(name.ptr + name.len - 4, ".pub", 4) == 0);
  for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
    is_name = is_name && !kit_same(name, reserved[i]);
  if (!is_name) {
    call_problem(call, 400, "name must be a plain file name of letters, digits, '.', '_' and '-', at most 64");
    return false;
  }
  memcpy(work->name, name.ptr, name.len);
  return true;
}

static void answer_made(void *ctx, bp_status status) {
  struct call *call = ctx;
  struct key_work *work = call->more;
  if (status != BP_OK || work->texts.count == 0) {
    release(call);
    call_problem(call, 500, "The key was made, but its public part could not be read");
    return;
  }
  bp_json_writer out = call_object(call);
  if (!out)
    return;
  call->git->json->key(out, BP_LIT("key"));
  put_key(call->git->json, out, work->name, work->texts.at[0]);
  release(call);
  call_json(call, out);
}

static void read_made(void *ctx) {
  const struct call *call = ctx;
  struct key_work *work = call->more;
  char *private = key_path(call->git, work->name, ""), *file = NULL;
  if (private)
    chmod(private, 0600);
  free(private);
  if (asprintf(&file, "%s.pub", work->name) < 0)
    return;
  char *text = read_public(call->git, file);
  if (text)
    words_add_z(&work->texts, text);
  free(text);
  free(file);
}

static void made(void *ctx, int code, bp_str out, bp_str err) {
  struct call *call = ctx;
  (void)out;
  (void)err;
  if (code != 0)
    call_problem(call, 500, "ssh-keygen failed");
  else
    hand_over(call, read_made, answer_made);
}

/* The folder is ours alone; a key of that name is never replaced. */
static void prepare(void *ctx) {
  const struct call *call = ctx;
  struct key_work *work = call->more;
  struct stat info;
  static const char *const ends[] = {"", ".pub"};
  if (mkdir(call->git->ssh_folder, 0700) != 0 && errno != EEXIST)
    work->error = errno;
  for (size_t i = 0; i < 2 && !work->error; i++) {
    char *path = key_path(call->git, work->name, ends[i]);
    if (!path || lstat(path, &info) == 0)
      work->error = EEXIST;
    free(path);
  }
}

static void prepared(void *ctx, bp_status status) {
  struct call *call = ctx;
  const struct key_work *work = call->more;
  if (status != BP_OK || work->error) {
    call_problem(call, work->error == EEXIST ? 400 : 500,
                 work->error == EEXIST ? "A key of this name already exists" : "The folder of keys could not be made");
    return;
  }
  char *path = key_path(call->git, work->name, "");
  bp_str comment = fact(call, "comment");
  const bp_str argv[] = {BP_STR("ssh-keygen"), BP_STR("-q"),
                         BP_STR("-t"),         BP_STR("ed25519"),
                         BP_STR("-N"),         BP_STR(""),
                         BP_STR("-C"),         comment.len ? comment : BP_LIT("backplane"),
                         BP_STR("-f"),         str_z(path ? path : "")};
  status = path ? global_run(call->git, argv, sizeof(argv) / sizeof(argv[0]), made, call) : BP_E_NO_MEMORY;
  free(path);
  if (status != BP_OK)
    call_failure(call, status, NULL);
}

void keys_create(void *state, bp_request request) {
  struct call *call = begin(state, request);
  if (!call || !take_name(call))
    return;
  bp_str comment = fact(call, "comment");
  bool is_line = comment.len <= 200;
  for (size_t i = 0; i < comment.len && is_line; i++)
    is_line = (unsigned char)comment.ptr[i] >= ' ' && comment.ptr[i] != 0x7F;
  if (is_line)
    hand_over(call, prepare, prepared);
  else
    call_problem(call, 400, "comment must be one line of at most 200 bytes");
}

/* ---- Delete ---- */

static void delete_key(void *ctx) {
  const struct call *call = ctx;
  struct key_work *work = call->more;
  char *file = NULL, *public = key_path(call->git, work->name, ".pub"), *private = key_path(call->git, work->name, "");
  char *text = asprintf(&file, "%s.pub", work->name) < 0 ? NULL : read_public(call->git, file);
  work->is_absent = text == NULL; /* only what looks like a pair of keys is deleted */
  if (text && public && private && ((unlink(private) != 0 && errno != ENOENT) || unlink(public) != 0))
    work->error = errno;
  free(text);
  free(file);
  free(public);
  free(private);
}

static void deleted(void *ctx, bp_status status) {
  struct call *call = ctx;
  const struct key_work *work = call->more;
  if (status != BP_OK || work->error) {
    call_problem(call, 500, "The key could not be deleted");
    return;
  }
  if (work->is_absent) {
    call_problem(call, 404, "Key not found");
    return;
  }
  bp_json_writer out = call_object(call);
  if (!out)
    return;
  json_text_member(call->git->json, out, BP_LIT("message"), BP_LIT("Key deleted"));
  call_json(call, out);
}

void keys_delete(void *state, bp_request request) {
  struct call *call = begin(state, request);
  if (call && take_name(call))
    hand_over(call, delete_key, deleted);
}

/* ---- Try a connection ---- */

bp_status facts_of_connection(void *state, bp_request request, bp_json_writer facts) {
  const struct git *git = state;
  bp_str host = body_text(git, request, "host"), user = body_text(git, request, "user");
  facts_begin(git, request, facts, "key.test");
  if (host.len)
    json_text_member(git->json, facts, BP_LIT("host"), host);
  json_text_member(git->json, facts, BP_LIT("user"), user.len ? user : BP_LIT("git"));
  git->json->object_end(facts);
  return BP_OK;
}

static void answer_connection(void *ctx, int code, bp_str out_text, bp_str err) {
  struct call *call = ctx;
  struct text output = {0};
  bp_json_writer out = call_object(call);
  if (!out)
    return;
  text_put_str(&output, out_text);
  text_put_str(&output, err);
  /* Servers that only speak git end with 1 after a greeting; 255 is ssh's own failure. */
  call->git->json->key(out, BP_LIT("connected"));
  call->git->json->put_boolean(out, code >= 0 && code != 255);
  call->git->json->key(out, BP_LIT("exitCode"));
  call->git->json->put_integer(out, code);
  parse_put(call->git->json, out, "output", text_str(&output));
  text_release(&output);
  call_json(call, out);
}

void keys_test(void *state, bp_request request) {
  struct call *call = begin(state, request);
  int64_t port = 22;
  bp_json body = 0, value = 0;
  char number[16];
  if (!call)
    return;
  bp_str host = fact(call, "host"), user = fact(call, "user");
  if (call->git->http->body(request, &body) == BP_OK && call->git->json->get(body, BP_LIT("port"), &value) == BP_OK)
    call->git->json->integer(value, &port);
  if (!place_is_name(host) || !place_is_name(user) || port < 1 || port > 65535) {
    call_problem(call, 400, "host must be the name of a host, port a number, user a plain name");
    return;
  }
  struct text target = {0};
  text_put_str(&target, user);
  text_put(&target, "@");
  text_put_str(&target, host);
  snprintf(number, sizeof(number), "%d", (int)port);
  const bp_str argv[] = {
      BP_STR("ssh"), BP_STR("-T"), BP_STR("-oBatchMode=yes"), BP_STR("-oStrictHostKeyChecking=yes"), BP_STR("-oConnectTimeout=8"), BP_STR("-p"),
      str_z(number), BP_STR("--"), text_str(&target)};
  bp_status status = global_run(call->git, argv, sizeof(argv) / sizeof(argv[0]), answer_connection, call);
  text_release(&target);
  if (status != BP_OK)
    call_failure(call, status, NULL);
}
