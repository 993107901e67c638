/* Says that the order queue has something to deliver: the flush runs at the end of the tick. [any] */
#ifndef HOST_LIVE_WAKE_H
#define HOST_LIVE_WAKE_H

void live_wake(void);

#endif
