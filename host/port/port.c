/* Leases; see port.h. An operation goes: read all leases -> choose -> (who holds a taken port, on a worker) -> write -> done. */
#include "port/port.h"
#include "base/fail.h"
#include "base/mem.h"
#include "base/str.h"
#include "config/config.h"
#include "http/holder.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "loop/workers.h"
#include "port/probe.h"
#include "store/part.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORTS 65536u
#define PROBES_A_TICK 64u

static const bp_migration migrations[] = {
    {sizeof(bp_migration), 1,
     BP_STR("CREATE TABLE bp_port_leases (plugin TEXT NOT NULL, name TEXT NOT NULL, port INTEGER NOT NULL UNIQUE, "
            "PRIMARY KEY (plugin, name)) WITHOUT ROWID")},
};
enum { LIST_LEASES, INSERT_LEASE, DELETE_LEASE };
static const bp_statement statements[] = {
    [LIST_LEASES] = {sizeof(bp_statement), 0, BP_STR("list_leases"), BP_STR("SELECT port, plugin, name FROM bp_port_leases LIMIT ?1")},
    [INSERT_LEASE] = {sizeof(bp_statement), 0, BP_STR("insert_lease"), BP_STR("INSERT INTO bp_port_leases (plugin, name, port) VALUES (?1, ?2, ?3)")},
    [DELETE_LEASE] = {sizeof(bp_statement), 0, BP_STR("delete_lease"),
                      BP_STR("DELETE FROM bp_port_leases WHERE plugin = ?1 AND name = ?2 RETURNING port")},
};

struct operation {
  struct owned owned; /* first; until `done` has run */
  struct work work;
  struct operation *next;
  bp_port_fn done; /* NULL: its plugin has been told already */
  void *ctx;
  char *plugin, *name;
  bool is_release;
  uint16_t wanted, first, last;
  uint32_t candidate; /* of the range */
  uint32_t port;      /* chosen */
  int bind_error;     /* of `wanted` */
  bp_error error;
};

static struct {
  struct store_part *part;
  struct operation *head, **end;
  unsigned count;
  bool is_running;          /* the head is being worked on */
  uint8_t taken[PORTS / 8]; /* by leases, for the operation that runs */
  struct {
    uint16_t port;
    char text[96];
  } * listeners;
  unsigned listener_count;
} ports = {.end = &ports.head};

static void pump(void *arg);

/* ---- Ending ---- */

static void operation_free(struct operation *op) {
  owned_remove(&op->owned);
  free(op->plugin);
  free(op->name);
  free(op);
}

static void tell(struct operation *op, bp_status status, uint32_t port) {
  bp_port_fn done = op->done;
  struct plugin *owner = op->owned.owner;
  struct culprit frame;
  if (!done)
    return;
  op->done = NULL;
  owned_remove(&op->owned);
  culprit_enter(&frame, owner, "port", str_from(op->name));
  done(op->ctx, status, port, &op->error);
  culprit_leave(&frame);
}

static struct operation *take_head(void) {
  struct operation *op = ports.head;
  ports.head = op->next;
  if (!ports.head)
    ports.end = &ports.head;
  ports.count--;
  return op;
}

/* Ends the running operation; op->error is filled for a failure. */
static void finish(bp_status status, uint32_t port) {
  struct operation *op = take_head();
  ports.is_running = false;
  tell(op, status, port);
  operation_free(op);
  loop_post(pump, NULL);
}

static void revoke(struct owned *self) {
  struct operation *op = (struct operation *)self;
  fail(&op->error, BP_E_CANCELLED, "the module is draining");
  tell(op, BP_E_CANCELLED, 0);
  if (op == ports.head && ports.is_running)
    return; /* it ends by itself, unheard */
  for (struct operation **at = &ports.head; *at; at = &(*at)->next)
    if (*at == op) {
      *at = op->next;
      if (!op->next)
        ports.end = at;
      ports.count--;
      break;
    }
  operation_free(op);
}

/* ---- Writing ---- */

static void on_written(void *ctx, const bp_db_outcome *outcome) {
  struct operation *op = ctx;
  if (outcome->status == BP_OK) {
    finish(BP_OK, op->port);
    return;
  }
  op->error = *outcome->error;
  finish(outcome->status, 0);
}

