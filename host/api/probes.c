/* Routes for probes and scrapers: /health, /ready, /metrics. The first two need no identity and name nothing of this machine. */
#include "api/reply.h"
#include "api/routes.h"
#include "base/buf.h"
#include "host.h"
#include "loader/metrics.h"
#include "store/store.h"

void api_health(struct http_exchange *x, bp_str body) {
  (void)body;
  reply_json(x, 200, json_pack("{s:s, s:s, s:s}", "status", "healthy", "service", "backplane", "version", HOST_VERSION));
}

void api_ready(struct http_exchange *x, bp_str body) {
  (void)body;
  if (host_run.is_stopping)
    reply_problem(x, 503, "the host is stopping", NULL);
  else if (!host_run.is_ready)
    reply_problem(x, 503, "the host is starting", NULL);
  else
    reply_json(x, 200, json_pack("{s:s, s:s}", "status", "ready", "store", store_is_readonly() ? "read-only" : "writable"));
}

void api_metrics(struct http_exchange *x, bp_str body) {
  struct buf text = {0};
  (void)body;
  metrics_write(&text);
  if (text.failed)
    reply_problem(x, 503, "no memory for the answer", NULL);
  else
    exchange_reply(x, 200, BP_LIT("text/plain; version=0.0.4; charset=utf-8"), buf_str(&text));
  buf_release(&text);
}
