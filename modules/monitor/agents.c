/* Reading the file of agents on a worker: what of it clients see. A missing or corrupt one is an empty one. */
#include "monitor.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SETTLED_NS 2000000000 /* a file changed later than this may change again within one tick of its time stamp */

static int64_t nanoseconds(struct timespec at) {
  return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

static struct file_mark mark_of(const struct stat *info) {
  return (struct file_mark){info->st_dev, info->st_ino, (uint64_t)info->st_size, nanoseconds(info->st_mtim), nanoseconds(info->st_ctim)};
}

static bool is_same(const struct file_mark *a, const struct file_mark *b) {
  return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes && a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

static bool is_settled(const struct file_mark *mark) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds(now) - mark->changed_ns > SETTLED_NS;
}

static struct kit_text read_all(int fd, size_t len) {
  struct kit_text text = {malloc(len + 1), 0};
  while (text.ptr && text.len < len) {
    ssize_t got = read(fd, text.ptr + text.len, len - text.len);
    if (got <= 0)
      break;
    text.len += (size_t)got;
  }
  return text;
}

static struct kit_text compact_member(const struct scan *scan, bp_json root, bp_str name) {
  bp_json_writer out = 0;
  bp_json value = 0;
  if (scan->json->writer_new(scan->self, &out) != BP_OK)
    return (struct kit_text){NULL, 0};
  if (root && scan->json->get(root, name, &value) == BP_OK)
    scan->json->put_value(out, value);
  else
    scan->json->put_null(out);
  return kit_text_of_writer(scan->json, out);
}

/* The objects of the member "agents"; whatever else stands there is left out. */
static void put_agents(struct scan *scan, bp_json root, bp_json_writer out) {
  const bp_json_1 *json = scan->json;
  bp_json list = 0, agent = 0;
  json->array_begin(out);
  uint32_t count = root && json->get(root, BP_LIT("agents"), &list) == BP_OK && json->type(list) == BP_JSON_ARRAY ? json->count(list) : 0;
  for (uint32_t i = 0; i < count; i++) {
    if (json->at(list, i, &agent) != BP_OK || json->type(agent) != BP_JSON_OBJECT)
      continue;
    json->put_value(out, agent);
    scan->agents.count++;
  }
  json->array_end(out);
}

static void see(struct scan *scan, bp_json root) {
  const bp_json_1 *json = scan->json;
  bp_json_writer out = 0;
  scan->agents.session_name = compact_member(scan, root, BP_LIT("session_name"));
  scan->agents.updated_at = compact_member(scan, root, BP_LIT("updated_at"));
  if (!scan->agents.session_name.ptr || !scan->agents.updated_at.ptr || json->writer_new(scan->self, &out) != BP_OK)
    return;
  json->object_begin(out);
  json->key(out, BP_LIT("session_name"));
  json->put_raw(out, kit_text_str(&scan->agents.session_name));
  json->key(out, BP_LIT("updated_at"));
  json->put_raw(out, kit_text_str(&scan->agents.updated_at));
  json->key(out, BP_LIT("agents"));
  put_agents(scan, root, out);
  json->object_end(out);
  scan->agents.answer = kit_text_of_writer(json, out);
}

void scan_agents(struct scan *scan) {
  struct stat info;
  bp_json root = 0;
  int fd = monitor_open_plain(scan->root, AGENTS_FILE);
  bool exists = fd >= 0 && fstat(fd, &info) == 0;
  struct file_mark mark = {0};
  if (exists)
    mark = mark_of(&info);
  scan->agents_exist = exists;
  if (exists && is_same(&mark, &scan->agents_mark)) {
    close(fd);
    return;
  }
  scan->has_agents = true;
  scan->agents.exists = exists;
  scan->agents_mark = mark;
  if (exists && !is_settled(&mark))
    scan->agents_mark.changed_ns = 0; /* look again the next time */
  struct kit_text text = exists && mark.bytes <= AGENTS_BYTES ? read_all(fd, (size_t)mark.bytes) : (struct kit_text){NULL, 0};
  if (text.ptr && scan->json->parse(scan->self, kit_text_str(&text), &root, NULL) != BP_OK)
    root = 0;
  see(scan, root && scan->json->type(root) == BP_JSON_OBJECT ? root : 0);
  if (root)
    scan->json->release(scan->self, root);
  kit_text_free(&text);
  if (fd >= 0)
    close(fd);
}
