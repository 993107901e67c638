/* What the files of this module share: its state and its handlers.
 *
 * The root of the desktop family, which other modules join by its name (see README.md). */
#ifndef DESKTOP_H
#define DESKTOP_H

#include "kit.h"

struct desktop {
  bp_plugin self;
  const bp_core_1 *core;
  const bp_config_1 *config;
  const bp_json_1 *json;
  const bp_http_1 *http;
  const bp_service_1 *service;
  int64_t started_ns; /* monotonic */
};

/* answers.c */
void desktop_health(void *state, bp_request request);
void desktop_index(void *state, bp_request request);
void desktop_status(void *state, bp_request request);

#define ROUTE_COUNT 3
extern const bp_route desktop_routes[ROUTE_COUNT];

#endif
