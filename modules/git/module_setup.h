/* Where things are: roots, the user's home, the private home of what we run. */
#ifndef GIT_MODULE_SETUP_H
#define GIT_MODULE_SETUP_H

#include "git.h"

bp_status setup_places(struct git *git, bp_error *err);
void setup_release(struct git *git);

#endif
