/* `backplane plugin new ID`: a small complete plugin in a folder of its own, from the files of the installed template. */
#include "base/buf.h"
#include "base/io.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/paths.h"
#include "cli/say.h"
#include "loader/syntax.h"
#include "places.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAMILY_BYTES_MAX 32

/* The template's files, and what they are called in a plugin. Their text and these names hold the marks below. */
static const struct {
  const char *from, *to;
} files[] = {
    {"CMakeLists.txt", "CMakeLists.txt"},
    {"README.md", "README.md"},
    {"plugin.c", "@ID@.c"},
    {"test_plugin.c", "test_@ID@.c"},
    {"scripts/set/length.lua", "scripts/@ID@/length.lua"},
    {"scripts/set/length.test.lua", "scripts/@ID@/length.test.lua"},
};
#define FILE_COUNT (sizeof(files) / sizeof(files[0]))

/* What stands for the marks: @ID@, @PREFIX@ (of its tables) and @FAMILY@. */
struct names {
  char id[65], prefix[65], family[FAMILY_BYTES_MAX + 1];
};

static void make_names(struct names *names, const char *id) {
  *names = (struct names){0};
  snprintf(names->id, sizeof(names->id), "%s", id);
  for (size_t i = 0; names->id[i]; i++) {
    char c = names->id[i];
    names->prefix[i] = (char)(c == '-' || c == '.' ? '_' : c);
    if (i < FAMILY_BYTES_MAX)
      names->family[i] = (char)(c == '.' ? '-' : c);
  }
}

/* Appends `text` with the marks replaced. */
static void fill_in(struct buf *out, bp_str text, const struct names *names) {
  const struct {
    bp_str mark;
    const char *value;
  } marks[] = {{BP_STR("@ID@"), names->id}, {BP_STR("@PREFIX@"), names->prefix}, {BP_STR("@FAMILY@"), names->family}};
  while (text.len) {
    size_t taken = 0;
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]) && !taken; i++)
      if (str_starts(text, marks[i].mark)) {
        buf_append_z(out, marks[i].value);
        taken = marks[i].mark.len;
      }
    if (!taken)
      buf_append_char(out, text.ptr[0]);
    text = taken ? bp_str_make(text.ptr + taken, text.len - taken) : bp_str_make(text.ptr + 1, text.len - 1);
  }
}

static bool read_file(const char *path, struct buf *out) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : 1;
  while (got > 0) {
    char *room = buf_reserve(out, 4096);
    got = room ? read(fd, room, 4096) : -1;
    if (got > 0)
      out->len += (size_t)got;
  }
  if (fd >= 0)
    close(fd);
  return got == 0;
}

/* Makes the folders of `path` below the one that ends at `from`. */
static bool make_folders(char *path, size_t from) {
  for (char *slash = strchr(path + from, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    bool ok = mkdir(path, 0755) == 0 || errno == EEXIST;
    *slash = '/';
    if (!ok)
      return false;
  }
  return true;
}

static char *target_path(const char *folder, const char *name, const struct names *names) {
  struct buf filled = {0};
  fill_in(&filled, str_from(name), names);
  buf_append_char(&filled, '\0');
  char *path = path_join(folder, filled.data);
  buf_release(&filled);
  return path;
}

/* Nothing is overwritten, and nothing is begun that could not be ended. */
static bool is_vacant(const char *folder, const struct names *names) {
  for (size_t i = 0; i < FILE_COUNT; i++) {
    char *path = target_path(folder, files[i].to, names);
    bool exists = access(path, F_OK) == 0;
    if (exists)
      say_failure("\"%s\" exists already; choose another folder with --dir", path);
    free(path);
    if (exists)
      return false;
  }
  return true;
}

static bool write_new(const char *path, bp_str text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0)
    return false;
  bool ok = io_write_all(fd, text);
  return close(fd) == 0 && ok;
}

static int write_file(const char *template, const char *folder, size_t index, const struct names *names) {
  struct buf text = {0}, filled = {0};
  char *from = path_join(template, files[index].from);
  char *to = target_path(folder, files[index].to, names);
  int code = CLI_DONE;
  if (!read_file(from, &text)) {
    code = say_failure("cannot read the template's \"%s\": %s", from, strerror(errno));
  } else {
    fill_in(&filled, buf_str(&text), names);
    if (filled.failed || !make_folders(to, strlen(folder) + 1) || !write_new(to, buf_str(&filled)))
      code = say_failure("cannot write \"%s\": %s", to, strerror(errno));
  }
  buf_release(&text);
  buf_release(&filled);
  free(from);
  free(to);
  return code;
}

static void say_next(const char *folder, const struct names *names) {
  printf("made the plugin \"%s\" in %s; its README.md says what is what. Next:\n\n"
         "  cd %s\n"
         "  cmake -B build && cmake --build build\n"
         "  ctest --test-dir build\n"
         "  cmake --install build\n"
         "  backplane module enable %s\n"
         "  curl http://127.0.0.1:8700/f/%s/notes -H 'content-type: application/json' -d '{\"text\":\"hello\"}'\n",
         names->id, folder, folder, names->id, names->family);
}

static int make_plugin(const char *folder, const struct names *names) {
  if (mkdir(folder, 0755) != 0 && errno != EEXIST)
    return say_failure("cannot make the folder \"%s\": %s", folder, strerror(errno));
  if (!is_vacant(folder, names))
    return CLI_FAILED;
  char *template = places_template();
  int code = CLI_DONE;
  for (size_t i = 0; code == CLI_DONE && i < FILE_COUNT; i++)
    code = write_file(template, folder, i, names);
  free(template);
  if (code == CLI_DONE)
    say_next(folder, names);
  return code;
}

static int new_plugin(const struct cli_call *call) {
  const char *id = call->words[1];
  const char *dir = cli_value(call, "--dir");
  struct names names;
  if (!syntax_is_plugin_id(str_from(id)))
    return say_misuse("\"%s\" is no plugin id: lower-case letters, digits and hyphens, with dots between parts, at most 64 bytes", id);
  if (syntax_is_reserved_id(str_from(id)))
    return say_misuse("the id \"%s\" is reserved for the host", id);
  char *folder = path_absolute(dir ? dir : id);
  if (!folder)
    return CLI_FAILED;
  make_names(&names, id);
  int code = make_plugin(folder, &names);
  free(folder);
  return code;
}

static int run(const struct cli_call *call) {
  static const struct cli_verb verbs[] = {{"new", 1, 1, new_plugin}, {0}};
  return cli_run_verb(call, verbs);
}

static const struct cli_option options[] = {
    {"--dir", NULL, "DIR", "the new plugin's folder (default: ./ID)"},
    {0},
};

const struct cli_command command_plugin = {
    .name = "plugin",
    .synopsis = "new ID [--dir DIR]",
    .summary = "start a plugin of your own",
    .help = "new writes a small complete plugin: two routes, a table, a live event, a unit test, a policy rule with its test, and a\n"
            "README with the commands to build, install, enable and call it. ID is lower-case letters, digits and hyphens; ids of\n"
            "plugins that others may use are reverse DNS (\"org.example.notes\"). Nothing that exists is overwritten.",
    .words_min = 2,
    .words_max = 2,
    .options = options,
    .run = run,
};
