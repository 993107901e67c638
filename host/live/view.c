/* Views, audiences and rendering; see view.h. */
#include "live/view.h"

#include "base/array.h"
#include "base/fail.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "live/host_view.h"
#include "live/image.h"
#include "live/subscriber.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "json/json.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define REMEMBERED 1024u /* a power of two */

struct view {
  struct owned owned; /* unused for the host's own */
  struct view *next;
  struct plugin *owner;     /* NULL: the host */
  const bp_live_view *spec; /* tells views apart; NULL for the host's own */
  char *topics_text;        /* of the host's own, tells those apart */
  bp_render_fn render;
  void *ctx;
  uint32_t flags;
  uint32_t serial; /* never used twice */
  struct audience *audiences;
  struct filter filter;
  bp_str names[]; /* of the filter */
};

struct view_counts view_counts;

static struct view *views;
static struct audience *busy;
static uint32_t last_serial;
static bp_json_writer writer; /* of all renderings */

/* Frames of this tick, for those who catch up together. */
static struct remembered {
  uint64_t sequence;
  uint32_t serial;
  bool is_left_out;
  struct frame *images[2]; /* by wire; NULL: nobody of that protocol asked yet */
} remembered[REMEMBERED];
static bool has_remembered;

/* ---- Views ---- */

static struct view *view_new(uint32_t name_count) {
  struct view *view = mem_alloc(sizeof(*view) + name_count * sizeof(bp_str));
  view->serial = ++last_serial;
  view->filter = (struct filter){.names = view->names, .count = name_count};
  view->next = views;
  views = view;
  return view;
}

static void view_free(struct view *view) {
  struct view **link = &views;
  while (*link != view)
    link = &(*link)->next;
  *link = view->next;
  if (view->owner)
    owned_remove(&view->owned);
  free(view->topics_text);
  free(view);
}

/* The plugin goes: so do all who watch its view. The last to leave frees it. */
static void view_revoke(struct owned *self) {
  struct view *view = (struct view *)(void *)((char *)self - offsetof(struct view, owned));
  uint32_t serial = view->serial;
  while (views) {
    struct view *found = views;
    while (found && found->serial != serial)
      found = found->next;
    if (!found)
      break;
    const struct audience *audience = found->audiences;
    subscriber_dismiss((audience->members.count ? audience->members : audience->catching).subscribers[0]);
  }
}

static struct view *view_of(struct plugin *owner, const bp_live_view *spec, bp_status *ret_status) {
  for (struct view *view = views; view; view = view->next) {
    if (view->owner == owner && view->spec == spec)
      return view;
  }
  bp_live_view copy = {0};
  memcpy(&copy, spec, spec->size < sizeof(copy) ? spec->size : sizeof(copy));
  if (copy.topics.count > VIEW_TOPICS_MAX || !array_holds(copy.topics, sizeof(bp_str))) {
    *ret_status = BP_E_INVALID;
    return NULL;
  }
  struct view *view = view_new(copy.topics.count);
  for (uint32_t i = 0; i < copy.topics.count; i++)
    memcpy(&view->names[i], (const char *)copy.topics.ptr + (size_t)i * copy.topics.stride, sizeof(bp_str));
  view->owner = owner;
  view->spec = spec;
  view->render = copy.render ? copy.render : host_view_render;
  view->ctx = copy.ctx;
  view->flags = copy.flags;
  owned_add(owner, &view->owned, view_revoke);
  return view;
}

static uint32_t count_names(bp_str text) {
  uint32_t count = text.len ? 1 : 0;
  for (size_t i = 0; i < text.len; i++)
    count += text.ptr[i] == ',';
  return count;
}

static struct view *host_view_of(bp_str topics, bp_status *ret_status) {
  for (struct view *view = views; view; view = view->next) {
    if (!view->owner && str_eq(str_from(view->topics_text), topics))
      return view;
  }
  uint32_t count = count_names(topics);
  if (count > VIEW_TOPICS_MAX) {
    *ret_status = BP_E_LIMIT;
    return NULL;
  }
  struct view *view = view_new(count);
  view->topics_text = str_dupz(topics);
  view->render = host_view_render;
  bp_str rest = str_from(view->topics_text);
  for (uint32_t i = 0; i < count; i++) {
    ptrdiff_t comma = str_find(rest, ',');
    size_t len = comma < 0 ? rest.len : (size_t)comma;
    view->names[i] = str_trim(bp_str_make(rest.ptr, len));
    rest = bp_str_make(rest.ptr + len + (comma >= 0), rest.len - len - (comma >= 0));
  }
  return view;
}

