/* Checking and copying what a plugin wants started; see spec.h. */
#include "proc/spec.h"
#include "base/array.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/str.h"
#include "live/topics.h"
#include "loader/tables.h"
#include "proc/environment.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARGUMENTS_MAX 4096u
#define ARGUMENT_BYTES_MAX (128u * 1024)
#define NAME_MAX_BYTES 64u
#define GRACE_MS 5000u
#define FLAGS_KNOWN (BP_PROC_PTY | BP_PROC_RAW_OUTPUT | BP_PROC_MERGE_STDERR | BP_PROC_STDIN)

bool spec_is_file_name(bp_str name) {
  for (size_t i = 0; i < name.len; i++) {
    char c = name.ptr[i];
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_letter && c != '-' && c != '_' && (c != '.' || i == 0))
      return false;
  }
  return name.len > 0 && name.len <= NAME_MAX_BYTES;
}

static bool has_nul(bp_str text) {
  return text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL;
}

static bp_status check(const bp_proc_spec *given, bp_error *err) {
  if (given->lifetime != BP_PROC_BOUND && given->lifetime != BP_PROC_SURVIVING)
    return fail(err, BP_E_INVALID, "lifetime %u is neither bound nor surviving", (unsigned)given->lifetime);
  if ((given->flags & ~FLAGS_KNOWN) || given->restart > BP_RESTART_ALWAYS)
    return fail(err, BP_E_INVALID, "flags %#x or restart %u are not known to this host", (unsigned)given->flags, (unsigned)given->restart);
  if (given->lifetime == BP_PROC_SURVIVING && (given->flags & (BP_PROC_PTY | BP_PROC_STDIN)))
    return fail(err, BP_E_INVALID, "a surviving child has neither terminal nor stdin");
  if (given->lifetime == BP_PROC_SURVIVING && !spec_is_file_name(given->name))
    return fail(err, BP_E_INVALID, "a surviving child needs a name of letters, digits, '-', '_' and '.', at most %u bytes", NAME_MAX_BYTES);
  if (given->argv.count == 0 || given->argv.count > ARGUMENTS_MAX || !array_holds(given->argv, sizeof(bp_str)))
    return fail(err, BP_E_INVALID, "argv has %u arguments, not 1 to %u", (unsigned)given->argv.count, ARGUMENTS_MAX);
  if (has_nul(given->name) || has_nul(given->cwd) || has_nul(given->log_topic))
    return fail(err, BP_E_INVALID, "name, cwd or log_topic holds a NUL");
  if (given->cwd.len && given->cwd.ptr[0] != '/')
    return fail(err, BP_E_INVALID, "cwd \"%.*s\" is not absolute", given->cwd.len > 100 ? 100 : (int)given->cwd.len, given->cwd.ptr);
  return BP_OK;
}

static bp_status copy_arguments(bp_array given, char ***ret, bp_error *err) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < given.count; i++) {
    const bp_str *argument = (const bp_str *)(const void *)((const char *)given.ptr + (size_t)i * given.stride);
    if (argument->len > ARGUMENT_BYTES_MAX)
      return fail(err, BP_E_LIMIT, "argument %u is longer than %u KiB", (unsigned)i, ARGUMENT_BYTES_MAX / 1024);
    if (has_nul(*argument))
      return fail(err, BP_E_INVALID, "argument %u holds a NUL", (unsigned)i);
    if (i == 0 && argument->len == 0)
      return fail(err, BP_E_INVALID, "argument 0 names no program");
    bytes += argument->len + 1;
  }
  char **argv = calloc(1, (given.count + 1) * sizeof(char *) + bytes);
  if (!argv)
    return fail(err, BP_E_NO_MEMORY, "no memory for arguments");
  char *at = (char *)(argv + given.count + 1);
  for (uint32_t i = 0; i < given.count; i++) {
    const bp_str *argument = (const bp_str *)(const void *)((const char *)given.ptr + (size_t)i * given.stride);
    argv[i] = at;
    if (argument->len)
      memcpy(at, argument->ptr, argument->len);
    at += argument->len + 1;
  }
  *ret = argv;
  return BP_OK;
}

