/* MCP servers: clients speak of a list of names (or a map), the tools read agent.mcp.json with a configuration for each.
 *
 * A name keeps the configuration it has; one that is taken out is parked, and comes back with it when it is named again. A name
 * without any is kept in agent.json, because the original loader takes no server without a command. */
#include "agents.h"

#include <stdlib.h>
#include <string.h>

#define SERVERS_MOST 256u
#define SERVER_NAME_BYTES 128

static bp_json member(const bp_json_1 *json, bp_json object, bp_str key) {
  bp_json value = 0;
  return object && json->get(object, key, &value) == BP_OK ? value : 0;
}

static bool is_object(const bp_json_1 *json, bp_json value) {
  return value && json->type(value) == BP_JSON_OBJECT;
}

static bp_json servers_of(const bp_json_1 *json, bp_json file) {
  bp_json servers = member(json, file, BP_LIT("mcpServers"));
  return is_object(json, servers) ? servers : 0;
}

/* ---- The names of a list or a map, in order, each once ---- */

struct names {
  bp_str items[SERVERS_MOST];
  uint32_t count;
};

static void add_name(struct names *names, bp_str name) {
  for (uint32_t i = 0; i < names->count; i++)
    if (names->items[i].len == name.len && memcmp(names->items[i].ptr, name.ptr, name.len) == 0)
      return;
  if (names->count < SERVERS_MOST)
    names->items[names->count++] = name;
}

static void add_names(const bp_json_1 *json, struct names *names, bp_json value) {
  bp_json item = 0;
  bp_str name;
  uint64_t cursor = 0;
  if (!value)
    return;
  if (json->type(value) == BP_JSON_ARRAY)
    for (uint32_t i = 0; json->at(value, i, &item) == BP_OK; i++) {
      if (json->string(item, &name) == BP_OK)
        add_name(names, name);
    }
  else
    while (json->next(value, &cursor, &name, &item) == BP_OK)
      add_name(names, name);
}

static bool has_name(const struct names *names, bp_str name) {
  for (uint32_t i = 0; i < names->count; i++)
    if (names->items[i].len == name.len && memcmp(names->items[i].ptr, name.ptr, name.len) == 0)
      return true;
  return false;
}

/* ---- Checking ---- */

static bool is_good_name(bp_str name) {
  bool is_good = name.len > 0 && name.len <= SERVER_NAME_BYTES;
  for (size_t i = 0; i < name.len; i++)
    is_good &= (unsigned char)name.ptr[i] >= 0x20 && name.ptr[i] != 0x7F;
  return is_good;
}

static bool is_text(const bp_json_1 *json, bp_json value) {
  bp_str text;
  return value && json->string(value, &text) == BP_OK && text.len > 0;
}

/* Absent, or a list of texts: the original loader hands them to the command. */
static bool is_argument_list(const bp_json_1 *json, bp_json args) {
  bp_json item = 0;
  if (args && json->type(args) != BP_JSON_ARRAY)
    return false;
  for (uint32_t i = 0; args && json->at(args, i, &item) == BP_OK; i++)
    if (json->type(item) != BP_JSON_STRING)
      return false;
  return true;
}

/* Absent, or an object of texts. */
static bool is_environment(const bp_json_1 *json, bp_json env) {
  bp_json value = 0;
  bp_str name;
  uint64_t cursor = 0;
  if (env && json->type(env) != BP_JSON_OBJECT)
    return false;
  while (env && json->next(env, &cursor, &name, &value) == BP_OK)
    if (json->type(value) != BP_JSON_STRING)
      return false;
  return true;
}

static const char *config_fault(const bp_json_1 *json, bp_json config) {
  if (json->type(config) == BP_JSON_NULL || (json->type(config) == BP_JSON_OBJECT && json->count(config) == 0))
    return NULL;
  if (!is_text(json, member(json, config, BP_LIT("command"))) && !is_text(json, member(json, config, BP_LIT("url"))))
    return "a server's configuration is an object with a command or a url, or null";
  if (!is_argument_list(json, member(json, config, BP_LIT("args"))))
    return "the args of a server's configuration are a list of texts";
  return is_environment(json, member(json, config, BP_LIT("env"))) ? NULL : "the env of a server's configuration is an object of texts";
}

const char *mcp_check(const bp_json_1 *json, bp_json wanted) {
  bp_json value = 0;
  bp_str name;
  uint64_t cursor = 0;
  if (json->count(wanted) > SERVERS_MOST)
    return "more than 256 servers";
  if (json->type(wanted) == BP_JSON_ARRAY) {
    for (uint32_t i = 0; json->at(wanted, i, &value) == BP_OK; i++)
      if (json->string(value, &name) != BP_OK || !is_good_name(name))
        return "a server's name is a text of 1 to 128 bytes without control characters";
    return NULL;
  }
  while (json->next(wanted, &cursor, &name, &value) == BP_OK) {
    if (!is_good_name(name))
      return "a server's name is a text of 1 to 128 bytes without control characters";
    const char *fault = config_fault(json, value);
    if (fault)
      return fault;
  }
  return NULL;
}

