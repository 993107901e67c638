/* A WebSocket that watches a view; see clients.h. What the client says is read and dropped. */
#include "live/clients.h"

#include "live/ws.h"

#include <stddef.h>
#include <stdlib.h>

struct ws_client {
  struct ws ws;
  struct subscriber subscriber;
};

static struct ws_client *of(struct ws *ws) {
  return (struct ws_client *)(void *)((char *)ws - offsetof(struct ws_client, ws));
}

static void on_drained(struct ws *ws) {
  subscriber_drained(&of(ws)->subscriber);
}

static void on_closed(struct ws *ws, uint32_t code, bp_str reason) {
  (void)code;
  (void)reason;
  subscriber_leave(&of(ws)->subscriber);
}

static void on_gone(struct ws *ws) {
  free(of(ws));
}

static const struct ws_user user = {.drained = on_drained, .closed = on_closed, .gone = on_gone};

static void end(struct subscriber *s, bool is_laggard) {
  struct ws_client *client = (struct ws_client *)(void *)((char *)s - offsetof(struct ws_client, subscriber));
  if (is_laggard)
    ws_cut(&client->ws, WS_TRY_AGAIN, BP_LIT("too slow"));
  else
    ws_cut(&client->ws, WS_GOING_AWAY, (bp_str){0});
}

bool client_open_ws(struct http_exchange *x, struct audience *audience, bp_str protocol, uint64_t from, bp_str first) {
  struct ws_client *client = calloc(1, sizeof(*client));
  audience->count++;
  if (!client || !ws_open(&client->ws, &user, x, protocol)) {
    free(client);
    audience_leave(audience);
    return false;
  }
  if (first.len) {
    struct frame *frame = image_ws(WS_TEXT, first);
    ws_send(&client->ws, frame);
    frame_unref(frame);
  }
  client->subscriber.end = end;
  subscriber_join(&client->subscriber, audience, &client->ws.out, from);
  return true;
}
