/* What the checks of `backplane doctor` share, and those about the state folder. */
#ifndef HOST_CLI_DOCTOR_STATE_H
#define HOST_CLI_DOCTOR_STATE_H

#include "cli/command.h"
#include <jansson.h>

enum doctor_verdict { DOCTOR_GOOD, DOCTOR_WARN, DOCTOR_BAD };

struct doctor {
  const struct cli_call *call;
  json_t *results;
  bool is_fit;
};

/* Records one result. `hint` may be NULL. */
void doctor_say(struct doctor *doctor, enum doctor_verdict verdict, const char *subject, const char *hint, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Owner and modes, what a killed host left, the store's file, disk space. */
void doctor_check_state(struct doctor *doctor);

#endif
