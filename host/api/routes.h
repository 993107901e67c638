/* The handlers behind the table in api.c, by file. All run on main; scope and body size have been checked before. */
#ifndef HOST_API_ROUTES_H
#define HOST_API_ROUTES_H

#include "router/router.h"

/* page.c */
void api_page(struct http_exchange *x, bp_str body);
void api_page_script(struct http_exchange *x, bp_str body);
void page_init(void);
/* probes.c */
void api_health(struct http_exchange *x, bp_str body);
void api_ready(struct http_exchange *x, bp_str body);
void api_metrics(struct http_exchange *x, bp_str body);
/* status.c */
void api_status(struct http_exchange *x, bp_str body);
void api_routes(struct http_exchange *x, bp_str body);
/* modules.c */
void api_modules(struct http_exchange *x, bp_str body);
void api_module(struct http_exchange *x, bp_str body);
void api_reload(struct http_exchange *x, bp_str body);
/* tokens.c */
void api_tokens(struct http_exchange *x, bp_str body);
void api_token_create(struct http_exchange *x, bp_str body);
void api_token_revoke(struct http_exchange *x, bp_str body);
void api_session(struct http_exchange *x, bp_str body);
/* backup.c */
void api_backup(struct http_exchange *x, bp_str body);
/* jobs.c */
void api_jobs(struct http_exchange *x, bp_str body);
void api_job(struct http_exchange *x, bp_str body);
void api_job_cancel(struct http_exchange *x, bp_str body);
/* secrets.c */
void api_secrets_rotate(struct http_exchange *x, bp_str body);
/* approvals.c */
void api_approvals(struct http_exchange *x, bp_str body);
void api_approval(struct http_exchange *x, bp_str body);
void api_approval_decide(struct http_exchange *x, bp_str body);
/* audit.c */
void api_audit(struct http_exchange *x, bp_str body);
void api_audit_entry(struct http_exchange *x, bp_str body);
/* policy.c */
void api_policy(struct http_exchange *x, bp_str body);
void api_policy_reload(struct http_exchange *x, bp_str body);
/* live.c */
void api_live(struct http_exchange *x, bp_str body);

#endif
