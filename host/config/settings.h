/* Tables of named values, such as `limits { … }`, read into a struct by a table of their own: name, kind, bounds, offset.
 * Private to host/config. */
#ifndef HOST_CONFIG_SETTINGS_H
#define HOST_CONFIG_SETTINGS_H

#include "config/sandbox.h"

enum setting_kind {
  SETTING_INT64,
  SETTING_UINT32,
  SETTING_BOOLEAN, /* bool */
  SETTING_TEXT,    /* char *, replaced */
  SETTING_WORD,    /* char *, one of `words` */
  SETTING_CHOICE,  /* unsigned: the index in `words` */
};

struct setting {
  const char *name;
  enum setting_kind kind;
  size_t offset; /* in the struct that is filled */
  int64_t minimum, maximum;
  const char *const *words; /* ends with NULL */
};

/* Reads the table that is argument 1 of the running word into `target`. `subject` is how errors call it: "limits". */
void settings_read(struct sandbox *box, const char *subject, const struct setting *settings, size_t count, void *target);

#endif
