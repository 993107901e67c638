/* How stream_file.c moves a part out of an upload's care while a worker keeps its file. Main thread. */
#ifndef HOST_ROUTER_UPLOAD_KEEP_H
#define HOST_ROUTER_UPLOAD_KEEP_H

#include <backplane/base.h>
#include <stdbool.h>

struct upload;

/* Until the end is told, the upload lives on and leaves the file alone. BP_E_NOT_FOUND: no such file part; BP_E_BUSY: being
 * kept; BP_E_STATE: kept already. */
bp_status upload_keep_begin(struct upload *upload, uint32_t index, const char **ret_spool_name);
void upload_keep_end(struct upload *upload, uint32_t index, bool is_kept);

#endif
