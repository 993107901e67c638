/* Checking rules; see check_policy.h. */
#include "cli/check_policy.h"
#include "base/str.h"
#include "cli/findings.h"
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct checking {
  const char *dir;
  json_t *findings;
};

/* "set/rule.lua:3: text" names a file of the scripts folder, and maybe a line. */
static void add_fault(const struct checking *c, const char *message) {
  char file[512];
  int64_t line = 0;
  const char *end = strstr(message, ".lua:");
  if (!end) {
    finding_add(c->findings, c->dir, 0, NULL, "%s", message);
    return;
  }
  size_t name_len = (size_t)(end - message) + strlen(".lua");
  const char *text = message + name_len + 1;
  size_t digits = strspn(text, "0123456789");
  snprintf(file, sizeof(file), "%s/%.*s", c->dir, (int)name_len, message);
  if (digits > 0 && text[digits] == ':' && str_to_i64(bp_str_make(text, digits), &line))
    text += digits + 1;
  finding_add(c->findings, file, (int)line, NULL, "%s", text + strspn(text, " "));
}

static bp_status check_set(void *ctx, const char *name, bp_error *err) {
  const struct checking *c = ctx;
  bp_error fault = BP_ERROR_INIT;
  struct rule_set *set = rule_set_load(c->dir, name, &fault);
  (void)err;
  if (!set || rule_set_test(set, NULL, NULL, &fault) != BP_OK)
    add_fault(c, fault.message);
  rule_set_free(set);
  return BP_OK;
}

void check_policy(const struct config *config, json_t *findings) {
  bp_error err = BP_ERROR_INIT;
  bool is_written;
  struct stat info;
  char *dir = policy_scripts_dir(config, &is_written);
  struct checking c = {dir, findings};
  if ((is_written || stat(dir, &info) == 0) && rule_sets_each_name(dir, check_set, &c, &err) != BP_OK)
    finding_add(findings, config->file, 0, err.hint, "%s", err.message);
  free(dir);
}
