/* What rules say: allow(), deny(reason [, pointer]), ask(reason), rewrite(facts), and the one reading of what a rule returned. */
#ifndef HOST_POLICY_VERDICT_H
#define HOST_POLICY_VERDICT_H

#include <jansson.h>
#include <lua.h>

/* In rising strength: of several rules the strongest verdict counts. */
enum verdict_kind { VERDICT_ALLOW, VERDICT_REWRITE, VERDICT_ASK, VERDICT_DENY };

#define VERDICT_REASON_BYTES 257

struct verdict {
  enum verdict_kind kind;
  char reason[VERDICT_REASON_BYTES];
  char pointer[128]; /* JSON pointer into the facts that a denial is about, or empty */
  char rule[128];    /* file that decided, or empty: nobody objected */
  json_t *facts;     /* of REWRITE, and of ASK about rewritten facts; owned by whoever holds the verdict */
};

const char *verdict_name(enum verdict_kind kind);
/* Adds the four functions as globals of a sandbox. */
void verdict_install(lua_State *lua);
/* Without a reason, a pointer, a rule or facts. */
void verdict_set(struct verdict *verdict, enum verdict_kind kind);
/* Reads the value at `index`: `true` allows, a verdict is itself, anything else denies. Calls no metamethod. */
void verdict_read(lua_State *lua, int index, struct verdict *ret);
void verdict_release(struct verdict *verdict);

#endif