static bool is_program(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

/* A name with a slash is the path itself; any other is looked up in the fixed PATH. */
static char *find_program(const char *name) {
  if (strchr(name, '/'))
    return str_dupz(str_from(name));
  char *found = NULL;
  for (const char *folder = ENVIRONMENT_PATH; folder && !found; folder = strchr(folder, ':') ? strchr(folder, ':') + 1 : NULL) {
    struct buf path = {0};
    buf_append(&path, folder, strcspn(folder, ":"));
    buf_append_char(&path, '/');
    buf_append_z(&path, name);
    buf_append_char(&path, '\0');
    if (!path.failed && is_program(path.data))
      found = str_dupz(str_from(path.data));
    buf_release(&path);
  }
  return found;
}

static bp_status copy_places(bp_plugin self, const bp_proc_spec *given, struct spec *ret, bp_error *err) {
  bp_str cwd = given->cwd.len ? given->cwd : core_table.folder(self);
  ret->program = find_program(ret->argv[0]);
  if (!ret->program) {
    fail(err, BP_E_NOT_FOUND, "there is no program \"%.100s\" in %s", ret->argv[0], ENVIRONMENT_PATH);
    fail_hint(err, "install it, or give its path");
    return BP_E_NOT_FOUND;
  }
  if (cwd.len == 0)
    return fail(err, BP_E_IO, "the plugin's folder could not be made");
  const char *slash = strrchr(ret->program, '/');
  ret->cwd = str_dupz(cwd);
  ret->name = given->name.len ? str_dupz(given->name) : str_dupz(str_from(slash ? slash + 1 : ret->program));
  ret->log_topic = str_dupz(given->log_topic);
  ret->log_key = str_dupz(given->log_key);
  return BP_OK;
}

bp_status spec_copy(bp_plugin self, const bp_proc_spec *given, struct spec *ret, bp_error *err) {
  bp_proc_spec wide;
  struct spec spec = {0};
  array_item(((bp_array){given, 1, given->size}), 0, &wide);
  bp_status status = check(&wide, err);
  if (status == BP_OK && wide.log_topic.len && topics_check(self, wide.log_topic, BP_TOPIC_EPHEMERAL) != BP_OK)
    status =
        fail(err, BP_E_DENIED, "log_topic \"%.*s\" is not an ephemeral topic of this plugin's", (int)(wide.log_topic.len & 127), wide.log_topic.ptr);
  if (status == BP_OK)
    status = copy_arguments(wide.argv, &spec.argv, err);
  if (status == BP_OK && spec.argv)
    status = copy_places(self, &wide, &spec, err);
  if (status == BP_OK) {
    bp_error local = BP_ERROR_INIT;
    spec.envp = environment_build(wide.env, wide.flags & BP_PROC_PTY, err ? err : &local);
    status = spec.envp ? BP_OK : (err ? err : &local)->code;
  }
  if (status == BP_OK)
    status = health_plan_copy(wide.probe, &spec.probe, err);
  if (status != BP_OK) {
    spec_release(&spec);
    return status;
  }
  spec.lifetime = wide.lifetime;
  spec.flags = wide.flags;
  spec.restart = wide.restart;
  spec.grace_ms = wide.grace_ms ? wide.grace_ms : GRACE_MS;
  spec.timeout_ms = wide.timeout_ms;
  spec.output_limit_bytes = wide.output_limit_bytes;
  spec.rows = wide.rows;
  spec.columns = wide.columns;
  *ret = spec;
  return BP_OK;
}

void spec_release(struct spec *spec) {
  free(spec->name);
  free(spec->program);
  free(spec->cwd);
  free(spec->log_topic);
  free(spec->log_key);
  free(spec->argv);
  free(spec->envp);
  health_plan_release(&spec->probe);
  *spec = (struct spec){0};
}
