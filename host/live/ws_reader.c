/* WebSocket reading over libwslay; see ws_reader.h. */
#include "live/ws_reader.h"

#include "base/buf.h"
#include "base/str.h"

#include <backplane/ws.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <wslay/wslay.h>

#define SPARE_MAX 4
#define CHUNK_BYTES 4096           /* fed at once: bounds what libwslay queues */
#define MESSAGE_KEEP_BYTES 4096    /* of memory that a spare engine keeps */
#define HELD_BYTES_MAX (64u << 20) /* of messages half read, all connections */
#define CLOSE_TRY_AGAIN 1013u

/* One libwslay context and what it works on. */
struct ws_engine {
  wslay_event_context_ptr wslay;
  struct ws_engine *next; /* among the spare ones */
  const struct ws_reader_events *events;
  void *owner;
  bp_str input;
  struct buf message;
  struct buf held;   /* an incomplete header or control frame */
  size_t held_bytes; /* this one's part of `held_bytes` */
  uint8_t opcode;    /* of the frame being read */
  bool is_out_of_memory;
  uint8_t close[125]; /* payload of a close frame so far */
  uint8_t close_len;
  uint32_t bad_close_code; /* what to answer a close frame that breaks the rules with */
  struct ws_end end;
};

static struct ws_engine *spare;
static unsigned spare_count;
static size_t held_bytes; /* by engines in the middle of a message */

/* ---- libwslay's callbacks ---- */

static ssize_t on_recv(wslay_event_context_ptr wslay, uint8_t *data, size_t len, int flags, void *user) {
  (void)flags;
  struct ws_engine *engine = user;
  if (engine->input.len == 0) {
    wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
    return -1;
  }
  size_t step = engine->input.len < len ? engine->input.len : len;
  memcpy(data, engine->input.ptr, step);
  engine->input = bp_str_make(engine->input.ptr + step, engine->input.len - step);
  return (ssize_t)step;
}

/* What libwslay would answer is dropped: pongs and close frames are the connection's to send, in its own order. (libwslay
 * forgets a queued pong when a close frame follows in the same bytes.) */
static ssize_t on_send(wslay_event_context_ptr wslay, const uint8_t *data, size_t len, int flags, void *user) {
  (void)wslay;
  (void)data;
  (void)flags;
  (void)user;
  return (ssize_t)len;
}

static void on_frame_start(wslay_event_context_ptr wslay, const struct wslay_event_on_frame_recv_start_arg *frame, void *user) {
  (void)wslay;
  struct ws_engine *engine = user;
  engine->opcode = frame->opcode;
  engine->close_len = 0;
}

static void on_frame_chunk(wslay_event_context_ptr wslay, const struct wslay_event_on_frame_recv_chunk_arg *chunk, void *user) {
  (void)wslay;
  struct ws_engine *engine = user;
  if (!wslay_is_ctrl_frame(engine->opcode))
    buf_append(&engine->message, chunk->data, chunk->data_length);
  if (engine->opcode != WSLAY_CONNECTION_CLOSE || chunk->data_length > sizeof(engine->close) - engine->close_len)
    return;
  memcpy(engine->close + engine->close_len, chunk->data, chunk->data_length);
  engine->close_len = (uint8_t)(engine->close_len + chunk->data_length);
}

/* libwslay knows the close codes of the RFC alone, and refuses the three that IANA has added (1012 to 1014) without a word. Frames
 * that have come here are whole and have passed ws_check. */
static bool is_late_close(struct ws_engine *engine) {
  if (engine->opcode != WSLAY_CONNECTION_CLOSE || engine->close_len < 2)
    return false;
  uint32_t code = (uint32_t)engine->close[0] << 8 | engine->close[1];
  size_t len = engine->close_len - 2u;
  if (code < 1012 || code > 1014 || !str_is_utf8(bp_str_make((const char *)engine->close + 2, len)))
    return false;
  engine->end = (struct ws_end){.code = code};
  if (len < sizeof(engine->end.reason))
    memcpy(engine->end.reason, engine->close + 2, len);
  return true;
}

