/* What the files of this module share: the catalogue with what is installed of it, calls of the Docker Engine, and one operation on one
 * service. Databases in containers for the desktop family (see README.md). Everything runs on main. */
#ifndef SERVICES_H
#define SERVICES_H

#include "kit.h"

#define SERVICE_NAME "services/1"
#define LABEL "ai-desktop-service" /* with the value "true" on all that is ours; nothing without it is ever changed */
#define FAULT_BYTES 400
#define PASSWORD_BYTES 24
#define PASSWORD_MAX 256u
#define ENVIRONMENT_MAX 64u
#define VOLUMES_MAX 8u
#define LOG_BYTES_MAX (1u << 20)

/* ---- catalogue.c: what there is to install ---- */

struct catalogue_entry {
  const char *id, *alias, *name, *description, *icon, *image, *volume, *type;
  const char *username;     /* NULL: there are no users */
  const char *user_key;     /* environment variable that makes the user, or NULL */
  const char *password_key; /* the one with its password; NULL: the password is in a file, see redis in install.c */
  const char *scheme, *database;
  uint32_t port;
};
#define CATALOGUE_COUNT 4u
extern const struct catalogue_entry catalogue[CATALOGUE_COUNT];
/* CATALOGUE_COUNT where there is none of that id or alias. */
unsigned catalogue_find(bp_str id);
/* The entry that an image's or a container's name looks like, or CATALOGUE_COUNT. */
unsigned catalogue_guess(bp_str name);
#define CONNECTION_BYTES 1024
/* "postgresql://postgres:PASSWORD@localhost:5432/postgres"; without the password for NULL. Percent-encoded. */
bp_str connection_string(const struct catalogue_entry *entry, const char *password, uint32_t port, char text[CONNECTION_BYTES]);

/* ---- The module ---- */

struct services;

/* One of the catalogue, and what we know of it beyond Docker. */
struct service {
  struct services *module;
  const struct catalogue_entry *entry;
  char container[48];        /* "ai-desktop-mysql" */
  uint32_t port;             /* of the last installation, or the catalogue's */
  char *environment;         /* JSON object of what the client set, secrets masked; NULL: nothing */
  char *volumes;             /* JSON list of the paths inside of the container; NULL: the catalogue's */
  char *password;            /* NULL: none is known */
  bool is_stored;            /* it stands in services.json */
  bool is_busy;              /* an operation is under way */
  bool was_running, is_seen; /* at the last look of follow.c */
  bp_exchange logs;          /* follow.c: its output as it comes */
  struct frames *frames;
};

struct save;
struct services {
  bp_plugin self;
  const bp_core_1 *core;
  const bp_config_1 *config;
  const bp_json_1 *json;
  const bp_log_1 *log;
  const bp_http_1 *http;
  const bp_db_1 *db;
  const bp_live_1 *live;
  const bp_loop_1 *loop;
  const bp_client_1 *client;
  const bp_job_1 *job;
  const bp_secret_1 *secret;
  const bp_service_1 *service_table;
  char *socket, *state_file;
  struct service all[CATALOGUE_COUNT];
  struct save *saves;
  bp_timer follow_timer;
  bool is_looking, is_draining;
};

/* ---- docker.c: one call of the engine's API on its Unix socket ---- */

struct docker_answer {
  bp_status status; /* BP_OK: the engine answered */
  uint32_t http;
  bp_str body;
  const bp_error *err;
};
typedef void (*docker_fn)(void *ctx, const struct docker_answer *answer);
/* `path` with its query. `body` with its media type, or empty. `done` runs exactly once, perhaps at once. */
void docker_call(struct services *s, const char *method, const char *path, bp_str type, bp_str body, docker_fn done, void *ctx);
/* The same for an answer that comes in pieces and may take for ever. False: it could not begin, and `fault` says why. */
struct docker_stream {
  void (*chunk)(void *ctx, bp_str bytes);
  docker_fn done; /* the body is empty, unless the engine refused */
};
bool docker_stream(struct services *s, const char *method, const char *path, const struct docker_stream *events, void *ctx, bp_exchange *ret);
/* What went wrong, in the engine's words or ours. */
void docker_fault(const struct services *s, const struct docker_answer *answer, char text[FAULT_BYTES]);
/* True if the object (a container or volume as inspected, or of a list) has our label. */
bool docker_is_ours(const struct services *s, bp_json object);
/* True if a container of a list is called that ("/name" in the engine's words). */
bool docker_has_name(const struct services *s, bp_json container, const char *wanted);
#define DOCKER_LABEL_FILTER "filters=%7B%22label%22%3A%5B%22" LABEL "%3Dtrue%22%5D%7D"
#define DOCKER_OURS "/containers/json?all=true&" DOCKER_LABEL_FILTER

