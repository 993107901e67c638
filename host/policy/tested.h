/* Which rules have passed their tests: those that have need not be tested again at the next start, which they would make three times as long. */
#ifndef HOST_POLICY_TESTED_H
#define HOST_POLICY_TESTED_H

#include <stdbool.h>
#include <stdint.h>

/* A fingerprint of all scripts and tests in `dir` as they are now, and of this program. Tells apart what has changed by itself or by
 * an editor; it is no protection against whoever may write the rules. Reads files: at start only. */
uint64_t tested_print(const char *dir);
/* True if rules of this fingerprint have passed, as noted in `state_dir`. */
bool tested_is(const char *state_dir, uint64_t print);
/* Notes it. Where it cannot be noted, the next start tests again. */
void tested_note(const char *state_dir, uint64_t print);

#endif
