/* Looking at agents: all of them, one, and what has changed since the last look. On a worker. */
#include "agents.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct listing {
  char *names[AGENTS_MOST];
  unsigned count;
};

static int in_order(const void *left, const void *right) {
  return strcmp(*(char *const *)left, *(char *const *)right);
}

static void listing_free(struct listing *listing) {
  for (unsigned i = 0; listing && i < listing->count; i++)
    free(listing->names[i]);
  free(listing);
}

static void read_names(DIR *entries, struct listing *listing) {
  for (const struct dirent *entry; listing->count < AGENTS_MOST && (entry = readdir(entries));) {
    if (!folder_is_agent_name(str_z(entry->d_name)) || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
      continue;
    char *name = strdup(entry->d_name);
    if (name)
      listing->names[listing->count++] = name;
  }
}

/* The names of what may be agents, in order; NULL without memory. */
static struct listing *list_names(int folder) {
  struct listing *listing = calloc(1, sizeof(*listing));
  int fd = listing ? openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  DIR *entries = fd < 0 ? NULL : fdopendir(fd);
  if (!entries) {
    if (fd >= 0)
      close(fd);
    return listing;
  }
  read_names(entries, listing);
  closedir(entries);
  qsort(listing->names, listing->count, sizeof(listing->names[0]), in_order);
  return listing;
}

static bp_status status_of_errno(int error) {
  return error == EWOULDBLOCK ? BP_E_BUSY : error == ENOSPC || error == EDQUOT ? BP_E_FULL : error == EACCES ? BP_E_DENIED : BP_E_IO;
}

/* ---- GET /agents ---- */

/* Those that are none are left out, as the original does. */
static void write_all(struct job *job, int folder, const struct listing *listing, bp_json_writer out) {
  const struct agents *a = job->module;
  size_t bytes = 0;
  for (unsigned i = 0; i < listing->count && bytes < LISTING_BYTES; i++) {
    struct agent agent;
    struct bytes text = {NULL, 0};
    if (agent_read(a, folder, listing->names[i], &agent) != BP_OK)
      continue;
    if (agent_render(a, &agent, listing->names[i], true, &text))
      a->json->put_raw(out, bytes_str(&text));
    bytes += text.len;
    bytes_free(&text);
    agent_release(a, &agent);
  }
}

void op_list(struct job *job) {
  const struct agents *a = job->module;
  bp_json_writer out = 0;
  bp_str text;
  int folder = folder_open(a->folder, LOCK_SHARED, false);
  if (folder < 0 && errno != ENOENT) {
    job->status = status_of_errno(errno);
    job->why = "the agents' folder cannot be read";
    return;
  }
  struct listing *listing = folder < 0 ? NULL : list_names(folder);
  if (a->json->writer_new(a->self, &out) != BP_OK) {
    job->status = BP_E_NO_MEMORY;
  } else {
    a->json->array_begin(out);
    if (listing)
      write_all(job, folder, listing, out);
    a->json->array_end(out);
    if (a->json->writer_text(out, &text, NULL) != BP_OK || !bytes_copy(&job->answer, text))
      job->status = BP_E_NO_MEMORY;
    a->json->writer_free(out);
  }
  listing_free(listing);
  if (folder >= 0)
    close(folder);
}

/* ---- GET /agents/{name} ---- */

void op_get(struct job *job) {
  const struct agents *a = job->module;
  struct agent agent;
  int folder = folder_open(a->folder, LOCK_SHARED, false);
  job->status = folder < 0 ? BP_E_NOT_FOUND : agent_read(a, folder, job->name, &agent);
  if (job->status == BP_OK) {
    memcpy(job->etag, agent.etag, sizeof(job->etag));
    if (!agent_render(a, &agent, job->name, true, &job->answer))
      job->status = BP_E_PARSE;
    agent_release(a, &agent);
  }
  if (folder >= 0)
    close(folder);
}

/* ---- POST /agents/{name}/run ---- */

void op_run(struct job *job) {
  const struct agents *a = job->module;
  struct agent agent;
  int folder = folder_open(a->folder, LOCK_SHARED, false);
  job->status = folder < 0 ? BP_E_NOT_FOUND : agent_read(a, folder, job->name, &agent);
  if (job->status == BP_OK) {
    if (!agent_is_active(a, &agent))
      job->status = BP_E_STATE;
    job->system_prompt = agent.prompt;
    agent.prompt = (struct bytes){NULL, 0};
    agent_release(a, &agent);
  }
  if (folder >= 0)
    close(folder);
}

/* ---- Looking for changes ---- */

/* A folder that is no agent, or not yet, is seen as one without an etag. */
static struct known *look(const struct agents *a, int folder, const char *name) {
  struct agent agent;
  struct known *seen = calloc(1, sizeof(*seen));
  if (!seen)
    return NULL;
  memcpy(seen->name, name, strlen(name) + 1);
  if (agent_read(a, folder, name, &agent) != BP_OK)
    return seen;
  memcpy(seen->etag, agent.etag, sizeof(seen->etag));
  agent_render(a, &agent, name, false, &seen->notice);
  agent_release(a, &agent);
  return seen;
}

void op_scan(struct job *job) {
  const struct agents *a = job->module;
  int folder = folder_open(a->folder, LOCK_ALONE, false);
  if (folder >= 0)
    folder_sweep(folder);
  else if (errno == EWOULDBLOCK)
    folder = folder_open(a->folder, LOCK_SHARED, false);
  struct listing *listing = folder < 0 ? NULL : list_names(folder);
  for (unsigned i = listing ? listing->count : 0; i-- > 0;) {
    struct known *seen = look(a, folder, listing->names[i]);
    if (!seen)
      continue;
    seen->next = job->seen;
    job->seen = seen;
  }
  job->status = folder < 0 ? BP_E_NOT_FOUND : BP_OK;
  listing_free(listing);
  if (folder >= 0)
    close(folder);
}
