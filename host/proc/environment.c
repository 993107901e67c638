/* Building environments; see environment.h. */
#include "proc/environment.h"
#include "base/array.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/str.h"
#include "proc/marker.h"

#include <stdlib.h>
#include <string.h>

#define DECLARED_MAX 512u
#define BYTES_MAX (512u * 1024)

/* What loaders, interpreters and shells obey before the program's own first line. Alphabetical. */
static const char *const refused_names[] = {
    "ENV", "HOME", "IFS", "JAVA_TOOL_OPTIONS", MARKER_NAME, "NODE_OPTIONS", "NODE_PATH", "PATH", "PROMPT_COMMAND", "RUBYOPT",
};
static const char *const refused_starts[] = {"BASH_", "DYLD_", "GIT_", "LD_", "NPM_CONFIG_", "PERL5", "PYTHON", "SSH_"};

bool environment_is_refused(bp_str name) {
  for (size_t i = 0; i < sizeof(refused_names) / sizeof(refused_names[0]); i++)
    if (str_ieq(name, str_from(refused_names[i])))
      return true;
  for (size_t i = 0; i < sizeof(refused_starts) / sizeof(refused_starts[0]); i++) {
    bp_str start = str_from(refused_starts[i]);
    if (name.len >= start.len && str_ieq(bp_str_make(name.ptr, start.len), start))
      return true;
  }
  return str_ends(name, BP_LIT("_PRELOAD"));
}

/* What a plugin may still set on its own account: these change where a program looks and what it asks, not what is loaded into it. */
static bool is_open_to_plugins(bp_str name) {
  static const char *const starts[] = {"GIT_", "SSH_"};
  for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
    if (str_starts(name, str_from(starts[i])))
      return true;
  return str_eq(name, BP_LIT("HOME"));
}

static bool is_name(bp_str name) {
  for (size_t i = 0; i < name.len; i++) {
    char c = name.ptr[i];
    if (!((c >= 'A' && c <= 'Z') || c == '_' || (i > 0 && c >= '0' && c <= '9')))
      return false;
  }
  return name.len > 0;
}

static bp_status check(const bp_proc_env *env, bp_error *err) {
  int shown = env->name.len > 64 ? 64 : (int)env->name.len;
  if (environment_is_refused(env->name) && !(env->is_own && is_open_to_plugins(env->name))) {
    fail(err, BP_E_DENIED, "environment variable \"%.*s\" may not be set for a child", shown, env->name.ptr);
    fail_hint(err, "it would change what code the program runs: pass it as an argument or in a file the program reads");
    return BP_E_DENIED;
  }
  if (!is_name(env->name))
    return fail(err, BP_E_INVALID, "environment variable \"%.*s\" is not a name of A-Z, 0-9 and _", shown, env->name.ptr ? env->name.ptr : "");
  if (env->value.len && memchr(env->value.ptr, '\0', env->value.len))
    return fail(err, BP_E_INVALID, "environment variable \"%.*s\" holds a NUL", shown, env->name.ptr);
  return BP_OK;
}

static void append(struct buf *texts, bp_str name, bp_str value) {
  buf_append_str(texts, name);
  buf_append_char(texts, '=');
  buf_append_str(texts, value);
  buf_append_char(texts, '\0');
}

/* From the host's own environment, or the default; "" leaves the variable out. */
static unsigned append_allowed(struct buf *texts, bool has_terminal) {
  const struct {
    const char *name, *fallback;
  } allowed[] = {{"HOME", ""}, {"LANG", "C.UTF-8"}, {"TERM", has_terminal ? "xterm-256color" : ""}, {"TMPDIR", ""}, {"TZ", ""}};
  unsigned count = 1;
  append(texts, BP_LIT("PATH"), BP_LIT(ENVIRONMENT_PATH));
  for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
    const char *value = getenv(allowed[i].name);
    if (!value || !value[0])
      value = allowed[i].fallback;
    if (!value[0])
      continue;
    append(texts, str_from(allowed[i].name), str_from(value));
    count++;
  }
  return count;
}

/* Takes the texts over. */
static char **to_array(struct buf *texts, unsigned count) {
  char **array = texts->failed ? NULL : calloc(1, (count + 2) * sizeof(char *) + texts->len);
  if (array) {
    char *at = (char *)(array + count + 2);
    memcpy(at, texts->data, texts->len);
    for (unsigned i = 0; i < count; i++, at += strlen(at) + 1)
      array[i + 1] = at;
  }
  buf_release(texts);
  return array;
}

/* A declared TERM, LANG or TZ stands after the host's and wins in no program for sure: so the host's is left out. */
static bool is_declared(bp_array declared, bp_str name) {
  bp_proc_env env;
  for (uint32_t i = 0; i < declared.count; i++) {
    array_item(declared, i, &env);
    if (str_eq(env.name, name))
      return true;
  }
  return false;
}

static void drop_declared(struct buf *texts, unsigned *count, bp_array declared) {
  size_t at = 0;
  while (at < texts->len) {
    size_t len = strlen(texts->data + at) + 1;
    bp_str name = bp_str_make(texts->data + at, strcspn(texts->data + at, "="));
    if (is_declared(declared, name)) {
      memmove(texts->data + at, texts->data + at + len, texts->len - at - len);
      texts->len -= len;
      (*count)--;
    } else {
      at += len;
    }
  }
}

char **environment_build(bp_array declared, bool has_terminal, bp_error *err) {
  struct buf texts = {0};
  bp_status status = declared.count > DECLARED_MAX ? fail(err, BP_E_LIMIT, "more than %u environment variables", DECLARED_MAX) : BP_OK;
  unsigned count = append_allowed(&texts, has_terminal);
  if (status == BP_OK && !texts.failed)
    drop_declared(&texts, &count, declared);
  for (uint32_t i = 0; status == BP_OK && i < declared.count; i++) {
    bp_proc_env env;
    array_item(declared, i, &env);
    status = check(&env, err);
    if (status != BP_OK)
      break;
    append(&texts, env.name, env.value);
    count++;
    if (texts.len > BYTES_MAX)
      status = fail(err, BP_E_LIMIT, "the environment is larger than %u KiB", BYTES_MAX / 1024);
  }
  if (status != BP_OK) {
    buf_release(&texts);
    return NULL;
  }
  char **array = to_array(&texts, count);
  if (!array)
    fail(err, BP_E_NO_MEMORY, "no memory for an environment");
  return array;
}
