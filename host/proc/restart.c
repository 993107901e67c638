/* The restart policy as arithmetic; see restart.h. */
#include "proc/restart.h"

#include "loader/tables.h"

#define DELAY_LEAST_MS 100u
#define DELAY_MOST_MS 30000u
#define MINUTE_MS 60000

/* Plus or minus a fifth, so that what fell together does not rise together. */
static uint32_t with_jitter(uint32_t delay_ms) {
  uint32_t random;
  core_table.random_bytes(&random, sizeof(random));
  return delay_ms - delay_ms / 5 + random % (delay_ms / 5 * 2 + 1);
}

static uint32_t next_delay(struct restart *restart, int64_t ran_ms) {
  if (ran_ms >= DELAY_MOST_MS)
    restart->delays = 0;
  uint32_t delay_ms = DELAY_LEAST_MS << (restart->delays < 9 ? restart->delays : 9);
  restart->delays++;
  return with_jitter(delay_ms < DELAY_MOST_MS ? delay_ms : DELAY_MOST_MS);
}

bool restart_after(struct restart *restart, uint32_t policy, bool has_failed, int64_t now_ms, int64_t ran_ms, uint32_t *ret_delay_ms) {
  if (policy == BP_RESTART_NEVER || (policy == BP_RESTART_ON_FAILURE && !has_failed))
    return false;
  restart->ends_ms[restart->end_count++ % RESTART_BROKEN_AFTER] = now_ms;
  int64_t oldest_ms = restart->ends_ms[restart->end_count % RESTART_BROKEN_AFTER];
  if (restart->end_count >= RESTART_BROKEN_AFTER && now_ms - oldest_ms < MINUTE_MS)
    return false;
  *ret_delay_ms = next_delay(restart, ran_ms);
  return true;
}
