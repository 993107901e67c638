/* Growing texts and lists of words: what arguments, environments and answers are built from. */
#ifndef GIT_TEXT_H
#define GIT_TEXT_H

#include "kit.h"

/* Zeroed is empty. `has_failed` once memory ran out: appending does nothing then. */
struct text {
  char *data; /* NUL-terminated once something was appended */
  size_t len, room;
  bool has_failed;
};

void text_append(struct text *text, const void *data, size_t len);
void text_put(struct text *text, const char *z);
void text_put_str(struct text *text, bp_str str);
void text_release(struct text *text);
bp_str text_str(const struct text *text);
/* Appends `from` as UTF-8: each byte that is none becomes U+FFFD. */
void text_put_utf8(struct text *text, bp_str from);
/* Appends `from` with the user and password of addresses replaced by three stars. */
void text_put_masked(struct text *text, bp_str from);

/* A list of NUL-terminated words, each with its length; a word may be empty. */
struct words {
  char **at;
  size_t count, room;
  bool has_failed;
};

void words_add(struct words *words, bp_str word);
void words_add_z(struct words *words, const char *word);
void words_insert(struct words *words, size_t index, const char *word);
/* Takes the first word off. */
void words_drop_first(struct words *words);
void words_copy(struct words *to, const struct words *from);
void words_release(struct words *words);

bool str_begins(bp_str a, const char *start);
bool z_begins(const char *text, const char *start);
/* The text up to `sep`, which is taken off `rest`; the last piece is ended by the end. False: nothing is left. */
bool str_cut_at(bp_str *rest, char sep, bp_str *ret_piece);

#endif
