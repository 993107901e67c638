/* What the files of this module share: its state, an editor from its start to its end, and a request that needs its repository first.
 *
 * One code-server for each repository that somebody wants to edit, on the repository's port (see README.md). */
#ifndef VSCODE_H
#define VSCODE_H

#include "kit.h"

#define LIMIT_EDITORS 64
#define LIMIT_WAITING 64 /* requests that wait for one editor */
#define WORDS_BYTES 400

struct editor;

struct vscode {
  bp_plugin self;
  const bp_core_1 *core;
  const bp_config_1 *config;
  const bp_json_1 *json;
  const bp_log_1 *log;
  const bp_http_1 *http;
  const bp_live_1 *live;
  const bp_loop_1 *loop;
  const bp_proc_1 *proc;
  const bp_policy_1 *policy;
  const bp_service_1 *service;
  const bp_client_1 *client;
  struct editor *editors;
  bp_timer idle;
  bool is_recovered; /* what ran in an earlier run of the host is known */
  bool is_draining;
};

/* ---- repository.c: a request about a repository ---- */

struct inquiry {
  struct kit_call call;
  struct vscode *module;
  int64_t id;
  char *file; /* of a diff */
  char *path; /* of the repository, for what comes after `then` */
  void (*then)(struct inquiry *inquiry, bp_json repository);
};
/* Asks for the repository and goes on with `then`, or answers 404. */
void inquiry_begin(struct vscode *module, bp_request request, int64_t id, bp_str file, void (*then)(struct inquiry *inquiry, bp_json repository));
void inquiry_free(struct inquiry *inquiry);
void inquiry_problem(struct inquiry *inquiry, uint32_t status, const char *message);
void inquiry_refuse(struct inquiry *inquiry, bp_status status, bp_str message);
/* Opens an answer with "success": true; 0: answered, and the inquiry is gone. */
bp_json_writer inquiry_answer(struct inquiry *inquiry);
void inquiry_end(struct inquiry *inquiry, bp_json_writer out);
/* Calls repositories/1 set_running; `done` may ignore the outcome. False: it was not called. */
bool repository_note(struct vscode *module, int64_t id, int64_t pid, bp_str url, bp_service_done_fn done, void *ctx);

/* ---- editor.c: one code-server ---- */

enum editor_state { EDITOR_PREPARING, EDITOR_STARTING, EDITOR_READY, EDITOR_STOPPING };

struct waiting {
  bp_request requests[LIMIT_WAITING];
  unsigned count;
};

struct editor {
  struct editor *next;
  struct vscode *module;
  enum editor_state state;
  int64_t id, port, pid; /* the repository's id and port */
  char *path;
  char principal[128];
  bp_proc proc;
  bool is_unwanted; /* stopped while it was being prepared */
  bool has_ended;
  bool is_noting;                               /* the registry is being told that it runs */
  bool is_asking;                               /* an exchange with it is open */
  struct waiting starters, stoppers, followers; /* followers: a start after the stop */
  bp_timer poll;
  int64_t deadline_ns, ready_ms; /* monotonic; wall clock */
  char words[WORDS_BYTES];       /* the last line it wrote */
  char fault[WORDS_BYTES];       /* why it cannot be started, or empty */
};
struct editor *editor_find(const struct vscode *module, int64_t id);
struct editor *editor_add(struct vscode *module, int64_t id, int64_t port, bp_str path); /* NULL: too many, or no memory */
void editors_release(struct vscode *module);
bool waiting_add(struct waiting *waiting, bp_request request);
/* It will not run: everybody who waits is told, and it is forgotten. */
void editor_fail(struct editor *editor, uint32_t status, const char *message);
void editor_stop(struct editor *editor);
bp_str editor_url(const struct editor *editor, char text[64]);
bp_status editor_spawn(struct editor *editor, bp_array argv, bp_error *err);
bool editor_adopt(struct editor *editor);
/* GET /healthz of it; `done` gets the HTTP status (0: none) and the body. */
typedef void (*health_fn)(struct editor *editor, uint32_t status, bp_str body);
void editor_ask_health(struct editor *editor, health_fn done);

/* ---- prepare.c: folder, port and rules before the program is started ---- */
void prepare_begin(struct editor *editor);

/* ---- the others ---- */
void recover_begin(struct vscode *module);                                             /* recover.c */
void idle_start(struct vscode *module);                                                /* idle.c */
void event_updated(const struct editor *editor, const char *action, bool has_address); /* events.c */
/* An id that is a number or digits; 0: absent or empty, -1: neither. */
int64_t repo_id(const struct vscode *module, bp_json object);
void put_number(const bp_json_1 *json, bp_json_writer out, const char *name, int64_t value);
void put_text(const bp_json_1 *json, bp_json_writer out, const char *name, const char *value);
int64_t member_number(const bp_json_1 *json, bp_json object, const char *name); /* 0 where it is none */

/* ---- Handlers ---- */

void vscode_status(void *state, bp_request request);  /* list.c */
void vscode_list(void *state, bp_request request);    /* list.c */
void vscode_start(void *state, bp_request request);   /* actions.c */
void vscode_stop(void *state, bp_request request);    /* actions.c */
void vscode_cleanup(void *state, bp_request request); /* recover.c */
void vscode_changes(void *state, bp_request request); /* changes.c */
void vscode_diff(void *state, bp_request request);    /* changes.c */
bp_status facts_action(void *state, bp_request request, bp_json_writer facts);

#define ROUTE_COUNT 7
extern const bp_route vscode_routes[ROUTE_COUNT];

#endif