static void on_deleted(void *ctx, const bp_db_outcome *outcome) {
  struct operation *op = ctx;
  if (outcome->status == BP_OK) {
    finish(BP_OK, (uint32_t)part_integer_at(outcome, 0, 0, 0));
    return;
  }
  op->error = *outcome->error;
  if (outcome->status == BP_E_CONFLICT)
    fail(&op->error, BP_E_NOT_FOUND, "there is no lease \"%s\"", op->name);
  finish(op->error.code, 0);
}

static void write_step(struct operation *op, const bp_db_step *step, bp_db_done_fn done) {
  bp_status status = store_part_write(ports.part, step, 1, done, op, &op->error);
  if (status != BP_OK)
    finish(status, 0);
}

static void write_lease(struct operation *op, uint32_t port) {
  const bp_db_value values[] = {part_text(str_from(op->plugin)), part_text(str_from(op->name)), part_integer(port)};
  const bp_db_step step = {PART_EXEC(INSERT_LEASE, values), .expect = BP_DB_ONE};
  op->port = port;
  write_step(op, &step, on_written);
}

/* ---- Choosing ---- */

static bool is_leased(uint32_t port) {
  return ports.taken[port / 8] & (1u << port % 8);
}

static const char *listener_at(uint32_t port) {
  for (unsigned i = 0; i < ports.listener_count; i++)
    if (ports.listeners[i].port == port)
      return ports.listeners[i].text;
  return NULL;
}

static void scan(void *arg) {
  struct operation *op = arg;
  int error;
  for (unsigned probes = 0; op->candidate <= op->last && op->done; op->candidate++) {
    if (is_leased(op->candidate) || listener_at(op->candidate))
      continue;
    if (probes++ == PROBES_A_TICK) {
      loop_post(scan, op);
      return;
    }
    if (port_is_free((uint16_t)op->candidate, &error)) {
      write_lease(op, op->candidate);
      return;
    }
  }
  fail(&op->error, BP_E_LIMIT, "no port from %u to %u is free", op->first, op->last);
  finish(BP_E_LIMIT, 0);
}

static void find_holder(struct work *work) {
  struct operation *op = (struct operation *)((char *)work - offsetof(struct operation, work));
  pid_t pid;
  char name[32];
  if (op->bind_error != EADDRINUSE)
    fail(&op->error, BP_E_EXISTS, "port %u cannot be used: %s", op->wanted, strerror(op->bind_error));
  else if (port_holder(op->wanted, &pid, name))
    fail(&op->error, BP_E_EXISTS, "port %u is taken by \"%s\" (pid %d)", op->wanted, name, (int)pid);
  else
    fail(&op->error, BP_E_EXISTS, "port %u is taken by another process", op->wanted);
}

static void holder_found(struct work *work, bool cancelled) {
  struct operation *op = (struct operation *)((char *)work - offsetof(struct operation, work));
  if (cancelled)
    fail(&op->error, BP_E_EXISTS, "port %u is taken", op->wanted);
  finish(BP_E_EXISTS, 0);
}

static void choose_wanted(struct operation *op) {
  const char *listener = listener_at(op->wanted);
  if (listener) {
    fail(&op->error, BP_E_EXISTS, "port %u is a listener of the configuration: %s", op->wanted, listener);
    finish(BP_E_EXISTS, 0);
  } else if (port_is_free(op->wanted, &op->bind_error)) {
    write_lease(op, op->wanted);
  } else {
    op->work = (struct work){.run = find_holder, .done = holder_found};
    workers_submit(&op->work);
  }
}

/* True if the operation's own lease is among the rows. Notes all others; the holder of `wanted` goes into the error. */
static bool read_leases(struct operation *op, const bp_db_outcome *outcome, uint32_t *ret_own) {
  uint32_t rows = db_table.rows(outcome->result, 0);
  memset(ports.taken, 0, sizeof(ports.taken));
  for (uint32_t row = 0; row < rows; row++) {
    uint32_t port = (uint32_t)part_integer_at(outcome, 0, row, 0) % PORTS;
    bp_str plugin = part_text_at(outcome, 0, row, 1), name = part_text_at(outcome, 0, row, 2);
    ports.taken[port / 8] |= (uint8_t)(1u << port % 8);
    if (str_eq(plugin, str_from(op->plugin)) && str_eq(name, str_from(op->name))) {
      *ret_own = port;
      return true;
    }
    if (port == op->wanted)
      fail(&op->error, BP_E_EXISTS, "port %u is leased to \"%.*s\" of module \"%.*s\"", port, (int)name.len, name.ptr, (int)plugin.len, plugin.ptr);
  }
  return false;
}

