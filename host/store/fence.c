/* The authorizer; see fence.h. A table of rules by action code dispatches. */
#include "store/fence.h"
#include "base/str.h"

#include <ctype.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum rule {
  RULE_REFUSE,
  RULE_ALLOW,
  RULE_READ,          /* first: table, second: column */
  RULE_WRITE,         /* first: table */
  RULE_DEFINE,        /* first: the object */
  RULE_DEFINE_ON,     /* first: the object, second: its table */
  RULE_DEFINE_SECOND, /* second: the table */
  RULE_CALL           /* second: function */
};

static const struct {
  enum rule rule;
  const char *verb;
} rules[] = {
    [SQLITE_ALTER_TABLE] = {RULE_DEFINE_SECOND, "alters table"},
    [SQLITE_ANALYZE] = {RULE_REFUSE, "analyzes"},
    [SQLITE_ATTACH] = {RULE_REFUSE, "attaches"},
    [SQLITE_CREATE_INDEX] = {RULE_DEFINE_ON, "creates index"},
    [SQLITE_CREATE_TABLE] = {RULE_DEFINE, "creates table"},
    [SQLITE_CREATE_TEMP_INDEX] = {RULE_REFUSE, "creates temporary index"},
    [SQLITE_CREATE_TEMP_TABLE] = {RULE_REFUSE, "creates temporary table"},
    [SQLITE_CREATE_TEMP_TRIGGER] = {RULE_REFUSE, "creates temporary trigger"},
    [SQLITE_CREATE_TEMP_VIEW] = {RULE_REFUSE, "creates temporary view"},
    [SQLITE_CREATE_TRIGGER] = {RULE_DEFINE_ON, "creates trigger"},
    [SQLITE_CREATE_VIEW] = {RULE_DEFINE, "creates view"},
    [SQLITE_CREATE_VTABLE] = {RULE_REFUSE, "creates virtual table"},
    [SQLITE_DELETE] = {RULE_WRITE, "deletes from table"},
    [SQLITE_DETACH] = {RULE_REFUSE, "detaches"},
    [SQLITE_DROP_INDEX] = {RULE_DEFINE_ON, "drops index"},
    [SQLITE_DROP_TABLE] = {RULE_DEFINE, "drops table"},
    [SQLITE_DROP_TEMP_INDEX] = {RULE_REFUSE, "drops temporary index"},
    [SQLITE_DROP_TEMP_TABLE] = {RULE_REFUSE, "drops temporary table"},
    [SQLITE_DROP_TEMP_TRIGGER] = {RULE_REFUSE, "drops temporary trigger"},
    [SQLITE_DROP_TEMP_VIEW] = {RULE_REFUSE, "drops temporary view"},
    [SQLITE_DROP_TRIGGER] = {RULE_DEFINE_ON, "drops trigger"},
    [SQLITE_DROP_VIEW] = {RULE_DEFINE, "drops view"},
    [SQLITE_DROP_VTABLE] = {RULE_REFUSE, "drops virtual table"},
    [SQLITE_FUNCTION] = {RULE_CALL, "calls function"},
    [SQLITE_INSERT] = {RULE_WRITE, "inserts into table"},
    [SQLITE_PRAGMA] = {RULE_REFUSE, "uses pragma"},
    [SQLITE_READ] = {RULE_READ, "reads table"},
    [SQLITE_RECURSIVE] = {RULE_ALLOW, "recurses"},
    [SQLITE_REINDEX] = {RULE_DEFINE, "reindexes"},
    [SQLITE_SAVEPOINT] = {RULE_REFUSE, "uses savepoint"},
    [SQLITE_SELECT] = {RULE_ALLOW, "selects"},
    [SQLITE_TRANSACTION] = {RULE_REFUSE, "controls the transaction:"},
    [SQLITE_UPDATE] = {RULE_WRITE, "updates table"},
};

/* Functions that reach out of the database, or that take a table by name past the authorizer. */
static const char *const refused_functions[] = {
    "edit", "fts3_tokenizer", "fts5", "load_extension", "readfile", "rtreecheck", "rtreedepth", "rtreenode", "sqlite_log", "writefile", "zipfile",
};

/* Table-valued functions without side effects. */
static const char *const open_tables[] = {"json_each", "json_tree"};

static bool one_of(const char *name, const char *const *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (strcasecmp(name, list[i]) == 0)
      return true;
  }
  return false;
}

