/* Finding tools by words: full-text search of the store, offered to clients as a tool of its own where there are many. */
#include "builtin.h"
#include "statements.h"

#include <stdlib.h>
#include <string.h>

#define FOUND_MOST 20u
#define ROWS_MOST 200u /* looked at: some belong to servers that this client does not see */

bool search_is_offered(struct session *session) {
  int64_t from = session->m->search_from;
  return from > 0 && (from == 1 || aggregate_count(session, LIST_TOOLS) >= (unsigned)from);
}

void search_put_tool(const struct mcp *m, bp_json_writer out) {
  m->json->put_raw(
      out,
      BP_LIT("{\"name\":\"search_tools\",\"title\":\"Search tools\",\"description\":\"Finds tools of all servers by words of their names and "
             "descriptions; answers with their definitions, best first. A word may end in * to match its beginning.\","
             "\"inputSchema\":{\"type\":\"object\",\"properties\":{\"query\":{\"type\":\"string\",\"description\":\"words to look for\"},"
             "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":20}},\"required\":[\"query\"]},\"annotations\":{\"readOnlyHint\":true}}"));
}

struct search {
  struct mcp *m;
  bp_request request;
  char session[SESSION_ID_BYTES];
  char *principal, *id, *query;
  char *indexing; /* tools of the built-in server, on their way into the index */
  uint32_t limit;
};

static void search_free(struct search *s) {
  free(s->principal);
  free(s->id);
  free(s->query);
  free(s->indexing);
  free(s);
}

static bp_json find_tool(struct session *session, const struct server *server, bp_str name) {
  const struct mcp *m = session->m;
  bp_json list = manifest_for(server, session)->lists[LIST_TOOLS], item = 0;
  for (uint32_t i = 0; list && m->json->at(list, i, &item) == BP_OK; i++)
    if (str_equal(kit_member_text(m->json, item, "name"), name))
      return item;
  return 0;
}

static const struct server *server_of_row(const struct mcp *m, bp_str id) {
  return str_equal(id, BP_LIT(MCP_BUILTIN)) ? builtin_server(m) : server_find(m, id);
}

/* One found tool under the name this client knows it by, if it does. Asking for the name reads the built-in server's list anew, so it
 * comes before the definition. */
static bool put_found(struct session *session, const struct server *server, bp_str name, bp_json_writer out) {
  const struct mcp *m = session->m;
  char *shown = server && scope_has(m, &session->scope, server) ? aggregate_shown(session, server, name) : NULL;
  bp_json item = shown ? find_tool(session, server, name) : 0;
  if (item) {
    m->json->object_begin(out);
    json_text_member(m->json, out, BP_LIT("name"), str_z(shown));
    json_put_members(m, out, item, "name", NULL);
    m->json->object_end(out);
  }
  free(shown);
  return item != 0;
}

static struct text definitions(struct session *session, const bp_db_outcome *outcome, uint32_t limit) {
  const struct mcp *m = session->m;
  struct text text = {0};
  bp_json_writer out = 0;
  bp_str written;
  if (m->json->writer_new(m->self, &out) != BP_OK)
    return text;
  m->json->array_begin(out);
  for (uint32_t row = 0, count = 0; count < limit && row < m->db->rows(outcome->result, 0); row++)
    count += put_found(session, server_of_row(m, db_column(m->db, outcome, 0, row, 0)), db_column(m->db, outcome, 0, row, 1), out);
  m->json->array_end(out);
  if (m->json->writer_text(out, &written, NULL) == BP_OK)
    text_add(&text, written);
  m->json->writer_free(out);
  return text;
}

static void answer(struct search *s, bp_str content, bool is_error) {
  const struct mcp *m = s->m;
  const struct session *session = session_find(m, str_z(s->session), str_z(s->principal));
  bp_json_writer out = rpc_begin(m);
  if (out) {
    m->json->key(out, BP_LIT("id"));
    m->json->put_raw(out, str_z(s->id));
    m->json->key(out, BP_LIT("result"));
    rpc_put_text_result(m, out, content, is_error);
  }
  struct text text = rpc_end(m, out);
  reply_rpc(m, s->request, session, 200, &text);
  search_free(s);
}

static void on_tools(void *ctx, const bp_db_outcome *outcome) {
  struct search *s = ctx;
  struct session *session = session_find(s->m, str_z(s->session), str_z(s->principal));
  if (outcome->status != BP_OK || !session) {
    answer(s, session ? str_z(outcome->error->message) : BP_LIT("the session has ended"), true);
    return;
  }
  struct text found = definitions(session, outcome, s->limit);
  answer(s, text_str(&found), false);
  text_release(&found);
}

static void on_rows(void *ctx, const bp_db_outcome *outcome) {
  struct search *s = ctx;
  struct mcp *m = s->m;
  bp_json_writer out = 0;
  bp_str ids = BP_LIT("[]");
  if (outcome->status != BP_OK || m->json->writer_new(m->self, &out) != BP_OK) {
    answer(s, outcome->status != BP_OK ? str_z(outcome->error->message) : BP_LIT("out of memory"), true);
    return;
  }
  m->json->array_begin(out);
  for (uint32_t row = 0; row < m->db->rows(outcome->result, 0); row++) {
    bp_db_value value = {.size = sizeof(value)};
    if (m->db->value(outcome->result, 0, row, 0, &value) == BP_OK)
      m->json->put_integer(out, value.integer);
  }
  m->json->array_end(out);
  m->json->writer_text(out, &ids, NULL);
  const bp_db_value values[] = {db_text(ids)};
  const bp_db_query query = {.size = sizeof(query), .statement = TOOL_BY_ROW, .params = BP_ARRAY(values)};
  const bp_array all = {&query, 1, (uint32_t)sizeof(query)};
  if (m->db->read(m->self, all, 0, on_tools, s) != BP_OK)
    answer(s, BP_LIT("the store is busy; try again"), true);
  m->json->writer_free(out);
}

static void find(struct search *s) {
  struct mcp *m = s->m;
  bp_status status = m->db->search(m->self, BP_LIT("tools"), str_z(s->query), ROWS_MOST, 0, on_rows, s);
  if (status != BP_OK)
    answer(s, BP_LIT("the words cannot be searched for; use plain words"), true);
}

/* Without it the search finds what the index had before. */
static void on_indexed(void *ctx, const bp_db_outcome *outcome) {
  struct search *s = ctx;
  if (outcome->status == BP_OK) {
    builtin_indexed(s->m, s->indexing);
    s->indexing = NULL;
  }
  find(s);
}

void search_call(const struct incoming *in) {
  struct mcp *m = in->m;
  bp_json arguments = json_member(m, in->params, "arguments");
  bp_str query = kit_member_text(m->json, arguments, "query");
  int64_t limit = FOUND_MOST;
  bp_json wanted = json_member(m, arguments, "limit");
  if (wanted)
    m->json->integer(wanted, &limit);
  struct search *s = query.len ? calloc(1, sizeof(*s)) : NULL;
  if (!s) {
    reply_error(in, RPC_PARAMS, "arguments.query must be words to look for");
    return;
  }
  *s = (struct search){.m = m, .request = in->request, .principal = str_copy(str_z(in->session->principal)), .id = str_copy(in->id)};
  s->query = str_copy(query);
  s->limit = limit < 1 || limit > FOUND_MOST ? FOUND_MOST : (uint32_t)limit;
  memcpy(s->session, in->session->id, SESSION_ID_BYTES);
  m->http->defer(in->request, NULL, NULL);
  if (!builtin_index(m, &s->indexing, on_indexed, s))
    find(s);
}
