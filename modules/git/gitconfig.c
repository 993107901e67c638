/* GET and POST /api/git-config: the user's name and e-mail in their real global configuration. */
#include "handlers.h"
#include "identity.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VALUE_BYTES 256u

/* ---- Reading ---- */

static void put_identity(const struct git *git, bp_json_writer out) {
  const struct identity *identity = &git->identity;
  json_text_member(git->json, out, BP_LIT("userName"), str_z(identity->name ? identity->name : ""));
  json_text_member(git->json, out, BP_LIT("userEmail"), str_z(identity->email ? identity->email : ""));
}

static void answer(void *ctx) {
  struct call *call = ctx;
  bp_json_writer out = call_object(call);
  if (!out)
    return;
  put_identity(call->git, out);
  if (call->more)
    json_text_member(call->git->json, out, BP_LIT("message"), BP_LIT("Git config updated"));
  call_json(call, out);
}

void config_get(void *state, bp_request request) {
  struct call *call = call_new(state, request);
  if (call)
    identity_load(call->git, answer, call);
}

/* ---- Writing: one value, then the other, each by git with its lock file and rename ---- */

/* In call->more. */
struct setting {
  char *name, *email;
  bool has_name;
};

static void release(struct setting *setting) {
  free(setting->name);
  free(setting->email);
  setting->name = setting->email = NULL;
}

static void set_next(struct call *call);

static void value_set(void *ctx, int code, bp_str out, bp_str err) {
  struct call *call = ctx;
  struct setting *setting = call->more;
  (void)out;
  if (code != 0) {
    struct text sentence = {0};
    text_put(&sentence, "Failed to update git config: ");
    text_put_utf8(&sentence, err);
    release(setting);
    call_problem(call, 500, sentence.data ? sentence.data : "Failed to update git config");
    text_release(&sentence);
    return;
  }
  set_next(call);
}

/* What git wrote is on the disk before it is acknowledged. */
static void sync_config(void *ctx) {
  const struct call *call = ctx;
  const char *other = getenv("GIT_CONFIG_GLOBAL");
  struct text path = {0};
  text_put(&path, other && other[0] ? other : call->git->home);
  if (!other || !other[0])
    text_put(&path, "/.gitconfig");
  int fd = path.data ? open(path.data, O_RDONLY | O_CLOEXEC) : -1;
  if (fd >= 0) {
    fsync(fd);
    close(fd);
  }
  text_release(&path);
}

static void synced(void *ctx, bp_status status) {
  struct call *call = ctx;
  (void)status;
  release(call->more);
  identity_load(call->git, answer, call);
}

static void set_next(struct call *call) {
  struct setting *setting = call->more;
  bool is_name = !setting->has_name;
  if (!is_name && !setting->email) {
    if (call->git->loop->work(call->git->self, sync_config, synced, call) != BP_OK)
      synced(call, BP_E_BUSY);
    return;
  }
  const bp_str argv[] = {BP_STR("git"), BP_STR("config"), BP_STR("--global"), is_name ? BP_LIT("user.name") : BP_LIT("user.email"),
                         str_z(is_name ? setting->name : setting->email)};
  setting->has_name = true;
  bp_status status = global_run(call->git, argv, sizeof(argv) / sizeof(argv[0]), value_set, call);
  if (!is_name) {
    free(setting->email);
    setting->email = NULL;
  }
  if (status != BP_OK) {
    release(setting);
    call_failure(call, status, NULL);
  }
}

static bool is_value(bp_str value) {
  for (size_t i = 0; i < value.len; i++)
    if ((unsigned char)value.ptr[i] < ' ' || value.ptr[i] == 0x7F)
      return false;
  return value.len > 0 && value.len <= VALUE_BYTES && value.ptr[0] != '-';
}

/* The facts hold what the body said; a rule may have changed it. */
static bp_str fact_text(const struct git *git, bp_request request, const char *name) {
  bp_json facts = 0, value = 0;
  bp_str text = {NULL, 0};
  if (git->http->facts(request, &facts) == BP_OK && git->json->get(facts, str_z(name), &value) == BP_OK)
    git->json->string(value, &text);
  return text;
}

void config_set(void *state, bp_request request) {
  struct git *git = state;
  bp_str name = fact_text(git, request, "user_name"), email = fact_text(git, request, "user_email");
  if (name.len == 0 || email.len == 0) {
    kit_problem(git->http, request, 400, BP_LIT("userName and userEmail are required"));
    return;
  }
  if (!is_value(name) || !is_value(email) || memchr(email.ptr, ' ', email.len) || memchr(email.ptr, '<', email.len)) {
    kit_problem(git->http, request, 400, BP_LIT("userName and userEmail must be one line of at most 256 bytes and not begin with a dash"));
    return;
  }
  struct call *call = call_new(git, request);
  struct setting *setting = call ? calloc(1, sizeof(*setting)) : NULL;
  if (!call)
    return;
  call->more = setting;
  if (setting) {
    setting->name = str_dup(name);
    setting->email = str_dup(email);
  }
  if (!setting || !setting->name || !setting->email) {
    if (setting)
      release(setting);
    call_failure(call, BP_E_NO_MEMORY, NULL);
    return;
  }
  set_next(call);
}

bp_status facts_of_config(void *state, bp_request request, bp_json_writer facts) {
  const struct git *git = state;
  bp_str name = body_text(git, request, "userName"), email = body_text(git, request, "userEmail");
  facts_begin(git, request, facts, "config");
  if (name.len)
    json_text_member(git->json, facts, BP_LIT("user_name"), name);
  if (email.len)
    json_text_member(git->json, facts, BP_LIT("user_email"), email);
  git->json->object_end(facts);
  return BP_OK;
}
