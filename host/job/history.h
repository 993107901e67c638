/* Jobs of all times: what a dead host left open ends as "lost", and old ones are forgotten. Lists for clients are job.h's. */
#ifndef HOST_JOB_HISTORY_H
#define HOST_JOB_HISTORY_H

void history_end_left_open(void);
/* Deletes what was finished longer ago than the retention, some rows at a time. */
void history_forget_old(void);

#endif
