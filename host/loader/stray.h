/* Threads that plugins started themselves: a plugin that leaves one running must never be unmapped. */
#ifndef HOST_LOADER_STRAY_H
#define HOST_LOADER_STRAY_H

#include <stdbool.h>

struct plugin;

/* Before the first plugin is loaded: every thread there is now is the host's (or a sanitizer's). */
void stray_baseline(void);
/* After a callback that may have started threads: new ones are put down to this plugin. */
void stray_note(struct plugin *plugin);
/* True while a thread put down to this plugin runs. */
bool stray_is_running(struct plugin *plugin);

#endif
