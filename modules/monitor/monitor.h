/* What the files of this module share: its state, what was read of the watched files, and each concept's entry points.
 *
 * A view of files other programs write: agents, locks, messages (see README.md). Files are read on workers only. */
#ifndef MONITOR_H
#define MONITOR_H

#include "kit.h"

#define AGENTS_FILE "ACTIVE_AGENTS.json"
#define LOCKS_FOLDER ".agent_locks"
#define LOG_FILE "agent_messages.log"
#define OLD_LOG_FILE LOG_FILE ".old"

#define LINES_MOST 1000u                     /* of the log that are looked at, from its end */
#define LINE_BYTES (1024u * 1024)            /* a longer line is no message */
#define TAIL_BYTES (16u * 1024 * 1024)       /* of the log that are looked at, from its end, and kept */
#define AGENTS_BYTES (4u * 1024 * 1024)      /* a longer file of agents counts as corrupt */
#define LOCK_BYTES (64u * 1024)              /* a longer lock file counts as corrupt */
#define LOCKS_MOST 4096u                     /* lock files that are read */
#define LOCKS_TOTAL_BYTES (8u * 1024 * 1024) /* of all lock files together */

/* ---- log_reader.c: a log that grows, rotates and is cut ---- */

/* What makes a log known again: bytes from its beginning, and the ones last read. */
#define HEAD_BYTES 128u
#define MARK_BYTES 512u

/* Up to where a log has been read, and enough to see that it is still the same one. All zero: nothing read yet. */
struct log_position {
  uint64_t device, inode, offset;
  unsigned char mark[MARK_BYTES]; /* the first bytes, then the last before `offset` */
  uint32_t mark_len;
  bool is_skipping; /* in the middle of a line that is too long */
};

/* A line without its end. NULL: it was too long. False: stop after this line. [worker] */
typedef bool (*log_line_fn)(void *ctx, const char *line, size_t len);
struct log_reading {
  log_line_fn line;
  log_line_fn partial; /* the last line if it has no end yet; read again the next time. May be NULL */
  void *ctx;
};
/* Opens a plain file of the folder for reading; -1: there is none. Never waits for a pipe, never follows a link. [worker] */
int monitor_open_plain(const char *folder, const char *name);
/* Whether the open log goes on where `at` ends. [worker] */
bool log_continues(int fd, const struct log_position *at);
/* Starts at the file's beginning, or `most` bytes before its end. [worker] */
void log_begin(int fd, uint64_t most, struct log_position *at);
/* Reads lines from `at` to the end and moves it. [worker] */
void log_read(int fd, struct log_position *at, const struct log_reading *reading);

/* ---- message.c: one line of the log ---- */

struct message {
  struct kit_text json;      /* compact; no pointer: the line is no message */
  struct kit_text type;      /* msg_type, or "UNKNOWN" */
  struct kit_text timestamp; /* as JSON; no pointer: it has none */
};
/* Any thread. */
void message_parse(const bp_json_1 *json, bp_plugin self, bp_str line, struct message *ret);
void message_free(struct message *message);
size_t message_bytes(const struct message *message);

/* ---- scan.c: one look at the files, on a worker ---- */

struct agents_seen {
  bool exists;
  struct kit_text answer;                   /* of GET /api/agents */
  struct kit_text session_name, updated_at; /* as JSON */
  uint32_t count;
};
void agents_free(struct agents_seen *agents);

struct locks_seen {
  bool exists;            /* the folder */
  uint64_t signature;     /* of the set of lock files; 0: there are none */
  struct kit_text answer; /* of GET /api/locks */
  uint32_t count;
};

struct file_mark {
  uint64_t device, inode, bytes;
  int64_t modified_ns, changed_ns;
};

struct scan {
  const bp_json_1 *json;
  bp_plugin self;
  char root[4096];
  /* in and out */
  struct file_mark agents_mark; /* of the file as last read */
  struct log_position tail;
  /* out */
  bool has_agents; /* they were read anew */
  bool agents_exist;
  struct agents_seen agents;
  struct locks_seen locks;
  bool log_exists, is_log_new; /* new: forget the lines known so far */
  struct message *lines;       /* LINES_MOST of them, used as a ring */
  uint32_t line_first, line_count;
  size_t line_bytes;
  struct message partial;
  bool has_partial;
};
/* [worker] */
void scan_run(void *scan);
void scan_free(struct scan *scan);
/* agents.c and locks.c, for scan_run. [worker] */
void scan_agents(struct scan *scan);
void scan_locks(struct scan *scan);

