/* listen "ADDRESS" and listen "ADDRESS" { family = …, auth = …, public = … }. */
#include "base/mem.h"
#include "base/str.h"
#include "config/address.h"
#include "config/settings.h"
#include "config/words.h"

#include <stdlib.h>
#include <string.h>

#define USAGE "listen \"127.0.0.1:8700\" { family = \"…\" }"

/* The table after the address. Upvalue 1: the listener, or NULL if its address was refused. */
static int listen_options(lua_State *lua) {
  static const char *const auths[] = {[LISTENER_AUTH_PEER] = "peer", [LISTENER_AUTH_TOKEN] = "token", NULL};
  static const struct setting settings[] = {
      {"auth", SETTING_CHOICE, offsetof(struct config_listener, auth), 0, 0, auths},
      {"family", SETTING_TEXT, offsetof(struct config_listener, family), 0, 0, NULL},
      {"public", SETTING_BOOLEAN, offsetof(struct config_listener, is_public), 0, 0, NULL},
  };
  struct config_listener refused = {0};
  struct config_listener *listener = lua_touserdata(lua, lua_upvalueindex(1));
  settings_read(sandbox_of(lua), "listen", settings, sizeof(settings) / sizeof(settings[0]), listener ? listener : &refused);
  free(refused.family);
  return 0;
}

static struct config_listener *find_same(const struct config *config, const struct address *address) {
  for (struct config_listener *l = config->listeners; l; l = l->next)
    if (l->port == address->port && l->is_unix == address->is_unix && strcmp(l->address, address->host) == 0)
      return l;
  return NULL;
}

static struct config_listener *add_listener(struct words *words, const struct address *address, struct origin origin) {
  struct config_listener *listener = mem_alloc(sizeof(*listener));
  listener->address = address->host;
  listener->port = address->port;
  listener->is_unix = address->is_unix;
  listener->file = str_dupz(str_from(origin.file));
  listener->line = origin.line;
  *words->listener_end = listener;
  words->listener_end = &listener->next;
  return listener;
}

int word_listen(lua_State *lua) {
  struct sandbox *box = sandbox_of(lua);
  struct words *words = words_of(lua);
  struct origin origin = sandbox_origin(box);
  struct address address = {0};
  struct config_listener *listener = NULL;
  const char *wrong = NULL, *fix = NULL, *text = words_text(lua, 1, USAGE);
  if (text && !address_parse(str_from(text), &address, &wrong, &fix))
    report_hint(report(box->errors, origin, "cannot listen on \"%.100s\": %s", text, wrong), "%s", fix);
  const struct config_listener *same = address.host ? find_same(words->config, &address) : NULL;
  if (same)
    report(box->errors, origin, "cannot listen on \"%.100s\" twice: it stands in %.100s line %d already", text, same->file, same->line);
  if (address.host)
    listener = add_listener(words, &address, origin);
  lua_pushlightuserdata(lua, listener);
  lua_pushcclosure(lua, listen_options, 1);
  return 1;
}
