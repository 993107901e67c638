/* The host's own view of the log: {"seq","topic","key","time","data"}, and {"type":"resync","from"} where history is gone. */
#ifndef HOST_LIVE_HOST_VIEW_H
#define HOST_LIVE_HOST_VIEW_H

#include <backplane/live.h>

uint32_t host_view_render(void *ctx, const bp_live_event *event, bp_json_writer frame, bp_str *ret_name);

#endif
