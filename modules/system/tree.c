/* The trees of processes under the children that the host supervises. What left its parent (setsid and an early exit of the one in
 * between) hangs under the host itself, which is the reaper of all of them; it is found by that. */
#include "system.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MOST 32

/* ---- From bp.proc ---- */

static void note_child(void *ctx, const bp_proc_entry *entry) {
  struct tree *tree = ctx;
  if (tree->child_count == tree->child_most) {
    unsigned most = tree->child_most ? tree->child_most * 2 : 16;
    struct child_seen *grown = reallocarray(tree->children, most, sizeof(*grown));
    if (!grown)
      return;
    tree->children = grown;
    tree->child_most = most;
  }
  struct child_seen *seen = &tree->children[tree->child_count++];
  *seen = (struct child_seen){.pid = entry->pid, .started_ticks = entry->started_ticks, .lifetime = entry->lifetime, .health = entry->health};
  seen->is_stopping = entry->is_stopping;
  snprintf(seen->plugin, sizeof(seen->plugin), "%.*s", (int)entry->plugin.len, entry->plugin.ptr);
  snprintf(seen->name, sizeof(seen->name), "%.*s", (int)entry->name.len, entry->name.ptr ? entry->name.ptr : "");
}

bool tree_begin(struct tree *tree, const bp_proc_1 *proc, bp_plugin self) {
  *tree = (struct tree){.children = NULL};
  return proc->each(self, note_child, tree) == BP_OK;
}

void tree_release(struct tree *tree) {
  free(tree->children);
  free(tree->processes);
}

/* ---- From /proc ---- */

static bool read_process(int proc, const char *pid, struct process *ret) {
  char path[64], text[1024];
  struct stat info;
  if (fstatat(proc, pid, &info, 0) != 0 || info.st_uid != geteuid())
    return false;
  snprintf(path, sizeof(path), "%.32s/stat", pid);
  int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
  ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
  if (fd >= 0)
    close(fd);
  text[len > 0 ? len : 0] = '\0';
  return len > 0 && parse_process(text, ret);
}

void tree_read(struct tree *tree) {
  DIR *proc = opendir("/proc");
  tree->processes = calloc(PROCESSES_MOST, sizeof(*tree->processes));
  for (const struct dirent *entry; proc && tree->processes && tree->process_count < PROCESSES_MOST && (entry = readdir(proc));)
    if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && read_process(dirfd(proc), entry->d_name, &tree->processes[tree->process_count]))
      tree->process_count++;
  if (proc)
    closedir(proc);
}

/* ---- As JSON ---- */

static void put_integer(const bp_json_1 *json, bp_json_writer out, const char *name, int64_t value) {
  json->key(out, str_z(name));
  json->put_integer(out, value);
}

static void put_process(const struct tree *tree, const bp_json_1 *json, bp_json_writer out, const struct process *process, unsigned depth) {
  long hertz = sysconf(_SC_CLK_TCK), page = sysconf(_SC_PAGESIZE);
  put_integer(json, out, "pid", process->pid);
  put_integer(json, out, "parent", process->parent);
  json_text_member(json, out, BP_LIT("command"), str_z(process->name));
  json_text_member(json, out, BP_LIT("state"), bp_str_make(&process->state, 1));
  put_integer(json, out, "cpuMs", (int64_t)(process->cpu_ticks * 1000 / (uint64_t)(hertz > 0 ? hertz : 100)));
  put_integer(json, out, "memory", (int64_t)(process->resident_pages * (uint64_t)page));
  put_integer(json, out, "threads", process->threads);
  json->key(out, BP_LIT("children"));
  json->array_begin(out);
  for (unsigned i = 0; depth < DEPTH_MOST && i < tree->process_count; i++) {
    if (tree->processes[i].parent != process->pid || tree->processes[i].pid == process->pid)
      continue;
    json->object_begin(out);
    put_process(tree, json, out, &tree->processes[i], depth + 1);
    json->object_end(out);
  }
  json->array_end(out);
}

static const struct process *find(const struct tree *tree, const struct child_seen *child) {
  for (unsigned i = 0; i < tree->process_count; i++)
    if (tree->processes[i].pid == child->pid && tree->processes[i].started_ticks == child->started_ticks)
      return &tree->processes[i];
  return NULL;
}

static void put_child(const struct tree *tree, const bp_json_1 *json, bp_json_writer out, const struct child_seen *child) {
  static const char *const healths[] = {"unknown", "healthy", "unhealthy"};
  const struct process *process = child->pid ? find(tree, child) : NULL;
  json->object_begin(out);
  json_text_member(json, out, BP_LIT("module"), str_z(child->plugin));
  json_text_member(json, out, BP_LIT("name"), str_z(child->name));
  json_text_member(json, out, BP_LIT("lifetime"), child->lifetime == BP_PROC_BOUND ? BP_LIT("bound") : BP_LIT("surviving"));
  json_text_member(json, out, BP_LIT("health"), str_z(healths[child->health < 3 ? child->health : 0]));
  json_text_member(json, out, BP_LIT("status"), child->is_stopping ? BP_LIT("stopping") : process ? BP_LIT("running") : BP_LIT("waiting"));
  if (process)
    put_process(tree, json, out, process, 0);
  json->object_end(out);
}

/* Not known to hang below a child, but ours to reap. */
static bool is_stray(const struct tree *tree, const struct process *process) {
  if (process->parent != getpid())
    return false;
  for (unsigned i = 0; i < tree->child_count; i++)
    if (tree->children[i].pid == process->pid)
      return false;
  return true;
}

void tree_write(const struct tree *tree, const bp_json_1 *json, bp_json_writer out) {
  json->key(out, BP_LIT("processes"));
  json->array_begin(out);
  for (unsigned i = 0; i < tree->child_count; i++)
    put_child(tree, json, out, &tree->children[i]);
  json->array_end(out);
  json->key(out, BP_LIT("strays"));
  json->array_begin(out);
  for (unsigned i = 0; i < tree->process_count; i++) {
    if (!is_stray(tree, &tree->processes[i]))
      continue;
    json->object_begin(out);
    put_process(tree, json, out, &tree->processes[i], 0);
    json->object_end(out);
  }
  json->array_end(out);
  put_integer(json, out, "count", tree->child_count);
}
