/* What modules read from the store as they start: whoever comes first should not be told "not found" because a module has not read
 * yet what it keeps. */
#ifndef HOST_LOADER_FIRST_READS_H
#define HOST_LOADER_FIRST_READS_H

struct plugin;

/* It has been started: what it has asked of the store by now, and asks in the answers, is waited for. */
void first_reads_note(struct plugin *plugin);
/* Calls `done` when the reads and writes of all noted plugins are over, at once where there are none, and at the latest after
 * FIRST_READS_MS: a module that has more to read does so while it serves. One at a time. Main. */
#define FIRST_READS_MS 1000
void first_reads_await(void (*done)(void));

#endif
