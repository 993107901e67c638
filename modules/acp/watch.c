/* Which sessions' events are listened to. A remote one has an event stream of its own while it is in use; the built-in gateway's come
 * by one subscription. */
#include "acp.h"
#include "statements.h"

#include <stdlib.h>
#include <string.h>

#define REST_S 600 /* without a turn, after which a stream is closed until the next prompt */

static void drop(struct watched **link) {
  struct watched *w = *link;
  *link = w->next;
  w->m->watched_count--;
  if (w->sse)
    sse_close(w->sse);
  kit_buf_free(&w->text);
  free(w->url);
  free(w);
}

static struct watched **find(struct acp *m, const char *id) {
  struct watched **link = &m->watched;
  while (*link && strcmp((*link)->id, id) != 0)
    link = &(*link)->next;
  return link;
}

/* The one that has been quiet longest makes room; one with a turn in flight stays. */
static bool make_room(struct acp *m) {
  struct watched **oldest = NULL;
  if (m->watched_count < WATCHED_MOST)
    return true;
  for (struct watched **link = &m->watched; *link; link = &(*link)->next)
    if (!(*link)->in_turn && (!oldest || (*link)->touched_s < (*oldest)->touched_s))
      oldest = link;
  if (oldest)
    drop(oldest);
  return oldest != NULL;
}

struct watched *watch(struct acp *m, const char *id, const char *project, const char *acp_id, const char *url) {
  struct watched **link = find(m, id);
  if (*link && strcmp((*link)->url, url) != 0)
    drop(link);
  struct watched *w = *find(m, id);
  if (!w) {
    w = make_room(m) ? calloc(1, sizeof(*w)) : NULL;
    char *copy = w ? strdup(url) : NULL;
    if (!copy) {
      free(w);
      return NULL;
    }
    *w = (struct watched){.m = m, .url = copy, .next = m->watched};
    copy_name(w->id, NAME_BYTES, str_z(id));
    copy_name(w->project, NAME_BYTES, str_z(project));
    copy_name(w->acp_id, NAME_BYTES, str_z(acp_id));
    m->watched = w;
    m->watched_count++;
  }
  w->touched_s = now_s(m);
  if (url[0] && !w->sse)
    w->sse = sse_open(w);
  return w;
}

struct watched *watched_of(struct acp *m, bp_str acp_id) {
  for (struct watched *w = m->watched; w; w = w->next)
    if (w->url[0] == '\0' && kit_same(acp_id, w->acp_id))
      return w;
  return NULL;
}

void watch_ready(struct watched *w, watch_ready_fn done, void *ctx) {
  if (w->sse)
    sse_ready(w->sse, done, ctx);
  else
    done(ctx);
}

void watch_end(struct acp *m, const char *id) {
  struct watched **link = find(m, id);
  if (*link)
    drop(link);
}

void watches_sweep(struct acp *m) {
  int64_t now = now_s(m);
  for (struct watched *w = m->watched; w; w = w->next)
    if (w->sse && !w->in_turn && now - w->touched_s > REST_S) {
      sse_close(w->sse);
      w->sse = NULL;
    }
}

void watches_free(struct acp *m) {
  while (m->watched)
    drop(&m->watched);
}

/* After a restart: sessions of the built-in gateway are heard again, from what has not been stored of a turn that was in flight;
 * remote ones with a turn in flight from now on, others at their next prompt. */
static void on_rows(void *ctx, const bp_db_outcome *outcome) {
  static const bp_str wanted[] = {BP_STR(GATEWAY_TOPIC)};
  struct acp *m = ctx;
  char id[NAME_BYTES], project[NAME_BYTES], acp_id[NAME_BYTES], url[URL_BYTES];
  bp_subscription subscription;
  uint64_t from = outcome->status == BP_OK ? outcome->sequence : BP_LIVE_FROM_NOW;
  for (uint32_t row = 0; outcome->status == BP_OK && row < m->db->rows(outcome->result, 0); row++) {
    bp_db_value seen = {.size = sizeof(seen)};
    copy_name(id, NAME_BYTES, db_column(m->db, outcome, 0, row, 0));
    copy_name(project, NAME_BYTES, db_column(m->db, outcome, 0, row, 1));
    copy_name(acp_id, NAME_BYTES, db_column(m->db, outcome, 0, row, 2));
    copy_name(url, URL_BYTES, db_column(m->db, outcome, 0, row, 3));
    bool in_turn = kit_same(db_column(m->db, outcome, 0, row, 4), "processing");
    struct watched *w = url[0] == '\0' || in_turn ? watch(m, id, project, acp_id, url) : NULL;
    if (!w)
      continue;
    m->db->value(outcome->result, 0, row, 5, &seen);
    w->seen_seq = (uint64_t)seen.integer;
    w->in_turn = in_turn;
    if (in_turn && url[0] == '\0' && w->seen_seq < from)
      from = w->seen_seq;
  }
  m->live->subscribe(m->self, (bp_array)BP_ARRAY(wanted), bp_str_make(NULL, 0), from, intake_live, m, &subscription);
}

bp_status watches_restore(struct acp *m) {
  const bp_db_query query = {.size = sizeof(query), .statement = OPEN_SESSIONS, .max_rows = WATCHED_MOST / 2};
  return m->db->read(m->self, (bp_array){&query, 1, (uint32_t)sizeof(query)}, 0, on_rows, m);
}
