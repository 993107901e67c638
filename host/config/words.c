/* The words of a configuration file that are small: include, origins, limits, log, live, modules_dir, policy, warn. */
#include "config/words.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "config/settings.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#define INCLUDE_DEPTH 8u

struct words *words_of(lua_State *lua) {
  return sandbox_of(lua)->context;
}

const char *words_text(lua_State *lua, int index, const char *usage) {
  struct sandbox *box = sandbox_of(lua);
  size_t len = 0;
  const char *text = lua_type(lua, index) == LUA_TSTRING ? lua_tolstring(lua, index, &len) : NULL;
  if (text && strlen(text) == len && str_is_utf8(bp_str_make(text, len)))
    return text;
  report(box->errors, sandbox_origin(box), "a text is needed: %s", usage);
  return NULL;
}

char *words_path(lua_State *lua, const char *path) {
  const char *file = sandbox_origin(sandbox_of(lua)).file;
  const char *slash = file ? strrchr(file, '/') : NULL;
  struct buf joined = {0};
  if (path[0] != '/' && slash)
    buf_append(&joined, file, (size_t)(slash - file) + 1);
  buf_append_z(&joined, path);
  char *copy = str_dupz(buf_str(&joined));
  buf_release(&joined);
  return copy;
}

static void append_text(char ***list, unsigned *count, const char *text) {
  *list = mem_resize(*list, (*count + 1) * sizeof(**list));
  (*list)[(*count)++] = str_dupz(str_from(text));
}

/* Runs the files of a pattern in name order. Errors within a file are reported there; the others still run. */
static int word_include(lua_State *lua) {
  struct sandbox *box = sandbox_of(lua);
  struct words *words = words_of(lua);
  const char *pattern = words_text(lua, 1, "include \"modules.d/*.lua\"");
  if (!pattern)
    return 0;
  if (words->include_depth == INCLUDE_DEPTH) {
    report(box->errors, sandbox_origin(box), "files include each other more than %u levels deep", INCLUDE_DEPTH);
    return 0;
  }
  glob_t found;
  char *path = words_path(lua, pattern);
  int status = glob(path, 0, NULL, &found);
  words->include_depth++;
  for (size_t i = 0; status == 0 && i < found.gl_pathc; i++)
    sandbox_run(box, found.gl_pathv[i]);
  words->include_depth--;
  if (status == 0)
    globfree(&found);
  if (status == GLOB_NOMATCH && !strpbrk(pattern, "*?["))
    report(box->errors, sandbox_origin(box), "there is no file \"%.200s\" to include", path);
  free(path);
  return 0;
}

/* scheme://host[:port] and no more: what a browser sends as Origin. */
static bool is_origin(const char *text) {
  const char *host = strstr(text, "://");
  if (!host || (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0))
    return false;
  return host[3] != '\0' && !strpbrk(host + 3, "/?#*@ ");
}

static void add_origin(lua_State *lua) {
  struct sandbox *box = sandbox_of(lua);
  struct config *config = words_of(lua)->config;
  const char *text = words_text(lua, -1, "origins { \"http://localhost:5173\", … }");
  if (!text)
    return;
  if (is_origin(text)) {
    append_text(&config->origins, &config->origin_count, text);
    return;
  }
  struct config_error *error = report(box->errors, sandbox_origin(box), "\"%.100s\" is not an origin", text);
  report_hint(error, "write scheme, host and port as a browser sends them, for example \"http://localhost:5173\"; there is no wildcard");
}

static int word_origins(lua_State *lua) {
  struct sandbox *box = sandbox_of(lua);
  if (lua_istable(lua, 1))
    for (lua_pushnil(lua); lua_next(lua, 1); lua_pop(lua, 1))
      add_origin(lua);
  else
    report(box->errors, sandbox_origin(box), "origins needs a list: origins { \"http://localhost:5173\", … }");
  return 0;
}

