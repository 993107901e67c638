/* Facts on their way to the rules: one JSON object, as a tree or as the text a plugin has just written.
 *
 * A rule looks at a few members of a small flat object. So a flat text is only cut into its members, and the tree is made when
 * somebody needs one: nested values, rewriting, the audit, an approval. */
#ifndef HOST_POLICY_FACTS_H
#define HOST_POLICY_FACTS_H

#include <backplane/base.h>
#include <jansson.h>
#include <lua.h>
#include <stdbool.h>

#define FACTS_MEMBERS 24

struct facts_member {
  bp_str key;
  bp_str value;   /* text: without its quotes */
  int64_t number; /* of an integer */
  enum { FACTS_TEXT, FACTS_INTEGER, FACTS_TRUE, FACTS_FALSE } kind;
};

struct facts {
  bp_str text;     /* borrowed; empty where they came as a tree */
  json_t *tree;    /* one reference, or NULL until it is asked for */
  bool is_refused; /* the text is no object: it was tried */
  bool is_flat;    /* the members below are all there is */
  uint32_t count;
  struct facts_member members[FACTS_MEMBERS];
};

/* `text` and `tree` must outlive the facts; release them always. */
void facts_of_text(struct facts *facts, bp_str text);
void facts_of_tree(struct facts *facts, const json_t *tree);
void facts_release(struct facts *facts);
/* The object, borrowed; NULL if the text is none. */
json_t *facts_tree(struct facts *facts);

/* Whether a member is this text. */
bool facts_text_is(struct facts *facts, bp_str key, bp_str text);

/* Pushes one member, nil where it is absent. Nested values are read-only. `hint`: where a member of this name was found the last time;
 * updated. May raise: call it under lua_pcall. */
void facts_push_member(lua_State *lua, struct facts *facts, bp_str key, uint8_t *hint);

#endif
