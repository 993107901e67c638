/* module "ID" and module "ID" { option = …, path = … }. */
#include "base/mem.h"
#include "base/str.h"
#include "config/lua_json.h"
#include "config/words.h"

#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 256u
#define USAGE "module \"id\" { option = value, … }"

static void take_path(lua_State *lua, struct config_module *module) {
  const char *path = words_text(lua, -1, "path = \"/path/of/module.so\"");
  if (!path)
    return;
  free(module->path);
  module->path = words_path(lua, path);
}

static void take_option(lua_State *lua, struct config_module *module, const char *name) {
  struct sandbox *box = sandbox_of(lua);
  struct origin origin = sandbox_origin(box);
  if (json_object_size(module->options) == OPTIONS_MAX) {
    report(box->errors, origin, "module \"%.64s\" has more than %u options", module->id, OPTIONS_MAX);
    return;
  }
  const char *wrong = NULL;
  int line = sandbox_line_of(box, origin, name);
  json_t *value = lua_json(lua, lua_gettop(lua), &wrong);
  if (!value || json_object_set_new(module->options, name, value) != 0) {
    origin.line = line;
    report(box->errors, origin, "option \"%.64s\" of module \"%.64s\" is %s", name, module->id, wrong ? wrong : "not named in UTF-8");
    return;
  }
  json_object_set_new(module->lines, name, json_integer(line));
}

/* The table after the id. Upvalue 1: the module, or NULL if its id was refused. */
static int module_options(lua_State *lua) {
  struct sandbox *box = sandbox_of(lua);
  struct config_module *module = lua_touserdata(lua, lua_upvalueindex(1));
  if (!lua_istable(lua, 1))
    report(box->errors, sandbox_origin(box), "a module's options are a table: " USAGE);
  if (!lua_istable(lua, 1) || !module)
    return 0;
  for (lua_pushnil(lua); lua_next(lua, 1); lua_pop(lua, 1)) {
    const char *name = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : NULL;
    if (!name)
      report(box->errors, sandbox_origin(box), "options of module \"%.64s\" need names: " USAGE, module->id);
    else if (strcmp(name, "path") == 0)
      take_path(lua, module);
    else
      take_option(lua, module, name);
  }
  return 0;
}

/* [a-z][a-z0-9-]* parts with dots between them, as in the descriptor. */
static bool is_module_id(const char *id) {
  bool at_start = true;
  for (const char *c = id; *c; c++) {
    bool is_letter = *c >= 'a' && *c <= 'z';
    if (at_start ? !is_letter : !is_letter && !(*c >= '0' && *c <= '9') && *c != '-' && *c != '.')
      return false;
    at_start = *c == '.';
  }
  return !at_start && strlen(id) <= 64;
}

static const struct config_module *find_same(const struct config *config, const char *id) {
  for (const struct config_module *m = config->modules; m; m = m->next)
    if (strcmp(m->id, id) == 0)
      return m;
  return NULL;
}

static struct config_module *add_module(struct words *words, const char *id, struct origin origin) {
  struct config_module *module = mem_alloc(sizeof(*module));
  module->id = str_dupz(str_from(id));
  module->file = str_dupz(str_from(origin.file));
  module->line = origin.line;
  module->options = json_object();
  module->lines = json_object();
  *words->module_end = module;
  words->module_end = &module->next;
  return module;
}

int word_module(lua_State *lua) {
  struct sandbox *box = sandbox_of(lua);
  struct words *words = words_of(lua);
  struct origin origin = sandbox_origin(box);
  struct config_module *module = NULL;
  const char *id = words_text(lua, 1, USAGE);
  const struct config_module *same = id ? find_same(words->config, id) : NULL;
  if (same)
    report(box->errors, origin, "module \"%.64s\" stands in %.150s line %d already", id, same->file, same->line);
  else if (id && is_module_id(id))
    module = add_module(words, id, origin);
  else if (id)
    report_hint(report(box->errors, origin, "\"%.64s\" is not a module's id", id),
                "ids are lower-case letters, digits and hyphens, with dots between parts");
  lua_pushlightuserdata(lua, module);
  lua_pushcclosure(lua, module_options, 1);
  return 1;
}
