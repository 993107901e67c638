/* What changes without us: the folder is watched, looked at again when something happens, and what is new is announced on the
 * live log. Our own changes are announced here too, so that each is told once. */
#include "agents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WATCHES_MOST 250
#define SETTLE_MS 50
#define RETRY_MS 2000

void known_free_all(struct agents *a, struct known *list) {
  while (list) {
    struct known *next = list->next;
    if (list->watch)
      a->watch->close(list->watch);
    bytes_free(&list->notice);
    free(list);
    list = next;
  }
}

/* ---- Announcing ---- */

static void announce(const struct agents *a, const char *word, const char *name, bp_str notice) {
  char topic[32];
  bp_json_writer out = 0;
  bp_str text = notice;
  snprintf(topic, sizeof(topic), "agents.%s", word);
  if (!notice.ptr && a->json->writer_new(a->self, &out) == BP_OK) {
    a->json->object_begin(out);
    json_text_member(a->json, out, BP_LIT("name"), str_z(name));
    a->json->object_end(out);
    if (a->json->writer_text(out, &text, NULL) != BP_OK)
      text = BP_LIT("{}");
  }
  kit_publish(a->self, a->db, str_z(topic), str_z(name), text);
  if (out)
    a->json->writer_free(out);
}

/* ---- Watching ---- */

static void on_change(void *ctx, bp_watch watch, uint32_t changes, bp_str name) {
  (void)watch, (void)changes;
  if (name.len == 0 || name.ptr[0] != '.' || kit_same(name, ".disabled"))
    job_scan_soon(ctx);
}

static void on_retry(void *ctx, bp_timer timer) {
  struct agents *a = ctx;
  (void)timer;
  a->retry = 0;
  job_scan_soon(a);
}

static bool watch_agent(struct agents *a, struct known *known) {
  char path[PATH_MAX];
  return snprintf(path, sizeof(path), "%s/%s", a->folder, known->name) < (int)sizeof(path) &&
         a->watch->open(a->self, str_z(path), SETTLE_MS, on_change, a, &known->watch) == BP_OK;
}

/* What happened between the look and the watch is found by another look. Where something cannot be watched (no folder yet, too many agents) it is
 * looked at every two seconds instead. */
static void watch_all(struct agents *a, bool is_there) {
  unsigned count = 0, unwatched = 0;
  bool is_new = false;
  if (is_there && !a->folder_watch)
    is_new = a->watch->open(a->self, str_z(a->folder), SETTLE_MS, on_change, a, &a->folder_watch) == BP_OK;
  for (struct known *known = a->known; known; known = known->next) {
    if (!known->watch && count < WATCHES_MOST)
      is_new |= watch_agent(a, known);
    count += known->watch != 0;
    unwatched += known->watch == 0;
  }
  if ((!a->folder_watch || unwatched > 0) && !a->retry)
    a->loop->timer(a->self, RETRY_MS, 0, on_retry, a, &a->retry);
  if (is_new)
    job_scan_soon(a);
}

/* ---- Comparing ---- */

static struct known **find(struct known **list, const char *name) {
  while (*list && strcmp((*list)->name, name) != 0)
    list = &(*list)->next;
  return list;
}

static bool is_agent(const struct known *known) {
  return known && known->etag[0] != '\0';
}

/* NULL: the folder is not there. */
static void announce_difference(struct agents *a, const struct known *before, const struct known *now) {
  if (is_agent(now) && !is_agent(before))
    announce(a, "created", now->name, bytes_str(&now->notice));
  else if (is_agent(before) && !is_agent(now))
    announce(a, "deleted", before->name, bp_str_make(NULL, 0));
  else if (is_agent(now) && strcmp(before->etag, now->etag) != 0)
    announce(a, "updated", now->name, bytes_str(&now->notice));
}

/* The first look only learns what is there. */
void outside_compare(struct agents *a, struct known *seen) {
  bool is_first = !a->is_known;
  a->is_known = true;
  for (struct known *now = seen; now; now = now->next) {
    struct known **place = find(&a->known, now->name), *before = *place;
    if (!is_first)
      announce_difference(a, before, now);
    if (!before)
      continue;
    now->watch = before->watch;
    before->watch = 0;
    *place = before->next;
    before->next = NULL;
    known_free_all(a, before);
  }
  for (const struct known *gone = a->known; gone && !is_first; gone = gone->next)
    announce_difference(a, gone, NULL);
  known_free_all(a, a->known);
  a->known = seen;
  watch_all(a, seen != NULL);
}

void outside_changed(struct agents *a, enum op op, const struct job *job) {
  struct known **place = find(&a->known, job->name), *known = *place;
  if (op == OP_PATCH && known && strcmp(known->etag, job->etag) == 0)
    return; /* nothing was asked for */
  announce(a, op == OP_CREATE ? "created" : op == OP_DELETE ? "deleted" : "updated", job->name, bytes_str(&job->notice));
  if (op == OP_DELETE && known) {
    *place = known->next;
    known->next = NULL;
    known_free_all(a, known);
  } else if (op != OP_DELETE) {
    if (!known && (known = calloc(1, sizeof(*known))) != NULL) {
      memcpy(known->name, job->name, sizeof(known->name));
      *place = known;
    }
    if (known) {
      memcpy(known->etag, job->etag, sizeof(known->etag));
      bytes_copy(&known->notice, bytes_str(&job->notice));
    }
    watch_all(a, true);
  }
}

void outside_start(struct agents *a) {
  job_scan_soon(a);
}
