/* JSON-RPC 2.0, one message a line: framing with a cap, our requests and their answers. The two id spaces are kept apart: ours are
 * numbers of our own, an agent's are kept as the JSON text it sent. */
#include "gateway.h"

#include <stdlib.h>
#include <string.h>

#define GARBAGE_MAX 1000 /* lines in a row that are no messages, after which an agent is ended */
#define GARBAGE_MS 10000 /* in which they come: one that only chats goes on */
#define RPC_ID_BYTES 200

struct pending {
  struct pending *next;
  int64_t id;
  rpc_fn done;
  void *ctx;
};

/* ---- Out ---- */

/* Writes {"jsonrpc":"2.0", ...} with the members that are given, and a line end. */
static void send(struct process *process, const char *id, const char *method, const char *member, bp_json_writer value) {
  const struct gateway *gw = process->gw;
  bp_json_writer w = writer(gw);
  bp_str text = {NULL, 0}, inner = BP_STR("{}");
  if (!w)
    return;
  gw->json->object_begin(w);
  put_text(gw, w, "jsonrpc", BP_LIT("2.0"));
  if (id)
    put_raw_or_null(gw, w, "id", id);
  if (method)
    put_text(gw, w, "method", str_z(method));
  gw->json->key(w, str_z(member));
  if (!value || gw->json->writer_text(value, &inner, NULL) == BP_OK)
    gw->json->put_raw(w, inner);
  gw->json->object_end(w);
  bp_status status = gw->json->writer_text(w, &text, NULL);
  if (status == BP_OK) {
    process_write(process, text);
    process_write(process, BP_LIT("\n"));
  } else {
    note(gw, BP_LOG_ERROR, "a message for agent %s could not be written: status %d", process->agent->id, status);
  }
  gw->json->writer_free(w);
}

