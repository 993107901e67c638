/* Writing to many; see fanout.h. Three steps, so that memory which has grown cold is fetched for many at a time: who takes part,
 * one bulk send, what became of each. */
#include "live/fanout.h"

#include <string.h>

#define JOINED_BYTES_MAX (256u << 10)

struct batch {
  uint32_t count;
  uint32_t of[FANOUT_MAX]; /* index of the outlet */
  struct bulk_send sends[FANOUT_MAX];
};

/* Large, and used by one call at a time: nothing is called back while it is in use. */
static struct batch batch;

static void prefetch(struct outlet *const *outlets, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    outlet_prefetch(outlets[i]);
}

static void add(uint32_t index, int fd, bp_str bytes) {
  batch.of[batch.count] = index;
  batch.sends[batch.count++] = (struct bulk_send){.fd = fd, .bytes = bytes};
}

/* ---- The same to all ---- */

void fanout_begin(struct fanout *f, struct frame *const *frames, uint32_t count, uint32_t audience) {
  *f = (struct fanout){.frames = frames, .count = count};
  size_t len = 0, at = 0;
  for (uint32_t i = 0; i < count; i++)
    len += frames[i]->len;
  if (count == 1)
    f->bytes = bp_str_make(frames[0]->data, len);
  if (count < 2 || audience < BULK_SENDS_MIN || len > JOINED_BYTES_MAX)
    return;
  f->joined = frame_new(len);
  for (uint32_t i = 0; f->joined && i < count; at += frames[i++]->len)
    memcpy(f->joined->data + at, frames[i]->data, frames[i]->len);
  if (f->joined)
    f->bytes = bp_str_make(f->joined->data, len);
}

void fanout_end(struct fanout *f) {
  frame_unref(f->joined);
}

/* Those that took all are left in peace: nothing has changed for them, and their memory is cold by now. */
static bool note_results(const struct fanout *f, struct outlet *const *outlets) {
  uint64_t whole = 0;
  bool is_all = true;
  for (uint32_t i = 0; i < batch.count; i++) {
    if (batch.sends[i].result == (ssize_t)f->bytes.len) {
      whole += f->bytes.len;
      continue;
    }
    outlet_sent(outlets[batch.of[i]], f->frames, f->count, batch.sends[i].result);
    is_all = false;
  }
  raw_count_sent(whole);
  return is_all;
}

bool fanout_send(const struct fanout *f, struct outlet *const *outlets, uint32_t count) {
  bool is_all = true;
  prefetch(outlets, count);
  batch.count = 0;
  for (uint32_t i = 0; i < count; i++) {
    int fd = f->bytes.len ? outlet_socket(outlets[i]) : -1;
    if (fd >= 0) {
      add(i, fd, f->bytes);
      continue;
    }
    outlet_send(outlets[i], f->frames, f->count);
    is_all = false;
  }
  bulk_send(batch.sends, batch.count);
  return note_results(f, outlets) && is_all;
}

/* ---- To each its own ---- */

/* Those with one frame go together; the others are flushed afterwards, since that may call back. */
static void send_ones(struct outlet *const *outlets, uint32_t count, bool *ret_is_sent) {
  prefetch(outlets, count);
  batch.count = 0;
  for (uint32_t i = 0; i < count; i++) {
    bp_str bytes;
    int fd = outlet_socket_of_one(outlets[i], &bytes);
    ret_is_sent[i] = fd >= 0;
    if (fd >= 0)
      add(i, fd, bytes);
  }
  bulk_send(batch.sends, batch.count);
  prefetch(outlets, count); /* again: the sends have used the cache */
  for (uint32_t i = 0; i < batch.count; i++)
    outlet_sent_one(outlets[batch.of[i]], batch.sends[i].result);
}

void fanout_flush(struct outlet *const *outlets, uint32_t count) {
  bool is_sent[FANOUT_MAX] = {false};
  if (count >= BULK_SENDS_MIN)
    send_ones(outlets, count, is_sent);
  for (uint32_t i = 0; i < count; i++) {
    if (is_sent[i])
      outlet_settle(outlets[i]);
    else if (outlets[i]->raw)
      outlet_flush(outlets[i]);
  }
}
