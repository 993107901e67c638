/* GET /api/system-stats/processes: everything the host supervises, each with the processes below it. */
#include "system.h"

#include <stdlib.h>

struct look {
  struct system *system;
  bp_request request;
  struct tree tree;
};

static void run(void *ctx) {
  tree_read(&((struct look *)ctx)->tree);
}

static void answer(const struct look *look) {
  const struct system *s = look->system;
  bp_json_writer out = 0;
  bp_status status = s->json->writer_new(s->self, &out);
  if (status != BP_OK) {
    s->http->reply_failure(look->request, status, NULL);
    return;
  }
  s->json->object_begin(out);
  s->json->key(out, BP_LIT("success"));
  s->json->put_boolean(out, 1);
  tree_write(&look->tree, s->json, out);
  s->json->object_end(out);
  s->http->reply_json(look->request, 200, out);
  s->json->writer_free(out);
}

static void looked(void *ctx, bp_status status) {
  struct look *look = ctx;
  if (status == BP_OK)
    answer(look);
  else
    look->system->http->reply_failure(look->request, status, NULL);
  tree_release(&look->tree);
  free(look);
}

void system_processes(void *state, bp_request request) {
  struct system *s = state;
  struct look *look = calloc(1, sizeof(*look));
  if (!look) {
    s->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return;
  }
  *look = (struct look){.system = s, .request = request};
  s->http->defer(request, NULL, NULL);
  bp_status status = tree_begin(&look->tree, s->proc, s->self) ? s->loop->work(s->self, run, looked, look) : BP_E_NO_MEMORY;
  if (status != BP_OK)
    looked(look, status);
}
