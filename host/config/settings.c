/* Tables of named values; see settings.h. */
#include "config/settings.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One value on its way into the struct. */
struct assignment {
  struct sandbox *box;
  const char *subject;
  const struct setting *setting;
  char *field;
};

static const struct setting *find(const struct setting *settings, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(settings[i].name, name) == 0)
      return &settings[i];
  return NULL;
}

static struct config_error *wrong(const struct assignment *a, const char *what) {
  struct origin origin = sandbox_origin(a->box);
  origin.line = sandbox_line_of(a->box, origin, a->setting->name);
  return report(a->box->errors, origin, "\"%s\" of %s must be %s, not %s", a->setting->name, a->subject, what,
                lua_typename(a->box->lua, lua_type(a->box->lua, -1)));
}

static void assign_integer(const struct assignment *a) {
  int is_integer = 0;
  const struct setting *setting = a->setting;
  lua_Integer value = lua_type(a->box->lua, -1) == LUA_TNUMBER ? lua_tointegerx(a->box->lua, -1, &is_integer) : 0;
  if (!is_integer) {
    wrong(a, "a whole number");
    return;
  }
  if (value < setting->minimum || value > setting->maximum) {
    struct origin origin = sandbox_origin(a->box);
    origin.line = sandbox_line_of(a->box, origin, setting->name);
    report(a->box->errors, origin, "\"%s\" of %s must be between %lld and %lld", setting->name, a->subject, (long long)setting->minimum,
           (long long)setting->maximum);
    return;
  }
  if (setting->kind == SETTING_INT64)
    memcpy(a->field, &(int64_t){value}, sizeof(int64_t));
  else
    memcpy(a->field, &(uint32_t){(uint32_t)value}, sizeof(uint32_t));
}

static void assign_boolean(const struct assignment *a) {
  if (lua_isboolean(a->box->lua, -1))
    *(bool *)a->field = lua_toboolean(a->box->lua, -1);
  else
    wrong(a, "true or false");
}

static void replace_text(const struct assignment *a, const char *text) {
  char *copy = str_dupz(str_from(text)), *old;
  memcpy(&old, a->field, sizeof(old));
  memcpy(a->field, &copy, sizeof(copy));
  free(old);
}

static void assign_text(const struct assignment *a) {
  if (lua_type(a->box->lua, -1) == LUA_TSTRING)
    replace_text(a, lua_tostring(a->box->lua, -1));
  else
    wrong(a, "a text");
}

static void unknown_word(const struct assignment *a, const char *text) {
  struct nearest search = {.wanted = str_from(text)};
  struct origin origin = sandbox_origin(a->box);
  origin.line = sandbox_line_of(a->box, origin, a->setting->name);
  struct config_error *error = report(a->box->errors, origin, "\"%s\" of %s cannot be \"%.64s\"", a->setting->name, a->subject, text);
  for (const char *const *word = a->setting->words; *word; word++)
    nearest_offer(&search, str_from(*word));
  report_nearest(error, &search);
  for (const char *const *word = a->setting->words; *word; word++) {
    size_t len = strlen(error->hint);
    snprintf(error->hint + len, sizeof(error->hint) - len, "%s\"%s\"", len ? ", " : "it is one of ", *word);
  }
}

static void assign_word(const struct assignment *a) {
  if (lua_type(a->box->lua, -1) != LUA_TSTRING) {
    wrong(a, "a text");
    return;
  }
  const char *text = lua_tostring(a->box->lua, -1);
  for (unsigned i = 0; a->setting->words[i]; i++) {
    if (strcmp(a->setting->words[i], text) != 0)
      continue;
    if (a->setting->kind == SETTING_WORD)
      replace_text(a, text);
    else
      memcpy(a->field, &i, sizeof(i));
    return;
  }
  unknown_word(a, text);
}

static void assign(const struct assignment *a) {
  static void (*const by_kind[])(const struct assignment *a) = {
      [SETTING_INT64] = assign_integer, [SETTING_UINT32] = assign_integer, [SETTING_BOOLEAN] = assign_boolean,
      [SETTING_TEXT] = assign_text,     [SETTING_WORD] = assign_word,      [SETTING_CHOICE] = assign_word,
  };
  by_kind[a->setting->kind](a);
}

static void unknown_setting(struct sandbox *box, const char *subject, const struct setting *settings, size_t count, const char *name) {
  struct nearest search = {.wanted = str_from(name)};
  struct origin origin = sandbox_origin(box);
  origin.line = sandbox_line_of(box, origin, name);
  struct config_error *error = report(box->errors, origin, "unknown setting \"%.64s\" of %s", name, subject);
  for (size_t i = 0; i < count; i++)
    nearest_offer(&search, str_from(settings[i].name));
  report_nearest(error, &search);
}

void settings_read(struct sandbox *box, const char *subject, const struct setting *settings, size_t count, void *target) {
  lua_State *lua = box->lua;
  if (!lua_istable(lua, 1)) {
    report(box->errors, sandbox_origin(box), "%s needs a table: %s { name = value, … }", subject, subject);
    return;
  }
  for (lua_pushnil(lua); lua_next(lua, 1); lua_pop(lua, 1)) {
    const char *name = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "?";
    const struct setting *setting = find(settings, count, name);
    if (setting)
      assign(&(struct assignment){box, subject, setting, (char *)target + setting->offset});
    else
      unknown_setting(box, subject, settings, count, name);
  }
}