static bool begins(const char *name, const char *prefix) {
  return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* A longer prefix of another plugin, "acp_gateway_" beside "acp_", owns what it matches. */
static bool belongs_to_longer_prefix(const struct fence *fence, const char *name) {
  uint32_t cursor = 0;
  bp_str prefix;
  void *value;
  while (fence->prefixes && strmap_next(fence->prefixes, &cursor, &prefix, &value)) {
    if (prefix.len > strlen(fence->prefix) && str_starts(str_from(name), prefix))
      return true;
  }
  return false;
}

static bool is_own(const struct fence *fence, const char *name) {
  return name && begins(name, fence->prefix) && strcmp(name, "live_log") != 0 && !belongs_to_longer_prefix(fence, name);
}

static bool is_schema_table(const char *name) {
  return one_of(name, (const char *const[]){"sqlite_master", "sqlite_schema", "sqlite_temp_master", "sqlite_temp_schema"}, 4);
}

/* A name that exists nowhere in the database can only be one of the statement's own WITH names. */
static bool is_with_name(const struct fence *fence, const char *name) {
  char lower[FENCE_PREFIX_BYTES * 2];
  size_t len = strnlen(name, sizeof(lower));
  if (len == sizeof(lower) || strncasecmp(name, "sqlite_", 7) == 0 || strncasecmp(name, "pragma_", 7) == 0)
    return false;
  for (size_t i = 0; i < len; i++)
    lower[i] = (char)tolower((unsigned char)name[i]);
  return fence->objects && !strmap_get(fence->objects, bp_str_make(lower, len));
}

static bool may_read(const struct fence *fence, const char *table, const char *column) {
  if (is_own(fence, table) || one_of(table, open_tables, sizeof(open_tables) / sizeof(open_tables[0])))
    return true;
  if (strcmp(table, "sqlite_sequence") == 0)
    return fence->has_defined;
  if (is_schema_table(table))
    return fence->may_define;
  return (!column || !*column) && is_with_name(fence, table);
}

/* DROP and ALTER tidy sqlite_sequence up behind an AUTOINCREMENT table; nobody else touches it. */
static bool may_write(const struct fence *fence, const char *table) {
  if (strcmp(table, "sqlite_sequence") == 0)
    return fence->has_defined;
  return is_own(fence, table) || (fence->may_define && is_schema_table(table));
}

/* Indexes that back UNIQUE come with their table. */
static bool may_define_on(const struct fence *fence, const char *object, const char *table) {
  return is_own(fence, table) && (is_own(fence, object) || begins(object, "sqlite_autoindex_"));
}

static bool is_allowed(const struct fence *fence, enum rule rule, const char *first, const char *second) {
  switch (rule) {
  case RULE_ALLOW:
    return true;
  case RULE_READ:
    return may_read(fence, first, second);
  case RULE_WRITE:
    return may_write(fence, first);
  case RULE_DEFINE:
    return fence->may_define && (is_own(fence, first) || begins(first, "sqlite_autoindex_") || strcmp(first, "sqlite_sequence") == 0);
  case RULE_DEFINE_ON:
    return fence->may_define && may_define_on(fence, first, second);
  case RULE_DEFINE_SECOND:
    return fence->may_define && is_own(fence, second);
  case RULE_CALL:
    return !one_of(second, refused_functions, sizeof(refused_functions) / sizeof(refused_functions[0]));
  default:
    return false;
  }
}

int fence_check(void *ctx, int action, const char *first, const char *second, const char *database, const char *inner) {
  struct fence *fence = ctx;
  fence->was_asked = true;
  /* Triggers of a search index are the host's and write to the host's tables. */
  if (!fence->prefix || (inner && begins(inner, "bp_search_")))
    return SQLITE_OK;
  bool is_known = action >= 0 && (size_t)action < sizeof(rules) / sizeof(rules[0]);
  enum rule rule = is_known ? rules[action].rule : RULE_REFUSE;
  bool is_elsewhere = database && strcmp(database, "main") != 0 && !(fence->may_define && strcmp(database, "temp") == 0);
  if (!is_elsewhere && is_allowed(fence, rule, first ? first : "", second ? second : "")) {
    fence->has_defined = fence->has_defined || rule == RULE_DEFINE || rule == RULE_DEFINE_SECOND;
    return SQLITE_OK;
  }
  if (rule == RULE_WRITE && first && is_schema_table(first)) { /* also what SQLite does for pragma_ and other virtual tables */
    snprintf(fence->refusal, sizeof(fence->refusal), "touches the schema");
    return SQLITE_DENY;
  }
  const char *object = rule == RULE_CALL || rule == RULE_DEFINE_SECOND ? second : first;
  snprintf(fence->refusal, sizeof(fence->refusal), "%s \"%s\"", is_known && rules[action].verb ? rules[action].verb : "does what is not allowed with",
           object ? object : "");
  return SQLITE_DENY;
}

void fence_up(struct fence *fence, const char *prefix, bool may_define) {
  fence->prefix = prefix;
  fence->may_define = may_define;
  fence->has_defined = fence->was_asked = false;
  fence->refusal[0] = '\0';
}

void fence_down(struct fence *fence) {
  fence->prefix = NULL;
}

bool fence_owns(const struct fence *fence, const char *prefix, const char *name) {
  struct fence own = {.prefix = prefix, .prefixes = fence->prefixes};
  return is_own(&own, name);
}

bool fence_prefix(bp_str id, char ret[FENCE_PREFIX_BYTES]) {
  if (id.len == 0 || id.len + 2 > FENCE_PREFIX_BYTES || str_eq(id, BP_LIT("bp")) || str_eq(id, BP_LIT("sqlite")))
    return false;
  for (size_t i = 0; i < id.len; i++)
    ret[i] = id.ptr[i] == '-' || id.ptr[i] == '.' ? '_' : id.ptr[i];
  ret[id.len] = '_';
  ret[id.len + 1] = '\0';
  return true;
}
