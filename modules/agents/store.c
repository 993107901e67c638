/* Making, changing and deleting agents under the folder's lock. On a worker.
 *
 * A new agent is made beside the others and renamed, so it is there as a whole or not at all; each file of a change replaces the old
 * one at once. What other tools have put into these files stays. */
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

static bp_status status_of_errno(void) {
  switch (errno) {
  case EWOULDBLOCK:
    return BP_E_BUSY;
  case ENOSPC:
  case EDQUOT:
    return BP_E_FULL;
  case EACCES:
  case EPERM:
  case EROFS:
    return BP_E_DENIED;
  case EEXIST:
    return BP_E_EXISTS;
  default:
    return BP_E_IO;
  }
}

/* ---- Texts of the files ---- */

struct texts {
  struct mcp_output mcp; /* empty where servers are not changed */
  bool has_mcp;
};

/* A member that is changed takes its old place; *done remembers that it was there. */
static void put_changed(const struct agents *a, bp_json_writer out, const char *name, const struct bytes *json_text, bool *done) {
  *done = true;
  if (!json_text->ptr || kit_same(bytes_str(json_text), "[]"))
    return;
  a->json->key(out, str_z(name));
  a->json->put_raw(out, bytes_str(json_text));
}

struct agent_members {
  bool description, skills, servers;
};

static void put_member(const struct job *job, const struct texts *texts, bp_json_writer out, bp_str key, bp_json value, struct agent_members *done) {
  const struct agents *a = job->module;
  if (kit_same(key, "name"))
    return;
  if (kit_same(key, "description") && job->description.ptr) {
    done->description = true;
    json_text_member(a->json, out, key, bytes_str(&job->description));
  } else if (kit_same(key, "skills") && job->skills.ptr) {
    put_changed(a, out, "skills", &job->skills, &done->skills);
  } else if (kit_same(key, "mcp_servers") && texts->has_mcp) {
    put_changed(a, out, "mcp_servers", &texts->mcp.names, &done->servers);
  } else {
    a->json->key(out, key);
    a->json->put_value(out, value);
  }
}

static bp_json_writer write_agent_json(const struct job *job, const struct texts *texts, bp_json before) {
  const struct agents *a = job->module;
  struct agent_members done = {false, false, false};
  bp_json_writer out = 0;
  bp_json value = 0;
  bp_str key;
  uint64_t cursor = 0;
  if (a->json->writer_new(a->self, &out) != BP_OK)
    return 0;
  a->json->object_begin(out);
  json_text_member(a->json, out, BP_LIT("name"), str_z(job->name));
  while (before && a->json->next(before, &cursor, &key, &value) == BP_OK)
    put_member(job, texts, out, key, value, &done);
  if (job->description.ptr && !done.description)
    json_text_member(a->json, out, BP_LIT("description"), bytes_str(&job->description));
  if (job->skills.ptr && !done.skills)
    put_changed(a, out, "skills", &job->skills, &done.skills);
  if (texts->has_mcp && !done.servers)
    put_changed(a, out, "mcp_servers", &texts->mcp.names, &done.servers);
  a->json->object_end(out);
  return out;
}

static bp_json_writer write_status_json(const struct job *job, const struct texts *texts, const struct agent *before) {
  const struct agents *a = job->module;
  char created[KIT_TIME_BYTES], updated[KIT_TIME_BYTES];
  int64_t now_ns = job->now_ns;
  bp_json_writer out = 0;
  bp_json parked = before ? member(a, before->status_root, "parked_mcp_servers") : 0;
  if (a->json->writer_new(a->self, &out) != BP_OK)
    return 0;
  a->json->object_begin(out);
  a->json->key(out, BP_LIT("status"));
  if (job->new_status.ptr)
    a->json->put_string(out, bytes_str(&job->new_status));
  else
    a->json->put_string(out, !before || agent_is_active(a, before) ? BP_LIT("active") : BP_LIT("inactive"));
  json_text_member(a->json, out, BP_LIT("created_at"), kit_time_text(before ? before->created_ns : now_ns, created));
  json_text_member(a->json, out, BP_LIT("updated_at"), kit_time_text(now_ns, updated));
  if (texts->has_mcp && !kit_same(bytes_str(&texts->mcp.parked), "{}")) {
    a->json->key(out, BP_LIT("parked_mcp_servers"));
    a->json->put_raw(out, bytes_str(&texts->mcp.parked));
  } else if (!texts->has_mcp && parked) {
    a->json->key(out, BP_LIT("parked_mcp_servers"));
    a->json->put_value(out, parked);
  }
  a->json->object_end(out);
  return out;
}

