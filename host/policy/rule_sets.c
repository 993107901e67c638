/* All sets of a folder; see rule_sets.h. */
#include "policy/rule_sets.h"
#include "base/fail.h"
#include "base/mem.h"
#include "base/str.h"
#include "policy/rule_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int may_be_set(const struct dirent *entry) {
  return rule_file_name_is_safe(entry->d_name) && strcmp(entry->d_name, "lib") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_folder(const char *dir, const char *name) {
  char path[4096];
  struct stat info;
  return snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path) && stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bp_status rule_sets_each_name(const char *dir, bp_status (*each)(void *ctx, const char *name, bp_error *err), void *ctx, bp_error *err) {
  struct dirent **entries = NULL;
  int count = scandir(dir, &entries, may_be_set, by_bytes);
  if (count < 0) {
    fail(err, BP_E_NOT_FOUND, "cannot list the scripts folder \"%s\": %s", dir, strerror(errno));
    fail_hint(err, "name the folder that holds the rules with policy { scripts = \"...\" } in the configuration");
    return BP_E_NOT_FOUND;
  }
  bp_status status = BP_OK;
  for (int i = 0; i < count; i++) {
    if (status == BP_OK && is_folder(dir, entries[i]->d_name))
      status = each(ctx, entries[i]->d_name, err);
    free(entries[i]);
  }
  free(entries);
  return status;
}

static bp_status add_set(void *ctx, const char *name, bp_error *err) {
  struct rule_sets *sets = ctx;
  struct rule_set *set = rule_set_load(sets->dir, name, err);
  if (!set)
    return BP_E_INVALID;
  if (rule_set_count(set) == 0) {
    rule_set_free(set);
    return BP_OK;
  }
  if (sets->count == RULE_SETS_MOST) {
    rule_set_free(set);
    return fail(err, BP_E_LIMIT, "the scripts folder \"%s\" has more than %d sets", sets->dir, RULE_SETS_MOST);
  }
  sets->names[sets->count] = str_from(rule_set_name(set));
  sets->items[sets->count++] = set;
  return BP_OK;
}

struct rule_sets *rule_sets_compile(const char *dir, bp_error *err) {
  struct rule_sets *sets = mem_alloc(sizeof(*sets));
  sets->dir = str_dupz(str_from(dir));
  if (rule_sets_each_name(dir, add_set, sets, err) == BP_OK)
    return sets;
  rule_sets_free(sets);
  return NULL;
}

struct rule_sets *rule_sets_load(const char *dir, bp_error *err) {
  struct rule_sets *sets = rule_sets_compile(dir, err);
  bp_status status = BP_OK;
  for (unsigned i = 0; sets && i < sets->count && status == BP_OK; i++)
    status = rule_set_test(sets->items[i], NULL, NULL, err);
  if (status == BP_OK)
    return sets;
  rule_sets_free(sets);
  return NULL;
}

void rule_sets_free(struct rule_sets *sets) {
  if (!sets)
    return;
  for (unsigned i = 0; i < sets->count; i++)
    rule_set_free(sets->items[i]);
  free(sets->dir);
  free(sets);
}

struct rule_set *rule_sets_find(const struct rule_sets *sets, bp_str name) {
  for (unsigned i = 0; sets && i < sets->count; i++)
    if (str_eq(sets->names[i], name))
      return sets->items[i];
  return NULL;
}
