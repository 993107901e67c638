/* Keeping the write-ahead log short: checkpoints between batches, never inside a commit. Writer thread. */
#ifndef HOST_STORE_CHECKPOINT_H
#define HOST_STORE_CHECKPOINT_H

#include "store/database.h"

/* Notes the log's length after each commit on this connection. */
void checkpoint_watch(struct database *d);
/* Copies the log back when it has grown past 1000 pages; past 64 MiB it waits shortly for readers and starts it anew. */
void checkpoint_if_long(struct database *d);
/* Copies everything back and cuts the file to nothing; false while a reader holds it. */
bool checkpoint_truncate(struct database *d);

#endif
