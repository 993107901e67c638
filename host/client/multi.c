/* Transfers on the loop; see multi.h. */
#include "client/multi.h"
#include "base/log.h"
#include "loop/loop.h"

#include <event2/event_struct.h>
#include <stdlib.h>

#define IDLE_CONNECTIONS_MAX 16L

static struct {
  CURLM *handle;
  multi_ended_fn ended;
  struct event timer;
  unsigned depth;
} multi;

struct watched {
  struct event event;
};

bool multi_is_calling(void) {
  return multi.depth > 0;
}

static void tell_ended(void) {
  int left;
  for (const CURLMsg *message; (message = curl_api()->multi_info_read(multi.handle, &left));) {
    char *private_data = NULL;
    CURLcode code = message->data.result;
    if (message->msg != CURLMSG_DONE)
      continue;
    curl_api()->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private_data);
    multi.ended(private_data, code);
  }
}

static void act(curl_socket_t fd, int events) {
  int running;
  multi.depth++;
  curl_api()->multi_socket_action(multi.handle, fd, events, &running);
  multi.depth--;
  if (multi.depth == 0)
    tell_ended();
}

void multi_kick(void) {
  act(CURL_SOCKET_TIMEOUT, 0);
}

static void on_socket(evutil_socket_t fd, short what, void *arg) {
  (void)arg;
  act((curl_socket_t)fd, (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_timer(evutil_socket_t fd, short what, void *arg) {
  (void)fd, (void)what, (void)arg;
  multi_kick();
}

static int set_timer(CURLM *handle, long delay_ms, void *arg) {
  (void)handle, (void)arg;
  const struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
  if (delay_ms < 0)
    event_del(&multi.timer);
  else
    event_add(&multi.timer, &delay);
  return 0;
}

static int forget_socket(curl_socket_t fd, struct watched *watched) {
  if (!watched)
    return 0;
  curl_api()->multi_assign(multi.handle, fd, NULL);
  event_del(&watched->event);
  free(watched);
  return 0;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *data) {
  (void)easy, (void)arg;
  struct watched *watched = data;
  if (what == CURL_POLL_REMOVE)
    return forget_socket(fd, watched);
  if (!watched) {
    watched = calloc(1, sizeof(*watched));
    if (!watched)
      return -1;
    curl_api()->multi_assign(multi.handle, fd, watched);
  } else {
    event_del(&watched->event);
  }
  short events = (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
  event_assign(&watched->event, loop_base(), fd, events, on_socket, NULL);
  return event_add(&watched->event, NULL);
}

bool multi_init(multi_ended_fn ended) {
  if (multi.handle)
    return true;
  multi.handle = curl_api()->multi_init();
  if (!multi.handle)
    return false;
  multi.ended = ended;
  evtimer_assign(&multi.timer, loop_base(), on_timer, NULL);
  curl_api()->multi_setopt(multi.handle, CURLMOPT_SOCKETFUNCTION, set_socket);
  curl_api()->multi_setopt(multi.handle, CURLMOPT_TIMERFUNCTION, set_timer);
  curl_api()->multi_setopt(multi.handle, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS_MAX);
  return true;
}

bool multi_add(CURL *easy) {
  return curl_api()->multi_add_handle(multi.handle, easy) == CURLM_OK;
}

void multi_remove(CURL *easy) {
  CURLMcode code = curl_api()->multi_remove_handle(multi.handle, easy);
  if (code != CURLM_OK)
    log_error("client", "a transfer cannot be taken off the loop (%d)", (int)code);
}

void multi_release(void) {
  if (!multi.handle)
    return;
  curl_api()->multi_cleanup(multi.handle);
  event_del(&multi.timer);
  multi.handle = NULL;
}
