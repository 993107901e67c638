/* What the files of this module share: its state, and each concept's entry points. See README.md. */
#ifndef GIT_H
#define GIT_H

#include "run.h"
#include "text.h"

#include <sys/types.h>

#define SERVICE_NAME "git/1"

/* The user's own name for commits, from the real global configuration. */
struct identity {
  char *name, *email;
  char *excludes_file; /* core.excludesFile, or NULL */
  bool is_known;
  uint64_t stamp; /* of the files it was read from */
};

struct git {
  bp_plugin self;
  const bp_host *host;
  const bp_config_1 *config;
  const bp_core_1 *core;
  const bp_json_1 *json;
  const bp_log_1 *log;
  const bp_http_1 *http;
  const bp_db_1 *db;
  const bp_loop_1 *loop;
  const bp_proc_1 *proc;
  const bp_job_1 *job;
  const bp_service_1 *service;

  struct words roots; /* resolved, absolute */
  int64_t refusal_logged_ns;
  char *home; /* the user's own */
  char *ssh_folder;
  char *askpass;      /* a program, or NULL */
  char *agent_socket; /* SSH_AUTH_SOCK of the host, or NULL */
  char *private_home; /* HOME of every git we run */
  char *global_file;  /* GIT_CONFIG_GLOBAL of every git we run */
  struct identity identity;
  struct runner runner;
  struct trusted *trusted; /* trust.c */
  size_t trusted_count;
};

/* ---- identity.c: the user's real global configuration ---- */

/* Reads the name and e-mail, writes the global file of our own, then calls `done` (on main). */
void identity_load(struct git *git, void (*done)(void *ctx), void *ctx);
void identity_forget(struct identity *identity);
/* What tells that the user's global configuration is still the one that was read; files it includes are not looked at. [any thread] */
uint64_t identity_stamp(const struct git *git);
/* Reads it again where it has another stamp; runs wait meanwhile. */
void identity_check(struct git *git, uint64_t stamp);

/* ---- place.c: paths a client gave ---- */

/* The resolved path of an existing folder, or of the nearest existing one above and the rest; NULL: not absolute, "..", or outside the
 * roots. The caller frees it. Looks at the file system. [main] */
char *place_resolve(const struct git *git, bp_str path);

/* A relative path that stays inside and reaches into no .git; something that names a commit; a plain name of ours (a session). */
bool place_is_inside(bp_str file);
bool place_is_revision(bp_str text);
bool place_is_name(bp_str text);

/* ---- call.c: one request, and how it is answered ---- */

struct call {
  struct git *git;
  bp_request request;
  bp_service_call service; /* 0: a request */
  struct words args;       /* of the command as the client gave it */
  char *shown;             /* the command for the answer */
  char *folder;
  char *target; /* of a clone */
  void *more;   /* of the handler; freed with the call */
  struct run *run;
};

/* Defers; NULL when that failed and the request has been answered. */
struct call *call_new(struct git *git, bp_request request);
struct call *call_of_service(struct git *git, bp_service_call service);
void call_free(struct call *call);
/* All of these answer and free the call. */
void call_problem(struct call *call, uint32_t status, const char *sentence);
/* Answers that the path is none of a repository; the log says more where it lies outside the roots: one line a second at most. */
void call_refuse_place(struct call *call, bp_str path);
void call_failure(struct call *call, bp_status status, const bp_error *err);
void call_json(struct call *call, bp_json_writer out); /* frees the writer */
void call_git_failed(struct call *call, const struct run_result *result);
/* True where `result` is no success; it has been answered then. */
bool call_refused(struct call *call, const struct run_result *result);
/* A writer with an open object that says success. 0: the call has been answered. */
bp_json_writer call_object(struct call *call);
/* Takes `args` (from the facts) into the call, runs them there and calls `done`. */
bool call_take_facts(struct call *call);
void call_run(struct call *call, uint32_t flags, run_done_fn done);
void call_args(struct call *call, const char *const *words, size_t count);
#define CALL_ARGS(call, ...) call_args(call, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))
/* A call on the repository of ?repoPath=, or on that of the facts; NULL: it has been answered. `missing` is the sentence of a body that
 * lacks something else than the repository. */
struct call *call_read(struct git *git, bp_request request);
struct call *call_change(struct git *git, bp_request request, const char *missing);

/* facts.c: {module, action, repo, cwd, roots, principal, args, subcommand …} */
#define FACTS_CREATES 1u  /* the repository need not exist (clone) */
#define FACTS_PLUMBING 2u /* args are not a command of the allow list */
void facts_begin(const struct git *git, bp_request request, bp_json_writer out, const char *action);
/* Adds repo, cwd, args and subcommand; writes nothing where the path is bad, which the handler then answers. */
void facts_command(const struct git *git, bp_json_writer out, bp_str repo_path, const struct words *args, uint32_t flags);
/* The arguments of POST /api/git. NULL, or what is wrong, with the offending character where there is one. */
const char *command_words(const struct git *git, bp_request request, struct words *ret, char *ret_what);
bp_str body_text(const struct git *git, bp_request request, const char *name);
/* A list of strings, or one string, of the body. False: it is something else. */
bool body_words(const struct git *git, bp_request request, const char *name, struct words *ret);

/* ---- trust.c ---- */

void trust_load(struct git *git);
void trust_release(struct git *git);
bool trust_has(const struct git *git, const char *path, uint64_t inode);

/* ---- What files share of one another ---- */

/* clone.c: runs the call's clone and calls `answer` with its result. */
void clone_begin(struct call *call, run_done_fn answer);
/* views.c: the arguments every structured diff begins with, and its answer. */
void view_diff_args(struct call *call);
void view_answer_diff(void *ctx, const struct run_result *result);
/* views.c: answers with a list, one entry a line of the output. */
typedef void (*view_put_fn)(const bp_json_1 *json, bp_json_writer out, bp_str line);
void view_answer_lines(struct call *call, const struct run_result *result, const char *member, view_put_fn put);
/* changes.c: whether a member of the body is true. */
bool body_flag(const struct git *git, bp_request request, const char *name);

#define ROUTE_COUNT 27
extern const bp_route git_routes[ROUTE_COUNT];
bp_status service_start(struct git *git);

#endif
