/* One-time codes and what tokens.c and session.c tell each other. Main thread. */
#ifndef HOST_AUTH_SESSION_H
#define HOST_AUTH_SESSION_H

#include <backplane/base.h>
#include <stdbool.h>
#include <stdint.h>

/* Counts a wrong token or code. True: there were too many in the last minute. */
bool token_failure(void);
/* An admin token that lives in memory only and is named as a session. */
bp_status token_create_session(int64_t lifetime_s, char ret_text[65], char ret_id[17]);
/* Forgets all codes. */
void sessions_forget(void);

#endif