/* ---- Writing them ---- */

static bool write_pretty(const struct job *job, int dir, const char *file, bp_str compact) {
  size_t len = 0;
  char *text = pretty_json(compact, &len);
  bool is_written = text && folder_write(dir, file, bp_str_make(text, len), job->now_ns);
  int error = text ? errno : ENOMEM;
  free(text);
  errno = error;
  return is_written;
}

static bool write_writer(const struct job *job, int dir, const char *file, bp_json_writer out) {
  const struct agents *a = job->module;
  bp_str text;
  errno = ENOMEM;
  bool is_written = out && a->json->writer_text(out, &text, NULL) == BP_OK && write_pretty(job, dir, file, text);
  int error = errno;
  a->json->writer_free(out);
  errno = error;
  return is_written;
}

static bool write_mcp(const struct job *job, int dir, const struct texts *texts) {
  if (texts->mcp.file.ptr)
    return write_pretty(job, dir, "agent.mcp.json", bytes_str(&texts->mcp.file));
  return unlinkat(dir, "agent.mcp.json", 0) == 0 || errno == ENOENT;
}

/* The status first: it holds what is taken out of agent.mcp.json. */
static bool write_files(const struct job *job, int dir, const struct texts *texts, const struct agent *before) {
  if (!write_writer(job, dir, "agent.status.json", write_status_json(job, texts, before)))
    return false;
  if (before && before->is_disabled && job->new_status.ptr && kit_same(bytes_str(&job->new_status), "active"))
    unlinkat(dir, ".disabled", 0);
  if (job->prompt.ptr && !folder_write(dir, "agent.system-prompt.md", bytes_str(&job->prompt), job->now_ns))
    return false;
  if (texts->has_mcp && (before || texts->mcp.file.ptr) && !write_mcp(job, dir, texts))
    return false;
  if (!before || job->description.ptr || job->skills.ptr || texts->has_mcp)
    return write_writer(job, dir, "agent.json", write_agent_json(job, texts, before ? before->json_root : 0));
  return true;
}

static bool merge_servers(const struct job *job, const struct agent *before, struct texts *ret) {
  const struct agents *a = job->module;
  struct mcp_input input = {0};
  *ret = (struct texts){.has_mcp = job->mcp.ptr != NULL};
  if (!job->mcp.ptr)
    return true;
  if (a->json->parse(a->self, bytes_str(&job->mcp), &input.wanted, NULL) != BP_OK)
    return false;
  a->json->parse(a->self, str_z(a->known_servers), &input.known, NULL);
  if (before) {
    input.file = before->mcp_root;
    input.parked = member(a, before->status_root, "parked_mcp_servers");
  }
  bool is_merged = mcp_merge(a->json, a->self, &input, &ret->mcp);
  a->json->release(a->self, input.wanted);
  if (input.known)
    a->json->release(a->self, input.known);
  return is_merged;
}

/* ---- The operations ---- */

/* What is there now is the answer. */
static void answer_now(struct job *job, int folder) {
  const struct agents *a = job->module;
  struct agent agent;
  job->status = agent_read(a, folder, job->name, &agent);
  if (job->status != BP_OK)
    return;
  memcpy(job->etag, agent.etag, sizeof(job->etag));
  if (!agent_render(a, &agent, job->name, true, &job->answer) || !agent_render(a, &agent, job->name, false, &job->notice))
    job->status = BP_E_NO_MEMORY;
  agent_release(a, &agent);
}

