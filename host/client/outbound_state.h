/* An outbound request from within, shared by outbound.c (its life) and hop.c (one transfer of curl's). Main thread. */
#ifndef HOST_CLIENT_OUTBOUND_STATE_H
#define HOST_CLIENT_OUTBOUND_STATE_H

#include "base/buf.h"
#include "client/curl_api.h"
#include "client/head.h"
#include "client/order.h"
#include "client/outbound.h"

#include <event2/event_struct.h>

struct outbound {
  struct owned owned;
  struct plugin *plugin;
  bp_exchange handle;
  struct order order;
  uint32_t flags;
  uint32_t connect_timeout_ms, idle_timeout_ms;
  int64_t deadline_ms;  /* 0: none */
  uint64_t limit_bytes; /* 0: none */
  bp_client_events events;
  void *ctx;

  CURL *easy; /* NULL before the start and between hops */
  struct curl_slist *headers;
  char error_text[CURL_ERROR_SIZE];
  struct event wake;  /* something was asked for */
  struct event timer; /* the idle and the total time-out */
  int64_t active_ms;
  curl_off_t sent_bytes;

  struct head head;
  struct buf collected;
  uint64_t received_bytes;
  uint64_t charged_bytes;
  unsigned redirects;
  bool is_redirect;        /* the response at hand is followed: its body is nobody's */
  bool is_paused, is_held; /* held: curl keeps a chunk back */
  bool is_cancelled, is_told;
  bool was_address_refused;
  bp_status failure; /* why a callback ended the transfer */
};

/* ---- outbound.c ---- */

/* Something has happened: the idle time begins anew. */
void outbound_touch(struct outbound *x);
/* False and nothing taken where all requests together would hold too much. */
bool outbound_charge(struct outbound *x, uint64_t bytes);

/* ---- hop.c ---- */

/* Begins the transfer that x->order describes. False without memory. */
bool hop_start(struct outbound *x);
/* Ends it, whatever it does. */
void hop_drop(struct outbound *x);
/* HTTP's, of the response at hand; 0: none. */
long hop_status(const struct outbound *x);
/* What went wrong, in words. */
bp_status hop_failure(struct outbound *x, CURLcode code, bp_error *err);

#endif