/* libwslay lets pass close codes that may not be sent, and reasons that are not UTF-8. */
static void keep_close(struct ws_engine *engine, const struct wslay_event_on_msg_recv_arg *message) {
  size_t len = message->msg_length > 2 ? message->msg_length - 2 : 0;
  bp_str reason = bp_str_make(len ? (const char *)message->msg + 2 : NULL, len);
  engine->end.code = message->status_code ? message->status_code : WSLAY_CODE_NO_STATUS_RCVD;
  if (message->status_code != 0 && !ws_check_close_code(message->status_code))
    engine->bad_close_code = WSLAY_CODE_PROTOCOL_ERROR;
  else if (!str_is_utf8(reason))
    engine->bad_close_code = WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA;
  else if (len < sizeof(engine->end.reason) && len > 0)
    memcpy(engine->end.reason, reason.ptr, len);
}

static void on_message(wslay_event_context_ptr wslay, const struct wslay_event_on_msg_recv_arg *message, void *user) {
  struct ws_engine *engine = user;
  if (message->opcode == WSLAY_CONNECTION_CLOSE)
    keep_close(engine, message);
  else if (message->opcode == WSLAY_PING)
    engine->events->ping(engine->owner, bp_str_make((const char *)message->msg, message->msg_length));
  if (wslay_is_ctrl_frame(message->opcode))
    return;
  if (engine->message.failed) {
    engine->is_out_of_memory = true;
    wslay_event_shutdown_read(wslay);
    return;
  }
  uint32_t type = message->opcode == WSLAY_TEXT_FRAME ? BP_WS_TEXT : BP_WS_BINARY;
  engine->events->message(engine->owner, type, buf_str(&engine->message));
  buf_clear(&engine->message);
}

/* ---- Engines ---- */

/* Accounts for what the engine keeps between two feeds. */
static bool hold(struct ws_engine *engine, size_t bytes) {
  held_bytes = held_bytes - engine->held_bytes + bytes;
  engine->held_bytes = bytes;
  return held_bytes <= HELD_BYTES_MAX;
}

static void engine_free(struct ws_engine *engine) {
  if (!engine)
    return;
  hold(engine, 0);
  wslay_event_context_free(engine->wslay);
  buf_release(&engine->message);
  buf_release(&engine->held);
  free(engine);
}

static struct ws_engine *engine_new(void) {
  static const struct wslay_event_callbacks callbacks = {.recv_callback = on_recv,
                                                         .send_callback = on_send,
                                                         .on_frame_recv_start_callback = on_frame_start,
                                                         .on_frame_recv_chunk_callback = on_frame_chunk,
                                                         .on_msg_recv_callback = on_message};
  struct ws_engine *engine = calloc(1, sizeof(*engine));
  if (!engine)
    return NULL;
  if (wslay_event_context_server_init(&engine->wslay, &callbacks, engine) != 0) {
    free(engine);
    return NULL;
  }
  wslay_event_config_set_no_buffering(engine->wslay, 1);
  wslay_event_config_set_max_recv_msg_length(engine->wslay, WS_MESSAGE_MAX);
  return engine;
}

static struct ws_engine *engine_borrow(void) {
  struct ws_engine *engine = spare;
  if (!engine)
    return engine_new();
  spare = engine->next;
  spare_count--;
  engine->next = NULL;
  return engine;
}

static void engine_return(struct ws_engine *engine) {
  if (spare_count >= SPARE_MAX) {
    engine_free(engine);
    return;
  }
  if (engine->message.cap > MESSAGE_KEEP_BYTES)
    buf_release(&engine->message);
  if (engine->held.cap > MESSAGE_KEEP_BYTES)
    buf_release(&engine->held);
  engine->next = spare;
  spare = engine;
  spare_count++;
}

void ws_reader_cleanup(void) {
  while (spare) {
    struct ws_engine *engine = spare;
    spare = engine->next;
    engine_free(engine);
  }
  spare_count = 0;
}

/* ---- Reading ---- */

/* Why libwslay refused the bytes. It gives no code for a broken header, which is a protocol error. */
static uint32_t failure_code(const struct ws_engine *engine, int result) {
  if (result == WSLAY_ERR_NOMEM || engine->is_out_of_memory)
    return WSLAY_CODE_INTERNAL_SERVER_ERROR;
  if (engine->bad_close_code)
    return engine->bad_close_code;
  uint16_t sent = wslay_event_get_status_code_sent(engine->wslay);
  return sent == WSLAY_CODE_NO_STATUS_RCVD || sent == WSLAY_CODE_ABNORMAL_CLOSURE ? WSLAY_CODE_PROTOCOL_ERROR : sent;
}