/* ---- Audiences ---- */

static struct audience *audience_in(struct view *view, enum wire wire, bp_str key) {
  for (struct audience *audience = view->audiences; audience; audience = audience->next) {
    if (audience->wire == wire && str_eq(audience->key, key))
      return audience;
  }
  struct audience *audience = mem_alloc(sizeof(*audience) + key.len);
  audience->view = view;
  audience->wire = wire;
  audience->key = bp_str_make((char *)(audience + 1), key.len);
  if (key.len)
    memcpy(audience + 1, key.ptr, key.len);
  audience->next = view->audiences;
  view->audiences = audience;
  return audience;
}

struct audience *audience_of(struct plugin *owner, const bp_live_view *spec, enum wire wire, bp_str key, bp_status *ret_status) {
  *ret_status = BP_OK;
  struct view *view = view_of(owner, spec, ret_status);
  return view ? audience_in(view, wire, key) : NULL;
}

struct audience *audience_of_host(bp_str topics, bp_status *ret_status) {
  *ret_status = BP_OK;
  struct view *view = host_view_of(topics, ret_status);
  return view ? audience_in(view, WIRE_SSE, (bp_str){0}) : NULL;
}

static void frames_drop(struct audience *audience) {
  for (uint32_t i = 0; i < audience->frame_count; i++)
    frame_unref(audience->frames[i]);
  audience->frame_count = 0;
}

static void busy_remove(struct audience *audience) {
  struct audience **link = &busy;
  while (*link && *link != audience)
    link = &(*link)->next_busy;
  if (*link)
    *link = audience->next_busy;
}

static void audience_free(struct audience *audience) {
  struct view *view = audience->view;
  struct audience **link = &view->audiences;
  while (*link != audience)
    link = &(*link)->next;
  *link = audience->next;
  if (audience->is_busy)
    busy_remove(audience);
  frames_drop(audience);
  free(audience->frames);
  free(audience);
  if (!view->audiences)
    view_free(view);
}

void audience_leave(struct audience *audience) {
  if (--audience->count == 0)
    audience_free(audience);
}

struct filter audience_filter(const struct audience *audience) {
  return audience->view->filter;
}

static bool key_matches(const struct audience *audience, const struct record *record) {
  return audience->key.len == 0 || str_eq(audience->key, record_key(record));
}

/* ---- Rendering ---- */

static bool render_text(const struct view *view, const bp_live_event *event, bp_str *ret_text, bp_str *ret_name) {
  if (!writer)
    writer = doc_writer_new(0);
  json_table.writer_reset(writer);
  *ret_name = (bp_str){0};
  struct culprit frame;
  if (view->owner)
    culprit_enter(&frame, view->owner, "live render", event->topic);
  bool is_shown = view->render(view->ctx, event, writer, ret_name) != 0;
  if (view->owner)
    culprit_leave(&frame);
  bp_error err = BP_ERROR_INIT;
  if (!is_shown || doc_writer_text(writer, ret_text, &err))
    return is_shown;
  log_error(view->owner ? view->owner->id : "live", "rendering event %llu of \"%.*s\" failed: %s", (unsigned long long)event->sequence,
            (int)event->topic.len, event->topic.ptr, err.message);
  return false;
}

static struct frame *image_of(const struct view *view, enum wire wire, const bp_live_event *event, bp_str text, bp_str name) {
  view_counts.frames++;
  if (wire == WIRE_WS)
    return image_ws(WS_TEXT, text);
  return image_sse((view->flags & BP_VIEW_NO_IDS) ? 0 : event->sequence, name, text);
}

struct frame *audience_render(const struct audience *audience, const bp_live_event *event) {
  bp_str text, name;
  if (!render_text(audience->view, event, &text, &name))
    return NULL;
  return image_of(audience->view, audience->wire, event, text, name);
}

