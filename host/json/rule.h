/* A compiled schema: one `struct rule` for every subschema. Private to host/json; compiled by schema_compile.c, walked by
 * schema_validate.c. */
#ifndef HOST_JSON_RULE_H
#define HOST_JSON_RULE_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include "json/schema.h"
#include <pcre2.h>

/* Types, as bits of rule.types. */
#define RULE_NULL 1u
#define RULE_BOOLEAN 2u
#define RULE_INTEGER 4u
#define RULE_NUMBER 8u
#define RULE_STRING 16u
#define RULE_ARRAY 32u
#define RULE_OBJECT 64u

/* A declared or required member of an object. */
struct rule_member {
  const char *name; /* borrowed from the source */
  size_t name_len;
  struct rule *rule; /* NULL: required, but not described */
  bool is_required;
};

struct rule {
  uint32_t types;          /* 0: any */
  bool refuses_additional; /* additionalProperties: false */
  bool is_checked;         /* by the search for endless references */
  bool is_being_checked;
  const json_t *members;      /* the "properties" object, to tell additional members from declared ones */
  const json_t *enumeration;  /* "enum" */
  const json_t *constant;     /* "const" */
  const json_t *minimum;      /* a number */
  const json_t *maximum;      /* a number */
  const json_t *pattern_text; /* a string */
  const json_t *reference;    /* "$ref" until it is resolved */
  int64_t min_length;         /* code points; the four below are 0 and INT64_MAX where not given */
  int64_t max_length;
  int64_t min_items;
  int64_t max_items;
  pcre2_code *pattern;
  struct rule *items;
  struct rule *additional;
  struct rule *target; /* of $ref */
  struct rule **one_of;
  size_t one_of_count;
  struct rule_member *properties;
  size_t property_count;
  struct rule *next; /* all rules of the schema */
};

struct schema {
  json_t *source;
  struct rule *root;
  struct rule *all;
  struct rule **definitions; /* in the order of "$defs" */
};

#endif
