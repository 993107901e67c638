/* The tables behind the interface names, each defined beside the subsystem it opens up. */
#ifndef HOST_LOADER_TABLES_H
#define HOST_LOADER_TABLES_H

#include <backplane/backplane.h>

extern const bp_core_1 core_table;       /* host/loader/core_table.c */
extern const bp_config_1 config_table;   /* host/config/config_table.c */
extern const bp_json_1 json_table;       /* host/json/json_table.c */
extern const bp_log_1 log_table;         /* host/loader/log_table.c */
extern const bp_metrics_1 metrics_table; /* host/loader/metrics_table.c */
extern const bp_http_1 http_table;       /* host/router/http_table.c */
extern const bp_stream_1 stream_table;   /* host/router/stream_table.c */
extern const bp_ws_1 ws_table;           /* host/live/ws_table.c */
extern const bp_live_1 live_table;       /* host/live/live_table.c */
extern const bp_db_1 db_table;           /* host/store/db_table.c */
extern const bp_loop_1 loop_table;       /* host/loop/loop_table.c */
extern const bp_events_1 events_table;   /* host/loader/events_table.c */
extern const bp_fs_1 fs_table;           /* host/fs/fs_table.c */
extern const bp_watch_1 watch_table;     /* host/watch/watch_table.c */
extern const bp_client_1 client_table;   /* host/client/client_table.c */
extern const bp_proc_1 proc_table;       /* host/proc/proc_table.c */
extern const bp_service_1 service_table; /* host/service/service_table.c */
extern const bp_port_1 port_table;       /* host/port/port_table.c */
extern const bp_job_1 job_table;         /* host/job/job_table.c */
extern const bp_secret_1 secret_table;   /* host/secret/secret_table.c */
extern const bp_policy_1 policy_table;   /* host/policy/policy_table.c */

extern const bp_host host_table; /* host/loader/interfaces.c: what `create` gets */

#endif
