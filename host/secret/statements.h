/* The declared tables and statements of the secrets. */
#ifndef HOST_SECRET_STATEMENTS_H
#define HOST_SECRET_STATEMENTS_H

#include "store/part.h"

extern const struct store_part_plan secret_plan;

#endif