/* ---- Merging ---- */

/* The configuration a server has from now on, or 0. */
static bp_json config_of(const bp_json_1 *json, const struct mcp_input *input, bp_str name) {
  bp_json given = json->type(input->wanted) == BP_JSON_OBJECT ? member(json, input->wanted, name) : 0;
  const bp_json places[] = {given, member(json, servers_of(json, input->file), name), member(json, input->parked, name),
                            member(json, input->known, name)};
  for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++)
    if (is_object(json, places[i]) && json->count(places[i]) > 0)
      return places[i];
  return 0;
}

static bool take_text(const bp_json_1 *json, bp_json_writer out, struct bytes *ret) {
  bp_str text;
  bool is_taken = json->writer_text(out, &text, NULL) == BP_OK && bytes_copy(ret, text);
  json->writer_free(out);
  return is_taken;
}

/* Members of the file that are not the servers stay as they are. */
static uint32_t put_other_members(const bp_json_1 *json, bp_json_writer out, bp_json file) {
  bp_json value = 0;
  bp_str key;
  uint64_t cursor = 0;
  uint32_t count = 0;
  while (file && json->next(file, &cursor, &key, &value) == BP_OK) {
    if (kit_same(key, "mcpServers"))
      continue;
    json->key(out, key);
    json->put_value(out, value);
    count++;
  }
  return count;
}

static bool write_file(const bp_json_1 *json, bp_plugin self, const struct mcp_input *input, const struct names *names, struct bytes *ret) {
  bp_json_writer out = 0;
  uint32_t count = 0;
  if (json->writer_new(self, &out) != BP_OK)
    return false;
  json->object_begin(out);
  json->key(out, BP_LIT("mcpServers"));
  json->object_begin(out);
  for (uint32_t i = 0; i < names->count; i++) {
    bp_json config = config_of(json, input, names->items[i]);
    if (!config)
      continue;
    json->key(out, names->items[i]);
    json->put_value(out, config);
    count++;
  }
  json->object_end(out);
  count += put_other_members(json, out, input->file);
  json->object_end(out);
  if (count > 0)
    return take_text(json, out, ret);
  json->writer_free(out);
  return true;
}

static bool write_names(const bp_json_1 *json, bp_plugin self, const struct mcp_input *input, const struct names *names, struct bytes *ret) {
  bp_json_writer out = 0;
  if (json->writer_new(self, &out) != BP_OK)
    return false;
  json->array_begin(out);
  for (uint32_t i = 0; i < names->count; i++)
    if (!config_of(json, input, names->items[i]))
      json->put_string(out, names->items[i]);
  json->array_end(out);
  return take_text(json, out, ret);
}

/* Those taken out now, then those taken out before that were not put in again. */
static bool write_parked(const bp_json_1 *json, bp_plugin self, const struct mcp_input *input, const struct names *names, struct bytes *ret) {
  const bp_json places[] = {servers_of(json, input->file), input->parked};
  struct names done = {.count = 0};
  bp_json_writer out = 0;
  if (json->writer_new(self, &out) != BP_OK)
    return false;
  json->object_begin(out);
  for (unsigned i = 0; i < 2; i++) {
    bp_json value = 0;
    bp_str key;
    uint64_t cursor = 0;
    while (places[i] && json->next(places[i], &cursor, &key, &value) == BP_OK) {
      if (has_name(names, key) || has_name(&done, key) || !is_object(json, value))
        continue;
      add_name(&done, key);
      json->key(out, key);
      json->put_value(out, value);
    }
  }
  json->object_end(out);
  return take_text(json, out, ret);
}

bool mcp_merge(const bp_json_1 *json, bp_plugin self, const struct mcp_input *input, struct mcp_output *ret) {
  struct names *names = calloc(1, sizeof(*names));
  if (!names)
    return false;
  add_names(json, names, input->wanted);
  bool is_done = write_file(json, self, input, names, &ret->file) && write_names(json, self, input, names, &ret->names) &&
                 write_parked(json, self, input, names, &ret->parked);
  free(names);
  return is_done;
}

void mcp_release(struct mcp_output *output) {
  bytes_free(&output->file);
  bytes_free(&output->names);
  bytes_free(&output->parked);
}

void mcp_put_names(const bp_json_1 *json, bp_json_writer out, bp_json file, bp_json names) {
  struct names *all = calloc(1, sizeof(*all));
  json->array_begin(out);
  if (all) {
    add_names(json, all, servers_of(json, file));
    add_names(json, all, names && json->type(names) == BP_JSON_ARRAY ? names : 0);
  }
  for (uint32_t i = 0; all && i < all->count; i++)
    json->put_string(out, all->items[i]);
  json->array_end(out);
  free(all);
}