/* ---- The module ---- */

struct waiter;

struct monitor {
  bp_plugin self;
  const bp_core_1 *core;
  const bp_config_1 *config;
  const bp_json_1 *json;
  const bp_log_1 *log;
  const bp_http_1 *http;
  const bp_live_1 *live;
  const bp_db_1 *db;
  const bp_loop_1 *loop;
  const bp_fs_1 *fs;
  const bp_watch_1 *watch;
  char root[4096];

  /* state.c: what the last scan saw */
  struct file_mark agents_mark;
  struct agents_seen agents;
  struct locks_seen locks;
  struct log_position tail;
  bool log_exists;
  struct message *lines; /* LINES_MOST, a ring */
  uint32_t line_first, line_count;
  size_t line_bytes;
  struct message partial;
  bool has_partial;
  bool agents_changed, locks_changed, messages_changed; /* since the stream told them */
  bool is_watching[3];                                  /* agents, locks, log */
  struct scan *scan;                                    /* runs, or NULL */
  struct waiter *running, *waiting;                     /* for this scan, for the next */

  /* stream.c */
  bp_live_view view;
  bp_timer ticker;
  bool is_ticking;
  uint32_t ticks;

  /* history.c */
  struct history *history;

  /* page.c */
  bp_root static_root;
};

/* state.c. `fn` runs once a scan that began after this call is in; BP_OK, or why there was none. [main] */
typedef void (*scanned_fn)(void *ctx, bp_status status);
void state_refresh(struct monitor *monitor, scanned_fn fn, void *ctx);
void state_watch(struct monitor *monitor);
void state_free(struct monitor *monitor);
/* The line `index` from the end, 0 the last; NULL past the first. */
const struct message *state_line(const struct monitor *monitor, uint32_t index);

/* render.c: the answers, of what state.c holds; a new writer, or 0 without memory. */
bp_json_writer render_agents(const struct monitor *monitor);
bp_json_writer render_locks(const struct monitor *monitor);
bp_json_writer render_messages(const struct monitor *monitor, uint32_t limit);
bp_json_writer render_stats(const struct monitor *monitor);
bp_json_writer render_health(const struct monitor *monitor);
bp_json_writer render_timestamp(const struct monitor *monitor, const char *status);
/* "2026-11-21T07:17:00.123456": UTC, without a zone. */
#define TIMESTAMP_BYTES 27
bp_str timestamp_now(const struct monitor *monitor, char text[TIMESTAMP_BYTES]);

/* guard.c: adds the security headers; false: the request had to be refused for want of the password. */
bool guard_pass(const struct monitor *monitor, bp_request request);
void guard_headers(const struct monitor *monitor, bp_request request);
/* Whether an Authorization header says "user:password"; takes as long for wrong ones as for right ones. */
bool guard_matches(bp_str header, bp_str username, bp_str password);

/* stream.c */
void stream_init(struct monitor *monitor);
void stream_open(void *state, bp_request request);

/* history.c: every message of the log in the store, in order, each once. */
bp_status history_start(struct monitor *monitor, bp_error *err);
/* Takes in what is new; `fn` (may be NULL) runs when everything that was there at the call is stored. */
void history_catch_up(struct monitor *monitor, scanned_fn fn, void *ctx);
void history_free(struct monitor *monitor);
/* history_answers.c */
void history_list(void *state, bp_request request);
void history_search(void *state, bp_request request);

/* page.c */
void page_open(struct monitor *monitor);
void page_dashboard(void *state, bp_request request);
void page_static(void *state, bp_request request);

/* answers.c */
void answer_agents(void *state, bp_request request);
void answer_locks(void *state, bp_request request);
void answer_messages(void *state, bp_request request);
void answer_stats(void *state, bp_request request);
void answer_health(void *state, bp_request request);

#define ROUTE_COUNT 17
extern const bp_route monitor_routes[ROUTE_COUNT];

#endif
