/* Waking the readers of growing files: inotify where there is some, else a look twice a second. */
#ifndef HOST_PROC_FOLLOW_H
#define HOST_PROC_FOLLOW_H

#include "proc/output.h"

/* Pokes the spout whenever the file grows. Returns a number for follow_end. */
int follow_begin(const char *path, struct spout *spout);
/* 0 is fine. */
void follow_end(int number);
void follow_release(void);

#endif