static void on_leases(void *ctx, const bp_db_outcome *outcome) {
  struct operation *op = ctx;
  uint32_t own;
  if (outcome->status != BP_OK) {
    op->error = *outcome->error;
    finish(outcome->status, 0);
  } else if (read_leases(op, outcome, &own)) {
    op->error = (bp_error)BP_ERROR_INIT;
    finish(BP_OK, own);
  } else if (db_table.rows(outcome->result, 0) >= PORT_LIMIT_LEASES) {
    fail(&op->error, BP_E_LIMIT, "%d ports are leased already", PORT_LIMIT_LEASES);
    finish(BP_E_LIMIT, 0);
  } else if (op->wanted && is_leased(op->wanted)) {
    finish(BP_E_EXISTS, 0);
  } else if (op->wanted) {
    choose_wanted(op);
  } else {
    scan(op);
  }
}

/* ---- Beginning ---- */

static void begin(struct operation *op) {
  const bp_db_value names[] = {part_text(str_from(op->plugin)), part_text(str_from(op->name))};
  const bp_db_value most[] = {part_integer(PORT_LIMIT_LEASES)};
  const bp_db_step remove = {PART_EXEC(DELETE_LEASE, names), .expect = BP_DB_ONE};
  const bp_db_query list = {PART_QUERY(LIST_LEASES, most), .max_rows = PORT_LIMIT_LEASES};
  if (op->is_release) {
    write_step(op, &remove, on_deleted);
    return;
  }
  bp_status status = store_part_read(ports.part, &list, 1, on_leases, op, &op->error);
  if (status != BP_OK)
    finish(status, 0);
}

static void pump(void *arg) {
  (void)arg;
  if (!ports.head || ports.is_running)
    return;
  ports.is_running = true;
  begin(ports.head);
}

static bp_status add(struct plugin *owner, bp_str name, const struct operation *wanted) {
  LOOP_MAIN();
  if (!ports.part)
    return BP_E_STATE;
  if (ports.count >= PORT_LIMIT_WAITING)
    return BP_E_BUSY;
  struct operation *op = mem_alloc(sizeof(*op));
  *op = *wanted;
  op->candidate = op->first;
  op->error = (bp_error)BP_ERROR_INIT;
  op->plugin = str_dupz(str_from(owner->id));
  op->name = str_dupz(name);
  owned_add(owner, &op->owned, revoke);
  *ports.end = op;
  ports.end = &op->next;
  ports.count++;
  loop_post(pump, NULL);
  return BP_OK;
}

bp_status port_lease(struct plugin *owner, bp_str name, uint16_t wanted, uint16_t first, uint16_t last, bp_port_fn done, void *ctx) {
  return add(owner, name, &(struct operation){.wanted = wanted, .first = first, .last = last, .done = done, .ctx = ctx});
}

bp_status port_release(struct plugin *owner, bp_str name, bp_port_fn done, void *ctx) {
  return add(owner, name, &(struct operation){.is_release = true, .done = done, .ctx = ctx});
}

/* ---- The host's side ---- */

void ports_know_listeners(const struct config *config, int port_offset) {
  LOOP_MAIN();
  unsigned count = 0;
  for (const struct config_listener *l = config->listeners; l; l = l->next)
    count++;
  free(ports.listeners);
  ports.listeners = mem_array(count ? count : 1, sizeof(*ports.listeners));
  ports.listener_count = 0;
  for (const struct config_listener *l = config->listeners; l; l = l->next) {
    if (l->is_unix)
      continue;
    unsigned i = ports.listener_count++;
    ports.listeners[i].port = (uint16_t)(l->port + port_offset);
    snprintf(ports.listeners[i].text, sizeof(ports.listeners[i].text), "\"%s\" for %s", l->address, l->family ? l->family : "all families");
  }
}

bp_status ports_open(bp_error *err) {
  static const struct store_part_plan plan = {.id = "bp.port", .migrations = BP_ARRAY(migrations), .statements = BP_ARRAY(statements)};
  return store_part_add(&plan, &ports.part, err);
}

void ports_release(void) {
  while (ports.head)
    operation_free(take_head());
  store_part_remove(ports.part);
  ports.part = NULL;
  ports.is_running = false;
  free(ports.listeners);
  ports.listeners = NULL;
  ports.listener_count = 0;
}
