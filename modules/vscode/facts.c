/* What a policy decides on when an editor is to be started or stopped, or the registry cleaned up. The arguments of code-server are
 * decided on apart, when the repository is known (prepare.c). */
#include "vscode.h"

bp_status facts_action(void *state, bp_request request, bp_json_writer facts) {
  const struct vscode *v = state;
  bp_json body = 0, id = 0;
  bp_str path = v->http->path(request);
  size_t from = path.len;
  while (from > 0 && path.ptr[from - 1] != '/')
    from--;
  v->json->object_begin(facts);
  put_text(v->json, facts, "module", "vscode");
  json_text_member(v->json, facts, BP_LIT("action"), bp_str_make(path.ptr + from, path.len - from));
  if (v->http->body(request, &body) == BP_OK && v->json->get(body, BP_LIT("repoId"), &id) == BP_OK) {
    v->json->key(facts, BP_LIT("repoId"));
    v->json->put_value(facts, id);
  }
  v->json->object_end(facts);
  return BP_OK;
}
