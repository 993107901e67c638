/* A request of the fake host: from the test's words to what a handler is given, and its reply. Private to the fake host. */
#ifndef TESTHOST_FAKE_REQUEST_H
#define TESTHOST_FAKE_REQUEST_H

#include "fake.h"

struct fake_request {
  bp_request handle;
  bp_route route;
  const char *method, *path, *principal;
  bp_str body_text;
  json_t *values;  /* of the declared parameters, as text */
  json_t *headers; /* names in lower case */
  bp_json body, facts;
  bool is_deferred, is_finished;
  bp_cancel_fn on_cancel;
  void *cancel_ctx;
  struct buf added_headers;
  struct bp_testhost_reply reply;
  struct fake_request *next;
};

/* Fills route, values, headers and body from what was asked; false after answering for the plugin. */
bool fake_request_read(struct fake_request *r, const struct bp_testhost_request *asked);
void fake_request_answer(struct fake_request *r, uint32_t status, bp_str content_type, bp_str body);
/* A problem in the fake host's one shape. */
void fake_request_refuse(struct fake_request *r, uint32_t status, bp_str message, bp_str code, bp_str hint);

#endif
