/* Points in time as text: "2026-11-21T08:17:00.123Z", as logs and answers say them. */
#ifndef HOST_BASE_ISO_TIME_H
#define HOST_BASE_ISO_TIME_H

#include <backplane/base.h>

#define ISO_TIME_BYTES 40

/* The text, in `text`; empty for a time no calendar has. [any] */
bp_str iso_time(int64_t wall_ms, char text[ISO_TIME_BYTES]);
/* The same for now. */
bp_str iso_time_now(char text[ISO_TIME_BYTES]);

#endif