static struct remembered *place_of(const struct view *view, uint64_t sequence) {
  struct remembered *place = &remembered[(sequence * 31 + view->serial) & (REMEMBERED - 1)];
  if (place->sequence == sequence && place->serial == view->serial)
    return place;
  frame_unref(place->images[WIRE_WS]);
  frame_unref(place->images[WIRE_SSE]);
  *place = (struct remembered){0};
  return place;
}

static void make_images(const struct view *view, struct remembered *place, const bp_live_event *event) {
  bp_str text, name;
  place->is_left_out = !render_text(view, event, &text, &name);
  if (place->is_left_out)
    return;
  for (const struct audience *audience = view->audiences; audience; audience = audience->next) {
    if (!place->images[audience->wire])
      place->images[audience->wire] = image_of(view, audience->wire, event, text, name);
  }
}

/* The remembered frame; rendered for both protocols at once if both are watched. Borrowed; NULL if left out. */
static struct frame *render_record(const struct view *view, enum wire wire, const struct record *record) {
  struct remembered *place = place_of(view, record->sequence);
  place->sequence = record->sequence;
  place->serial = view->serial;
  has_remembered = true;
  if (!place->is_left_out && !place->images[wire]) {
    bp_live_event event = record_public(record);
    make_images(view, place, &event);
  }
  return place->images[wire];
}

struct frame *audience_render_record(const struct audience *audience, const struct record *record) {
  struct frame *frame = render_record(audience->view, audience->wire, record);
  return frame ? frame_ref(frame) : NULL;
}

void views_forget(void) {
  if (!has_remembered)
    return;
  for (uint32_t i = 0; i < REMEMBERED; i++) {
    frame_unref(remembered[i].images[WIRE_WS]);
    frame_unref(remembered[i].images[WIRE_SSE]);
  }
  memset(remembered, 0, sizeof(remembered));
  has_remembered = false;
}

/* ---- A flush ---- */

static void push_frame(struct audience *audience, struct frame *frame) {
  if (audience->frame_count == audience->frame_capacity) {
    audience->frame_capacity = audience->frame_capacity ? audience->frame_capacity * 2 : 8;
    audience->frames = mem_resize(audience->frames, audience->frame_capacity * sizeof(struct frame *));
  }
  audience->frames[audience->frame_count++] = frame_ref(frame);
  if (audience->is_busy)
    return;
  audience->is_busy = true;
  audience->next_busy = busy;
  busy = audience;
}

static size_t collect(const struct view *view, const struct record *record) {
  size_t bytes = 0;
  for (struct audience *audience = view->audiences; audience; audience = audience->next) {
    if (audience->members.count == 0 || !key_matches(audience, record))
      continue;
    struct frame *frame = render_record(view, audience->wire, record);
    if (!frame)
      continue;
    push_frame(audience, frame);
    bytes += frame->len;
  }
  return bytes;
}

size_t views_collect(const struct record *record) {
  size_t bytes = 0;
  for (const struct view *view = views; view; view = view->next) {
    if (filter_matches(view->filter, record_topic(record)))
      bytes += collect(view, record);
  }
  return bytes;
}

void views_flush(void (*send)(struct audience *audience)) {
  while (busy) {
    struct audience *audience = busy;
    audience->count++; /* stays while its members are served, whoever of them leaves */
    send(audience);
    busy = audience->next_busy;
    audience->is_busy = false;
    frames_drop(audience);
    audience_leave(audience);
  }
}

void audiences_each(void (*each)(struct audience *audience, void *ctx), void *ctx) {
  for (const struct view *view = views; view; view = view->next) {
    for (struct audience *audience = view->audiences; audience; audience = audience->next)
      each(audience, ctx);
  }
}

uint32_t views_listeners(bp_str topic) {
  uint32_t count = 0;
  for (const struct view *view = views; view; view = view->next) {
    if (!filter_matches(view->filter, topic))
      continue;
    for (const struct audience *audience = view->audiences; audience; audience = audience->next)
      count += audience->count;
  }
  return count;
}

void views_release(void) {
  views_forget();
  if (writer)
    doc_writer_free(writer);
  writer = 0;
}
