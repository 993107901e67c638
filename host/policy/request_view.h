/* `request`, as rules see it: a read-only view of the facts of the running decision, read member by member.
 *
 * One view a state, made once; a decision only points it at its facts. Nested members become read-only tables on first use. */
#ifndef HOST_POLICY_REQUEST_VIEW_H
#define HOST_POLICY_REQUEST_VIEW_H

#include "policy/facts.h"

#define REQUEST_VIEW_HINTS 64u /* a power of two */

struct request_view {
  struct facts *facts;               /* NULL between decisions: the view is empty then */
  uint8_t hints[REQUEST_VIEW_HINTS]; /* where members were found, by where their names lie: facts of one route are alike */
  bool has_kept;                     /* nested members are kept for the rest of the decision */
};

/* Adds the global. `view` must outlive the state. Under lua_pcall. */
void request_view_install(lua_State *lua, struct request_view *view);
/* Forgets nested members of the decision before. Raises nothing but memory errors: under lua_pcall. */
void request_view_clear(lua_State *lua, struct request_view *view);

#endif