static int word_limits(lua_State *lua) {
  static const struct setting settings[] = {
      {"body_idle_ms", SETTING_INT64, offsetof(struct http_limits, body_idle_ms), 100, 3600000, NULL},
      {"body_min_rate", SETTING_UINT32, offsetof(struct http_limits, body_min_rate), 0, 1 << 30, NULL},
      {"header_deadline_ms", SETTING_INT64, offsetof(struct http_limits, header_deadline_ms), 100, 3600000, NULL},
      {"keep_alive_ms", SETTING_INT64, offsetof(struct http_limits, keep_alive_ms), 100, 3600000, NULL},
      {"write_stall_ms", SETTING_INT64, offsetof(struct http_limits, write_stall_ms), 100, 3600000, NULL},
  };
  settings_read(sandbox_of(lua), "limits", settings, sizeof(settings) / sizeof(settings[0]), &words_of(lua)->config->limits);
  return 0;
}

static int word_log(lua_State *lua) {
  static const char *const formats[] = {"human", "json", NULL};
  static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
  static const struct setting settings[] = {
      {"format", SETTING_WORD, offsetof(struct config, log_format), 0, 0, formats},
      {"level", SETTING_WORD, offsetof(struct config, log_level), 0, 0, levels},
  };
  settings_read(sandbox_of(lua), "log", settings, sizeof(settings) / sizeof(settings[0]), words_of(lua)->config);
  return 0;
}

static int word_live(lua_State *lua) {
  static const struct setting settings[] = {
      {"io_uring", SETTING_BOOLEAN, offsetof(struct config, live_io_uring), 0, 0, NULL},
      {"retention_bytes", SETTING_INT64, offsetof(struct config, live_retention_bytes), 1 << 20, INT64_MAX, NULL},
      {"retention_days", SETTING_INT64, offsetof(struct config, live_retention_days), 1, 36500, NULL},
  };
  settings_read(sandbox_of(lua), "live", settings, sizeof(settings) / sizeof(settings[0]), words_of(lua)->config);
  return 0;
}

static int word_modules_dir(lua_State *lua) {
  struct config *config = words_of(lua)->config;
  const char *path = words_text(lua, 1, "modules_dir \"/path/of/folder\"");
  if (path) {
    free(config->module_dir);
    config->module_dir = words_path(lua, path);
  }
  return 0;
}

static int word_policy(lua_State *lua) {
  static const struct setting settings[] = {
      {"audit_days", SETTING_INT64, offsetof(struct config, audit_days), 1, 36500, NULL},
      {"audit_rows", SETTING_INT64, offsetof(struct config, audit_rows), 1000, INT64_C(1) << 40, NULL},
      {"hold_ms", SETTING_UINT32, offsetof(struct config, hold_ms), 0, 25000, NULL},
      {"scripts", SETTING_TEXT, offsetof(struct config, scripts_dir), 0, 0, NULL},
  };
  struct config *config = words_of(lua)->config;
  char *before = config->scripts_dir;
  config->scripts_dir = NULL;
  settings_read(sandbox_of(lua), "policy", settings, sizeof(settings) / sizeof(settings[0]), config);
  char *written = config->scripts_dir;
  config->scripts_dir = written ? words_path(lua, written) : before;
  if (written)
    free(before);
  free(written);
  return 0;
}

static int word_warn(lua_State *lua) {
  struct config *config = words_of(lua)->config;
  const char *text = words_text(lua, 1, "warn \"what the operator should know\"");
  if (text)
    append_text(&config->warnings, &config->warning_count, text);
  return 0;
}

/* Alphabetical. */
const struct sandbox_word words_table[] = {
    {"env", word_env},
    {"env_flag", word_env_flag},
    {"env_list", word_env_list},
    {"env_number", word_env_number},
    {"include", word_include},
    {"limits", word_limits},
    {"listen", word_listen},
    {"live", word_live},
    {"log", word_log},
    {"module", word_module},
    {"modules_dir", word_modules_dir},
    {"origins", word_origins},
    {"policy", word_policy},
    {"real_port", word_real_port},
    {"warn", word_warn},
};
const size_t words_count = sizeof(words_table) / sizeof(words_table[0]);
