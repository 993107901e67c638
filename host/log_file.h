/* STATE/log/backplane.log: what `backplane logs` reads. Turned over at 10 MB, two older files are kept. */
#ifndef HOST_LOG_FILE_H
#define HOST_LOG_FILE_H

#include <backplane/base.h>

/* Opens the file and sends log lines there too; the loop must be up. Without the file the host goes on, after a warning. */
void log_file_open(const char *state_dir);
void log_file_close(void);

#endif
