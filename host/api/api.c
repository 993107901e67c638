/* The table of the host's own routes. */
#include "api/api.h"
#include "api/routes.h"
#include "auth/identity.h"

static const struct host_route routes[] = {
    {"GET", "/", 0, api_page, "start_page", "Modules, ports and links, as a plain page."},
    {"GET", "/api/backplane/approvals", SCOPE_ADMIN, api_approvals, "list_approvals", "Approvals, oldest first: state, after and limit."},
    {"GET", "/api/backplane/approvals/", SCOPE_ADMIN, api_approval, "get_approval", "One approval, by the id that ends the path."},
    {"POST", "/api/backplane/approvals/", SCOPE_ADMIN, api_approval_decide, "decide_approval", "ID/approve or ID/deny, with a reason."},
    {"GET", "/api/backplane/audit", SCOPE_ADMIN, api_audit, "list_audit", "Decisions of the policy: set, verdict, principal, after and limit."},
    {"GET", "/api/backplane/audit/", SCOPE_ADMIN, api_audit_entry, "get_audit_entry", "One decision, by the id that ends the path."},
    {"POST", "/api/backplane/backup", SCOPE_ADMIN, api_backup, "create_backup", "Copies the store to a file on this machine."},
    {"GET", "/api/backplane/live", SCOPE_READ, api_live, "watch_live", "The live log as an event stream: topics=a,b.* and from=SEQUENCE."},
    {"GET", "/api/backplane/modules", SCOPE_READ, api_modules, "list_modules", "All modules with phase and failure."},
    {"GET", "/api/backplane/modules/", SCOPE_READ, api_module, "get_module", "One module, by the id that ends the path."},
    {"GET", "/api/backplane/policy", SCOPE_ADMIN, api_policy, "get_policy", "The sets of rules in use and what they have decided."},
    {"POST", "/api/backplane/policy/reload", SCOPE_ADMIN, api_policy_reload, "reload_policy",
     "Compiles and tests all rules, then puts them in force; a fault changes nothing."},
    {"POST", "/api/backplane/reload", SCOPE_ADMIN, api_reload, "reload", "Loads the configuration again; a bad one keeps the old."},
    {"GET", "/api/backplane/routes", SCOPE_READ, api_routes, "list_routes", "All routes of the host and its modules."},
    {"POST", "/api/backplane/secrets/rotate", SCOPE_ADMIN, api_secrets_rotate, "rotate_secrets", "A new key for all stored secrets."},
    {"POST", "/api/backplane/session", 0, api_session, "open_session", "Exchanges the one-time code of the start link for a session's token."},
    {"GET", "/api/backplane/status", SCOPE_READ, api_status, "get_status", "Version, uptime, listeners, modules, store."},
    {"GET", "/api/backplane/tokens", SCOPE_ADMIN, api_tokens, "list_tokens", "All stored tokens, without their text."},
    {"POST", "/api/backplane/tokens", SCOPE_ADMIN, api_token_create, "create_token", "Makes a token and shows its text this once."},
    {"DELETE", "/api/backplane/tokens/", SCOPE_ADMIN, api_token_revoke, "revoke_token", "Revokes the token whose id ends the path."},
    {"GET", "/health", 0, api_health, "get_health", "200 while the process answers."},
    {"GET", "/jobs", SCOPE_READ, api_jobs, "list_jobs", "Long work, newest first: limit=, before=, status=, module=, kind=."},
    {"GET", "/jobs/", SCOPE_READ, api_job, "get_job", "One job, by the id that ends the path."},
    {"POST", "/jobs/", SCOPE_WRITE, api_job_cancel, "cancel_job", "Asks a job to end: /jobs/ID/cancel."},
    {"GET", "/metrics", SCOPE_READ, api_metrics, "get_metrics", "All metrics in the Prometheus text format."},
    {"GET", "/page.js", 0, api_page_script, "get_page_script", "The script of the start page."},
    {"GET", "/ready", 0, api_ready, "get_ready", "200 once everything is started, 503 before that and while stopping."},
};

void api_init(void) {
  page_init();
  router_add_host_routes(routes, sizeof(routes) / sizeof(routes[0]));
}
