/* JSON writers: text grows in a buffer while a stack of levels checks that it stays one well-formed value. The first misuse
 * is kept and everything after it ignored, so that a handler checks once, at the end. */
#include "json/writers.h"
#include "base/fail.h"
#include "base/str.h"
#include "json/pins.h"
#include "json/scalars.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEVELS 128u
#define BUFFER_KEPT (16u << 10) /* bytes a freed writer may keep for the next one */

/* What a level is, and what has happened on it. Level 0 is the text itself: it takes one value. */
#define LEVEL_ARRAY 1u
#define LEVEL_OBJECT 2u
#define LEVEL_FILLED 4u /* the next member needs a comma */
#define LEVEL_KEYED 8u  /* a key waits for its value */

struct writer {
  struct pin pin;
  struct buf out;
  const char *misuse; /* the first one, a literal */
  uint32_t depth;
  uint8_t levels[LEVELS];
};

static struct pins writers = PINS_INIT(struct writer);

static void reset(struct writer *w) {
  buf_clear(&w->out);
  w->misuse = NULL;
  w->depth = 0;
  w->levels[0] = 0;
}

bp_json_writer writers_new(bp_plugin owner) {
  struct writer *w = pins_take(&writers, owner);
  if (!w)
    return 0;
  reset(w);
  return pins_handle(&w->pin, 0);
}

static void give_back(struct writer *w) {
  if (w->out.cap > BUFFER_KEPT)
    buf_release(&w->out);
  pins_give(&writers, &w->pin);
}

void writers_free(bp_json_writer handle) {
  struct writer *w = pins_find(&writers, handle);
  if (w && w->pin.is_taken)
    give_back(w);
}

void writers_forget(bp_plugin owner) {
  uint32_t cursor = 0;
  struct writer *w;
  while ((w = pins_next(&writers, owner, &cursor)))
    give_back(w);
}

void writers_reset(bp_json_writer handle) {
  struct writer *w = pins_find(&writers, handle);
  if (w)
    reset(w);
}

static void misuse(struct writer *w, const char *what) {
  if (!w->misuse)
    w->misuse = what;
}

/* The writer, with the comma before a value written, if a value may come here; NULL otherwise. */
static struct writer *begin_value(bp_json_writer handle) {
  struct writer *w = pins_find(&writers, handle);
  if (!w || w->misuse)
    return NULL;
  uint8_t *level = &w->levels[w->depth];
  if (*level & LEVEL_KEYED) {
    *level = LEVEL_OBJECT | LEVEL_FILLED;
    return w;
  }
  if (*level & LEVEL_OBJECT) {
    misuse(w, "a value where a key is due");
    return NULL;
  }
  if (*level & LEVEL_FILLED) {
    if (w->depth == 0) {
      misuse(w, "a second value after the text is complete");
      return NULL;
    }
    buf_append_char(&w->out, ',');
  }
  *level |= LEVEL_FILLED;
  return w;
}

static void begin_level(bp_json_writer handle, uint8_t kind, char opener) {
  struct writer *w = begin_value(handle);
  if (!w)
    return;
  if (w->depth + 1 == LEVELS) {
    misuse(w, "more than 127 levels");
    return;
  }
  w->levels[++w->depth] = kind;
  buf_append_char(&w->out, opener);
}

static void end_level(bp_json_writer handle, uint8_t kind, char closer, const char *mismatch) {
  struct writer *w = pins_find(&writers, handle);
  if (!w || w->misuse)
    return;
  uint8_t level = w->levels[w->depth];
  if (!(level & kind)) {
    misuse(w, mismatch);
    return;
  }
  if (level & LEVEL_KEYED) {
    misuse(w, "an object closed after a key without a value");
    return;
  }
  w->depth--;
  buf_append_char(&w->out, closer);
}

void writers_object_begin(bp_json_writer handle) {
  begin_level(handle, LEVEL_OBJECT, '{');
}