/* ---- operation.c: one change of one service, from the request to the answer ---- */

enum action { ACTION_INSTALL, ACTION_UNINSTALL, ACTION_START, ACTION_STOP, ACTION_RESTART, ACTION_LOGS, ACTION_COUNT };

struct operation {
  struct services *module;
  struct service *service;
  enum action action;
  bp_request request; /* 0: the client has left; it is carried through all the same */
  bp_job job;         /* of an installation */
  bool is_admin;
  /* installation */
  uint32_t port, next;
  char *environment, *volumes;
  char password[PASSWORD_MAX + 1];
  struct lines *lines; /* of the engine's report on a pull */
  char fault[FAULT_BYTES];
  bool is_created;
};

/* Frees one that has been answered. */
void operation_release(struct operation *op);
/* Each of these ends the operation, answers, and frees it. */
void operation_done(struct operation *op, const char *status);
void operation_fail(struct operation *op, const char *text); /* 500 "Failed to install service: text" */
void operation_problem(struct operation *op, uint32_t status, const char *text);
/* operation_fail with what the engine said. */
void operation_fail_docker(struct operation *op, const struct docker_answer *answer);
/* Looks whether the service's container is there and ours; else ends the operation with a sentence about it. */
void operation_need_container(struct operation *op, void (*next)(struct operation *op));

/* container.c */
#define REDIS_CONFIG "backplane-redis.conf" /* below /etc in the container */
void container_put(const struct operation *op, bp_json_writer out);
void container_put_labels(const struct services *s, bp_json_writer out);
/* The n-th path inside of the container that has a volume; false at the end. */
bool volume_path(const struct operation *op, uint32_t index, char path[256]);
/* "ai-desktop-mysql-var-lib-mysql" */
void volume_name(const struct operation *op, const char *path, char name[320]);

void install_begin(struct operation *op);   /* install.c */
void uninstall_begin(struct operation *op); /* uninstall.c */
void run_begin(struct operation *op);       /* run.c: start, stop, restart */
void logs_begin(struct operation *op);      /* logs.c */
/* install_input.c: port, environment and volumes of the request. NULL, or what is wrong with them. */
const char *install_read(struct operation *op, bp_json body);
bool is_secret_name(bp_str name);

/* ---- frames.c: what containers write, demultiplexed. Pure. ---- */

struct frames {
  unsigned char head[8];
  uint32_t head_len, left;
  unsigned stream; /* 1 stdout, 2 stderr */
};
/* Hands out pieces of payload; a stream that is no sequence of frames (a container with a terminal) as stdout. */
void frames_feed(struct frames *frames, bp_str bytes, void (*piece)(void *ctx, unsigned stream, bp_str text), void *ctx);

/* Puts stars for every occurrence of a secret of at least six bytes; NULL: there is none. */
void text_mask(char *data, size_t len, const char *secret);

/* ---- tar.c: an archive with one small file. Pure. ---- */
#define TAR_BYTES 2048u /* for a file of at most 512 bytes */
void tar_one(char out[TAR_BYTES], const char *name, bp_str content);

/* ---- state.c: services.json ---- */
/* Reads it, on start; before listeners are open. */
bp_status state_start(struct services *s, bp_error *err);
/* Writes it anew; `done` (may be NULL) runs when it is on disk. */
void state_save(struct services *s, void (*done)(void *ctx, bp_status status), void *ctx);
void state_free(struct services *s);

/* ---- The rest ---- */
void event_updated(const struct services *s, const struct service *service, const char *action, const char *status); /* events.c */
void event_logs(const struct services *s, const struct service *service, unsigned stream, bp_str text);
bool events_wanted(const struct services *s);
void follow_start(struct services *s); /* follow.c */
void follow_stop(struct services *s);
bp_status discovered_start(struct services *s); /* discovered.c */

void services_list(void *state, bp_request request);   /* list.c */
void services_post(void *state, bp_request request);   /* requests.c */
void services_action(void *state, bp_request request); /* requests.c */
void services_logs(void *state, bp_request request);   /* requests.c */
bp_status facts_post(void *state, bp_request request, bp_json_writer facts);
bp_status facts_action(void *state, bp_request request, bp_json_writer facts);

#define ROUTE_COUNT 4
extern const bp_route services_routes[ROUTE_COUNT];

#endif