static void number_text(int64_t number, char out[24]) {
  char digits[24];
  int count = 0, at = 0;
  do {
    digits[count++] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  while (count > 0)
    out[at++] = digits[--count];
  out[at] = '\0';
}

void rpc_request(struct process *process, const char *method, bp_json_writer params, rpc_fn done, void *ctx) {
  const struct gateway *gw = process->gw;
  struct pending *pending = process->proc && process->pending_count < PENDING_MAX ? calloc(1, sizeof(*pending)) : NULL;
  char id[24];
  if (!pending) {
    if (params)
      gw->json->writer_free(params);
    done(ctx, process, 0, RPC_GONE, process->proc ? BP_LIT("the agent answers too slowly") : BP_LIT("the agent is not running"));
    return;
  }
  *pending = (struct pending){.next = process->pending, .id = ++process->next_id, .done = done, .ctx = ctx};
  process->pending = pending;
  process->pending_count++;
  number_text(pending->id, id);
  send(process, id, method, "params", params);
  if (params)
    gw->json->writer_free(params);
}

void rpc_notify(struct process *process, const char *method, bp_json_writer params) {
  send(process, NULL, method, "params", params);
  if (params)
    process->gw->json->writer_free(params);
}

void rpc_result(struct process *process, const char *id, bp_json_writer result) {
  send(process, id, NULL, "result", result);
  if (result)
    process->gw->json->writer_free(result);
}

void rpc_error(struct process *process, const char *id, int64_t code, const char *message) {
  const struct gateway *gw = process->gw;
  bp_json_writer w = writer(gw);
  if (!w)
    return;
  gw->json->object_begin(w);
  put_integer(gw, w, "code", code);
  put_text(gw, w, "message", str_z(message));
  gw->json->object_end(w);
  send(process, id, NULL, "error", w);
  gw->json->writer_free(w);
}

/* ---- In ---- */

static struct pending *take_pending(struct process *process, int64_t id) {
  for (struct pending **link = &process->pending; *link; link = &(*link)->next)
    if ((*link)->id == id) {
      struct pending *found = *link;
      *link = found->next;
      process->pending_count--;
      return found;
    }
  return NULL;
}

static void take_answer(struct process *process, bp_json message, bp_json id) {
  const struct gateway *gw = process->gw;
  int64_t number = 0, code = RPC_INTERNAL;
  bp_json result = 0, error = get_value(gw, message, "error");
  bp_str text = BP_STR("the agent answered with an error");
  struct pending *pending = gw->json->integer(id, &number) == BP_OK ? take_pending(process, number) : NULL;
  if (!pending) {
    note(gw, BP_LOG_DEBUG, "agent %s answered a request nobody made", process->agent->id);
    return;
  }
  if (error) {
    get_integer(gw, error, "code", &code);
    get_text(gw, error, "message", &text);
    if (code == RPC_GONE)
      code = RPC_INTERNAL;
  } else if (gw->json->get(message, BP_LIT("result"), &result) != BP_OK) {
    text = BP_LIT("the agent's answer has neither result nor error");
  }
  pending->done(pending->ctx, process, result, result ? 0 : code, text);
  free(pending);
}

static bool take_message(struct process *process, bp_json message) {
  const struct gateway *gw = process->gw;
  bp_json id = 0;
  bp_str method = {NULL, 0};
  if (gw->json->type(message) != BP_JSON_OBJECT)
    return false;
  bool has_id = gw->json->get(message, BP_LIT("id"), &id) == BP_OK;
  if (get_text(gw, message, "method", &method)) {
    char *id_text = has_id ? json_copy(gw, id) : NULL;
    if (!id_text || strlen(id_text) < RPC_ID_BYTES)
      dispatch_incoming(process, id_text, method, get_value(gw, message, "params"));
    free(id_text);
    return true;
  }
  if (!has_id)
    return false;
  take_answer(process, message, id);
  return true;
}

/* Noise of the program, or of a library of its own. One that writes nothing else, and fast, is broken. */
static void take_garbage(struct process *process, const char *why) {
  const struct gateway *gw = process->gw;
  int64_t now = now_ms(gw);
  if (process->garbage_count++ == 0)
    note(gw, BP_LOG_WARN, "agent %s wrote a line that is no message: it is skipped, and others like it (%s)", process->agent->id, why);
  if (process->garbage_run == 0 || now - process->garbage_ms > GARBAGE_MS) {
    process->garbage_run = 0;
    process->garbage_ms = now;
  }
  if (++process->garbage_run == GARBAGE_MAX) {
    note(gw, BP_LOG_ERROR, "agent %s wrote %d lines that are no messages: it is ended", process->agent->id, GARBAGE_MAX);
    process_stop(process);
  }
}

static void take_line(struct process *process, bp_str line) {
  const struct gateway *gw = process->gw;
  bp_json root = 0;
  bp_error err = BP_ERROR_INIT;
  while (line.len && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == ' ' || line.ptr[line.len - 1] == '\t'))
    line.len--;
  if (!line.len)
    return;
  bool is_message = kit_parse_lenient(gw->json, gw->self, line, &root, &err) == BP_OK && take_message(process, root);
  if (root)
    gw->json->release(gw->self, root);
  if (is_message)
    process->garbage_run = 0;
  else
    take_garbage(process, err.message);
}

static void skip_long(struct process *process) {
  note(process->gw, BP_LOG_WARN, "agent %s wrote a message of more than %u bytes: it is skipped", process->agent->id, MESSAGE_MAX);
  process->skips_line = true;
  kit_buf_free(&process->inbox);
}

void rpc_input(struct process *process, bp_str bytes) {
  process_ref(process);
  while (bytes.len) {
    const char *end = memchr(bytes.ptr, '\n', bytes.len);
    bp_str piece = bp_str_make(bytes.ptr, end ? (size_t)(end - bytes.ptr) : bytes.len);
    if (!process->skips_line && !kit_buf_add(&process->inbox, piece, MESSAGE_MAX))
      skip_long(process);
    if (end && !process->skips_line) {
      struct kit_buf line = process->inbox;
      process->inbox = (struct kit_buf){0};
      take_line(process, kit_buf_str(&line));
      kit_buf_free(&line);
    }
    if (end)
      process->skips_line = false;
    size_t used = piece.len + (end ? 1 : 0);
    bytes = bp_str_make(bytes.ptr + used, bytes.len - used);
  }
  process_unref(process);
}

void rpc_gone(struct process *process) {
  while (process->pending) {
    struct pending *pending = process->pending;
    process->pending = pending->next;
    process->pending_count--;
    pending->done(pending->ctx, process, 0, RPC_GONE, BP_LIT("the agent has ended"));
    free(pending);
  }
}