static int open_alone(struct job *job, bool makes) {
  job->now_ns = job->module->core->now_wall_ns();
  int folder = folder_open(job->module->folder, LOCK_ALONE, makes);
  if (folder < 0) {
    job->status = errno == ENOENT ? BP_E_NOT_FOUND : status_of_errno();
    job->why = job->status == BP_E_BUSY ? "another program holds the lock of the agents' folder" : "the agents' folder cannot be opened";
  }
  return folder;
}

static void temp_name(const struct agents *a, const char *kind, char ret[64]) {
  uint64_t number = 0;
  a->core->random_bytes(&number, sizeof(number));
  snprintf(ret, 64, ".backplane-%s-%016" PRIx64, kind, number);
}

static bool make_agent(struct job *job, int folder, const char *temp, const struct texts *texts) {
  int dir = mkdirat(folder, temp, 0755) == 0 ? folder_open_agent(folder, temp) : -1;
  bool is_made = dir >= 0 && write_files(job, dir, texts, NULL);
  int error = errno;
  if (dir >= 0)
    close(dir);
  errno = error;
  if (is_made && renameat2(folder, temp, folder, job->name, RENAME_NOREPLACE) == 0)
    return fsync(folder) == 0;
  error = errno;
  folder_remove_all(folder, temp);
  errno = error;
  return false;
}

void op_create(struct job *job) {
  char temp[64];
  struct texts texts;
  int folder = open_alone(job, true);
  if (folder < 0)
    return;
  folder_sweep(folder);
  temp_name(job->module, "new", temp);
  if (!merge_servers(job, NULL, &texts))
    job->status = BP_E_NO_MEMORY;
  else if (make_agent(job, folder, temp, &texts))
    answer_now(job, folder);
  else
    job->status = status_of_errno();
  mcp_release(&texts.mcp);
  close(folder);
}

/* RFC 9110 section 13.1.1: any of the tags, or "*". */
static bool is_match(const char *if_match, const char *etag) {
  char quoted[ETAG_BYTES + 2];
  if (if_match[0] == '\0' || strcmp(if_match, "*") == 0)
    return true;
  snprintf(quoted, sizeof(quoted), "\"%s\"", etag);
  const char *at = strstr(if_match, quoted);
  return at && !(at >= if_match + 2 && at[-1] == '/' && at[-2] == 'W');
}

/* The agent as it is, if the request is about this state of it. */
static bool read_before(struct job *job, int folder, struct agent *ret) {
  job->status = agent_read(job->module, folder, job->name, ret);
  if (job->status != BP_OK)
    return false;
  if (is_match(job->if_match, ret->etag))
    return true;
  agent_release(job->module, ret);
  job->status = BP_E_CONFLICT;
  return false;
}

static void change_agent(struct job *job, int folder, const struct agent *before) {
  struct texts texts;
  int dir = folder_open_agent(folder, job->name);
  if (!merge_servers(job, before, &texts))
    job->status = BP_E_NO_MEMORY;
  else if (dir < 0 || !write_files(job, dir, &texts, before))
    job->status = status_of_errno();
  else
    answer_now(job, folder);
  if (dir >= 0)
    close(dir);
  mcp_release(&texts.mcp);
}

void op_patch(struct job *job) {
  struct agent before;
  int folder = open_alone(job, false);
  if (folder < 0)
    return;
  if (read_before(job, folder, &before)) {
    if (job->description.ptr || job->prompt.ptr || job->skills.ptr || job->mcp.ptr || job->new_status.ptr)
      change_agent(job, folder, &before);
    else
      answer_now(job, folder);
    agent_release(job->module, &before);
  }
  close(folder);
}

void op_delete(struct job *job) {
  char temp[64];
  struct agent before;
  int folder = open_alone(job, false);
  if (folder < 0)
    return;
  if (read_before(job, folder, &before)) {
    agent_release(job->module, &before);
    temp_name(job->module, "old", temp);
    if (renameat(folder, job->name, folder, temp) == 0 && fsync(folder) == 0)
      folder_remove_all(folder, temp); /* what stays is swept later */
    else
      job->status = status_of_errno();
  }
  close(folder);
}
