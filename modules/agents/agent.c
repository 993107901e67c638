/* One agent: its four files, read and shown as one object. On a worker. */
#include "agents.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bp_json member(const struct agents *a, bp_json object, const char *name) {
  bp_json value = 0;
  return object && a->json->get(object, str_z(name), &value) == BP_OK ? value : 0;
}

/* ---- Reading ---- */

static void hash(uint64_t *sum, bp_str text) {
  uint64_t len = text.len;
  for (size_t i = 0; i < sizeof(len); i++)
    *sum = (*sum ^ ((len >> (8 * i)) & 0xFF)) * 0x100000001b3u;
  for (size_t i = 0; i < text.len; i++)
    *sum = (*sum ^ (unsigned char)text.ptr[i]) * 0x100000001b3u;
}

static void make_etag(struct agent *agent) {
  const struct bytes *parts[] = {&agent->json, &agent->prompt, &agent->mcp, &agent->status};
  uint64_t sum = 0xcbf29ce484222325u + agent->is_disabled;
  for (unsigned i = 0; i < 4; i++)
    hash(&sum, bytes_str(parts[i]));
  snprintf(agent->etag, sizeof(agent->etag), "%016" PRIx64, sum);
}

static int64_t time_ns(const struct timespec *time) {
  return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

/* A file that may be missing; a broken one counts as an agent that is none. */
static bp_status read_optional(int dir, const char *name, struct bytes *ret, int64_t *updated_ns) {
  struct stat info;
  bp_status status = folder_read(dir, name, ret, &info);
  if (status == BP_OK && time_ns(&info.st_mtim) > *updated_ns)
    *updated_ns = time_ns(&info.st_mtim);
  return status == BP_E_NOT_FOUND ? BP_OK : status;
}

static bp_status read_files(int dir, struct agent *ret) {
  struct stat info, flag;
  bp_status status = folder_read(dir, "agent.json", &ret->json, &info);
  if (status != BP_OK)
    return status == BP_E_NOT_FOUND ? BP_E_PARSE : status;
  ret->created_ns = time_ns(&info.st_ctim);
  ret->updated_ns = time_ns(&info.st_mtim);
  status = read_optional(dir, "agent.system-prompt.md", &ret->prompt, &ret->updated_ns);
  if (status == BP_OK)
    status = read_optional(dir, "agent.mcp.json", &ret->mcp, &ret->updated_ns);
  if (status == BP_OK)
    status = read_optional(dir, "agent.status.json", &ret->status, &ret->updated_ns);
  ret->is_disabled = fstatat(dir, ".disabled", &flag, AT_SYMLINK_NOFOLLOW) == 0;
  return status;
}

static bool parse(const struct agents *a, const struct bytes *text, bp_json *ret) {
  if (!text->ptr)
    return true;
  bool is_parsed = a->json->parse(a->self, bytes_str(text), ret, NULL) == BP_OK;
  return is_parsed && a->json->type(*ret) == BP_JSON_OBJECT;
}

/* "2026-11-21T08:17:00.123Z" as nanoseconds; 0 for anything else. */
static int64_t parse_time(bp_str text) {
  struct tm utc = {0};
  unsigned millis = 0;
  char copy[KIT_TIME_BYTES];
  int used = 0;
  if (text.len < 20 || text.len >= sizeof(copy))
    return 0;
  memcpy(copy, text.ptr, text.len);
  copy[text.len] = '\0';
  if (sscanf(copy, "%4d-%2d-%2dT%2d:%2d:%2d%n", &utc.tm_year, &utc.tm_mon, &utc.tm_mday, &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &used) != 6)
    return 0;
  sscanf(copy + used, ".%3u", &millis);
  utc.tm_year -= 1900;
  utc.tm_mon -= 1;
  return (int64_t)timegm(&utc) * 1000000000 + (int64_t)millis * 1000000;
}

/* What the loader of the tools asks of an agent: agent.json names the folder it is in. */
static bool understand(const struct agents *a, const char *name, struct agent *agent) {
  if (!parse(a, &agent->json, &agent->json_root) || !parse(a, &agent->mcp, &agent->mcp_root) || !parse(a, &agent->status, &agent->status_root))
    return false;
  int64_t created_ns = parse_time(kit_member_text(a->json, agent->status_root, "created_at"));
  if (created_ns > 0)
    agent->created_ns = created_ns;
  make_etag(agent);
  return kit_same(kit_member_text(a->json, agent->json_root, "name"), name);
}

bp_status agent_read(const struct agents *a, int folder, const char *name, struct agent *ret) {
  *ret = (struct agent){.created_ns = 0};
  int dir = folder_open_agent(folder, name);
  if (dir < 0)
    return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENAMETOOLONG ? BP_E_NOT_FOUND : BP_E_IO;
  bp_status status = read_files(dir, ret);
  close(dir);
  if (status == BP_E_DENIED || status == BP_E_LIMIT)
    status = BP_E_PARSE; /* a link, a device, far too much: such an agent is none */
  if (status == BP_OK && !understand(a, name, ret))
    status = BP_E_PARSE;
  if (status != BP_OK)
    agent_release(a, ret);
  return status;
}

void agent_release(const struct agents *a, struct agent *agent) {
  bp_json *roots[] = {&agent->json_root, &agent->mcp_root, &agent->status_root};
  struct bytes *texts[] = {&agent->json, &agent->prompt, &agent->mcp, &agent->status};
  for (unsigned i = 0; i < 3; i++)
    if (*roots[i]) {
      a->json->release(a->self, *roots[i]);
      *roots[i] = 0;
    }
  for (unsigned i = 0; i < 4; i++)
    bytes_free(texts[i]);
}

/* ---- Showing ---- */

bool agent_is_active(const struct agents *a, const struct agent *agent) {
  return !agent->is_disabled && !kit_same(kit_member_text(a->json, agent->status_root, "status"), "inactive");
}

static void put_skills(const struct agents *a, bp_json_writer out, bp_json skills) {
  bp_json item = 0;
  bp_str text;
  a->json->key(out, BP_LIT("skills"));
  a->json->array_begin(out);
  for (uint32_t i = 0; skills && a->json->at(skills, i, &item) == BP_OK; i++)
    if (a->json->string(item, &text) == BP_OK)
      a->json->put_string(out, text);
  a->json->array_end(out);
}

static void put_times(const struct agents *a, bp_json_writer out, const struct agent *agent) {
  char created[KIT_TIME_BYTES], updated[KIT_TIME_BYTES];
  int64_t updated_ns = agent->updated_ns > agent->created_ns ? agent->updated_ns : agent->created_ns;
  json_text_member(a->json, out, BP_LIT("created_at"), kit_time_text(agent->created_ns, created));
  json_text_member(a->json, out, BP_LIT("updated_at"), kit_time_text(updated_ns, updated));
  json_text_member(a->json, out, BP_LIT("modified_at"), kit_time_text(updated_ns, updated));
}

bool agent_render(const struct agents *a, const struct agent *agent, const char *name, bool with_prompt, struct bytes *ret) {
  bp_json_writer out = 0;
  bp_str text;
  bp_str description = kit_member_text(a->json, agent->json_root, "description");
  if (a->json->writer_new(a->self, &out) != BP_OK)
    return false;
  a->json->object_begin(out);
  json_text_member(a->json, out, BP_LIT("name"), str_z(name));
  json_text_member(a->json, out, BP_LIT("description"), description.ptr ? description : BP_LIT(""));
  if (with_prompt)
    json_text_member(a->json, out, BP_LIT("system_prompt"), agent->prompt.ptr ? bytes_str(&agent->prompt) : BP_LIT(""));
  a->json->key(out, BP_LIT("mcp_servers"));
  mcp_put_names(a->json, out, agent->mcp_root, member(a, agent->json_root, "mcp_servers"));
  put_skills(a, out, member(a, agent->json_root, "skills"));
  json_text_member(a->json, out, BP_LIT("status"), agent_is_active(a, agent) ? BP_LIT("active") : BP_LIT("inactive"));
  put_times(a, out, agent);
  a->json->object_end(out);
  bool is_done = a->json->writer_text(out, &text, NULL) == BP_OK && bytes_copy(ret, text);
  a->json->writer_free(out);
  return is_done;
}