void writers_object_end(bp_json_writer handle) {
  end_level(handle, LEVEL_OBJECT, '}', "object_end without an open object");
}

void writers_array_begin(bp_json_writer handle) {
  begin_level(handle, LEVEL_ARRAY, '[');
}

void writers_array_end(bp_json_writer handle) {
  end_level(handle, LEVEL_ARRAY, ']', "array_end without an open array");
}

/* Text that is ASCII throughout needs one look only. */
static void put_checked(struct writer *w, bp_str text, const char *wrong) {
  if (doc_write_ascii(&w->out, text))
    return;
  if (str_is_utf8(text))
    doc_write_escaped(&w->out, text);
  else
    misuse(w, wrong);
}

void writers_key(bp_json_writer handle, bp_str key) {
  struct writer *w = pins_find(&writers, handle);
  if (!w || w->misuse)
    return;
  uint8_t *level = &w->levels[w->depth];
  if (!(*level & LEVEL_OBJECT) || (*level & LEVEL_KEYED)) {
    misuse(w, *level & LEVEL_KEYED ? "a second key where a value is due" : "a key outside an object");
    return;
  }
  if (*level & LEVEL_FILLED)
    buf_append_char(&w->out, ',');
  *level |= LEVEL_KEYED;
  put_checked(w, key, "a key that is not UTF-8");
  buf_append_char(&w->out, ':');
}

void writers_null(bp_json_writer handle) {
  struct writer *w = begin_value(handle);
  if (w)
    buf_append(&w->out, "null", 4);
}

void writers_boolean(bp_json_writer handle, uint32_t value) {
  struct writer *w = begin_value(handle);
  if (w)
    buf_append_z(&w->out, value ? "true" : "false");
}

void writers_integer(bp_json_writer handle, int64_t value) {
  struct writer *w = begin_value(handle);
  if (w)
    scalar_integer(&w->out, value);
}

void writers_real(bp_json_writer handle, double value) {
  struct writer *w = begin_value(handle);
  if (!w)
    return;
  if (isfinite(value))
    scalar_real(&w->out, value);
  else
    misuse(w, "a number that is not finite");
}

void writers_string(bp_json_writer handle, bp_str value) {
  struct writer *w = begin_value(handle);
  if (w)
    put_checked(w, value, "a string that is not UTF-8");
}

void writers_value(bp_json_writer handle, bp_json value) {
  struct writer *w = begin_value(handle);
  if (!w)
    return;
  const json_t *found = doc_value(value);
  if (found)
    doc_write(&w->out, found);
  else
    misuse(w, "put_value of a stale value");
}

void writers_raw(bp_json_writer handle, bp_str json_text) {
  struct writer *w = begin_value(handle);
  if (!w)
    return;
  if (json_text.len)
    buf_append_str(&w->out, json_text);
  else
    misuse(w, "put_raw of an empty text");
}

bp_status writers_text(bp_json_writer handle, bp_str *ret, bp_error *err) {
  struct writer *w = pins_find(&writers, handle);
  if (!w)
    return fail(err, BP_E_STALE, "writer is gone: it was freed, or its plugin has drained");
  const char *wrong = w->misuse;
  if (!wrong && w->depth)
    wrong = w->levels[w->depth] & LEVEL_OBJECT ? "an object left open" : "an array left open";
  if (!wrong && !w->levels[0])
    wrong = "no value at all";
  if (wrong)
    return fail(err, BP_E_STATE, "writer was given %s", wrong);
  if (w->out.failed)
    return fail(err, BP_E_NO_MEMORY, "no memory for the text");
  *ret = buf_str(&w->out);
  return BP_OK;
}

bp_json_writer doc_writer_new(bp_plugin owner) {
  return writers_new(owner);
}

void doc_writer_free(bp_json_writer writer) {
  writers_free(writer);
}

bool doc_writer_text(bp_json_writer writer, bp_str *ret, bp_error *err) {
  return writers_text(writer, ret, err) == BP_OK;
}
