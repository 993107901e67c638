/* Finished work on its way back to main: a list of our own, so that store_close can deliver what the loop no longer will. */
#ifndef HOST_STORE_COMPLETION_H
#define HOST_STORE_COMPLETION_H

struct completion {
  struct completion *next;
  void (*deliver)(struct completion *self); /* on main, once; owns and frees self */
};

/* Queues for main, in order. One post to the loop a burst. [any] */
void completion_post(struct completion *c);
/* Delivers all that is queued now. Main. */
void completions_deliver(void);

#endif
