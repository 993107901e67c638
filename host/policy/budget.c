/* Budgets of rule runs; see budget.h. */
#include "policy/budget.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <time.h>

static void on_count(lua_State *lua, lua_Debug *event);

/* From the allocator: lua_sethook may be called from anywhere, also in the middle of an instruction. */
static void watch_closely(struct budget *budget) {
  budget->is_large = true;
  lua_sethook(budget->running, on_count, LUA_MASKCOUNT, BUDGET_LARGE_HOOK_EVERY);
}

void *budget_allocate(void *ud, void *ptr, size_t old_size, size_t new_size) {
  struct budget *budget = ud;
  size_t freed = ptr ? old_size : 0;
  if (new_size == 0) {
    free(ptr);
    budget->bytes -= freed;
    return NULL;
  }
  if (new_size > freed && !budget->is_host) {
    size_t more = new_size - freed;
    if (new_size > BUDGET_ALLOCATION_BYTES || budget->bytes + more > BUDGET_STATE_BYTES || budget->churn + more > BUDGET_CHURN_BYTES)
      return NULL;
  }
  void *block = realloc(ptr, new_size);
  if (!block)
    return NULL;
  if (new_size >= BUDGET_LARGE_BYTES && budget->running && !budget->is_large)
    watch_closely(budget);
  budget->churn += new_size > freed ? new_size - freed : 0;
  budget->bytes = budget->bytes - freed + new_size;
  if (budget->bytes > budget->peak)
    budget->peak = budget->bytes;
  return block;
}

struct budget *budget_of(lua_State *lua) {
  void *ud;
  lua_getallocf(lua, &ud);
  return ud;
}

static int64_t cpu_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void check_time(lua_State *lua, struct budget *budget) {
  int64_t now_ns = cpu_now_ns();
  if (budget->cpu_started_ns == 0)
    budget->cpu_started_ns = now_ns; /* short runs never ask the kernel for the time */
  if (now_ns - budget->cpu_started_ns > INT64_C(1000000) * BUDGET_CPU_MS)
    luaL_error(lua, "the rule used more than %d ms of processor time", BUDGET_CPU_MS);
}

static void count(lua_State *lua, struct budget *budget, uint64_t instructions) {
  budget->used += instructions;
  if (budget->used > BUDGET_INSTRUCTIONS)
    luaL_error(lua, "the rule used more than %d instructions", (int)BUDGET_INSTRUCTIONS);
}

static void on_count(lua_State *lua, lua_Debug *event) {
  (void)event;
  struct budget *budget = budget_of(lua);
  count(lua, budget, budget->is_large ? BUDGET_LARGE_HOOK_EVERY : BUDGET_HOOK_EVERY);
  check_time(lua, budget);
}

void budget_start(lua_State *lua, struct budget *budget, bool is_straight) {
  budget->used = 0;
  budget->churn = 0;
  budget->cpu_started_ns = 0;
  budget->is_straight = is_straight;
  budget->is_large = false;
  budget->running = lua;
  if (!is_straight)
    lua_sethook(lua, on_count, LUA_MASKCOUNT, BUDGET_HOOK_EVERY);
}

void budget_stop(lua_State *lua) {
  struct budget *budget = budget_of(lua);
  if (!budget->is_straight || budget->is_large)
    lua_sethook(lua, NULL, 0, 0);
  budget->running = NULL;
}

void budget_charge(lua_State *lua, uint64_t instructions) {
  struct budget *budget = budget_of(lua);
  bool is_due = budget->running && (budget->used + instructions) / BUDGET_HOOK_EVERY != budget->used / BUDGET_HOOK_EVERY;
  count(lua, budget, instructions);
  if (is_due)
    check_time(lua, budget);
}
