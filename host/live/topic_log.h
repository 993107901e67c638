/* Log files of ephemeral topics that carry log lines (output of children): what the ring forgets and a restart loses is still on disk.
 *
 * STATE/log/topics/<topic>.log holds one JSON object a line, {"time", "key", "stream", "line"}; at 2 MiB it is turned over to
 * <topic>.log.1. Lines wait in memory for half a second and are written by a worker; what cannot be kept is counted in the file.
 * Main thread. */
#ifndef HOST_LIVE_TOPIC_LOG_H
#define HOST_LIVE_TOPIC_LOG_H

#include <backplane/base.h>

#define TOPIC_LOGS_MOST 64u
#define TOPIC_LOG_FILE_BYTES (2u * 1024 * 1024)
#define TOPIC_LOG_WAITING_BYTES (1u * 1024 * 1024) /* of one topic */

/* `payload`: the event's, {"stream", "line"}. Copies. */
void topic_log_add(bp_str topic, bp_str key, bp_str payload);
/* Writes what waits, at once, and forgets all. When no worker runs any more. */
void topic_logs_release(void);

#endif