static enum ws_reading run_chunk(struct ws_engine *engine, bp_str chunk) {
  engine->input = chunk;
  int result = wslay_event_recv(engine->wslay);
  if (wslay_event_want_write(engine->wslay))
    wslay_event_send(engine->wslay);
  if (result == 0 && wslay_event_get_read_enabled(engine->wslay))
    return WS_GOES_ON;
  if ((engine->end.code && !engine->bad_close_code) || is_late_close(engine))
    return WS_CLOSED_BY_PEER;
  engine->end = (struct ws_end){.code = failure_code(engine, result)};
  return WS_FAILED;
}

static enum ws_reading run(struct ws_engine *engine, bp_str bytes) {
  enum ws_reading reading = WS_GOES_ON;
  while (bytes.len && reading == WS_GOES_ON) {
    size_t step = bytes.len < CHUNK_BYTES ? bytes.len : CHUNK_BYTES;
    reading = run_chunk(engine, bp_str_make(bytes.ptr, step));
    bytes = bp_str_make(bytes.ptr + step, bytes.len - step);
  }
  return reading;
}

/* Headers and control frames reach libwslay whole: it misjudges close reasons that come in pieces. */
static enum ws_reading run_whole(struct ws_engine *engine, bp_str bytes, size_t incomplete) {
  if (engine->held.len == 0) {
    buf_append(&engine->held, bytes.ptr + bytes.len - incomplete, incomplete);
    return run(engine, bp_str_make(bytes.ptr, bytes.len - incomplete));
  }
  buf_append_str(&engine->held, bytes);
  if (engine->held.failed)
    return WS_GOES_ON; /* ended by keep_reading */
  size_t complete = engine->held.len - incomplete;
  enum ws_reading reading = run(engine, bp_str_make(engine->held.data, complete));
  buf_consume(&engine->held, complete);
  return reading;
}

/* The stream goes on: gives the engine back if nothing is half read. */
static bool keep_reading(struct ws_reader *reader, struct ws_engine *engine) {
  if (!ws_reader_is_at_rest(reader))
    return hold(engine, engine->message.cap + engine->held.cap) && !engine->held.failed;
  reader->engine = NULL;
  hold(engine, 0);
  engine_return(engine);
  return true;
}

enum ws_reading ws_reader_feed(struct ws_reader *reader, const struct ws_reader_events *events, void *owner, bp_str bytes, struct ws_end *ret_end) {
  size_t good;
  uint32_t code = ws_check_feed(&reader->check, (const unsigned char *)bytes.ptr, bytes.len, &good);
  struct ws_engine *engine = reader->engine ? reader->engine : engine_borrow();
  *ret_end = (struct ws_end){.code = WSLAY_CODE_INTERNAL_SERVER_ERROR};
  if (!engine)
    return WS_FAILED;
  engine->events = events;
  engine->owner = owner;
  reader->engine = engine;
  enum ws_reading reading = WS_GOES_ON;
  if (good > 0)
    reading = run_whole(engine, bp_str_make(bytes.ptr, good), code ? 0 : ws_check_incomplete(&reader->check));
  if (reading == WS_GOES_ON && code == 0 && keep_reading(reader, engine))
    return WS_GOES_ON;
  *ret_end = reading == WS_GOES_ON ? (struct ws_end){.code = code ? code : CLOSE_TRY_AGAIN} : engine->end;
  ws_reader_release(reader);
  return reading == WS_GOES_ON ? WS_FAILED : reading;
}

bool ws_reader_is_at_rest(const struct ws_reader *reader) {
  return ws_check_at_frame_end(&reader->check) && !reader->check.in_message;
}

bool ws_reader_is_in_frame(const struct ws_reader *reader) {
  return !ws_check_at_frame_end(&reader->check);
}

void ws_reader_release(struct ws_reader *reader) {
  engine_free(reader->engine);
  reader->engine = NULL;
}
