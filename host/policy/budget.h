/* What one run of a rule may use: instructions (and work of C functions counted in the same coin), memory, processor time.
 *
 * The count hook of Lua does not fire inside C functions, so everything that loops in C charges for its work here. */
#ifndef HOST_POLICY_BUDGET_H
#define HOST_POLICY_BUDGET_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUDGET_INSTRUCTIONS 1000000u
#define BUDGET_HOOK_EVERY 1000
/* From the first block of this size on, the hook looks more often: one instruction may then take a millisecond to read it as a number or
 * to compare it. */
#define BUDGET_LARGE_BYTES ((size_t)16 << 10)
#define BUDGET_LARGE_HOOK_EVERY 8
#define BUDGET_STATE_BYTES ((size_t)16 << 20)     /* alive at one time */
#define BUDGET_ALLOCATION_BYTES ((size_t)2 << 20) /* one string or table */
#define BUDGET_CHURN_BYTES ((size_t)128 << 20)    /* allocated in all during one run */
#ifdef __SANITIZE_THREAD__
#define BUDGET_CPU_MS 250 /* the same work takes that much longer */
#else
#define BUDGET_CPU_MS 50
#endif

struct budget {
  uint64_t used; /* instructions */
  bool is_straight;
  bool is_large;      /* has had a large block in this run */
  lua_State *running; /* NULL between runs */
  size_t bytes;       /* alive */
  size_t peak;
  size_t churn;
  int64_t cpu_started_ns; /* at the first count; 0 before */
  bool is_host;           /* the host itself works with the state: nothing is refused, so that nothing raises */
};

/* lua_newstate's allocator; `ud` is the budget. */
void *budget_allocate(void *ud, void *ptr, size_t old_size, size_t new_size);
/* Starts a run: counters to zero, hook set. The budget must be the one the state was made with. `is_straight`: code that runs through
 * once (rule_guard.h) and is too short to use up its instructions: they are not counted one by one. */
void budget_start(lua_State *lua, struct budget *budget, bool is_straight);
void budget_stop(lua_State *lua);
/* The budget of a state. */
struct budget *budget_of(lua_State *lua);
/* Charges for work done in C, and looks at the processor's time now and then; raises a Lua error when the budget is used up. */
void budget_charge(lua_State *lua, uint64_t instructions);

#endif
