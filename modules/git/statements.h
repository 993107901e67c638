/* The tables and statements of the module, by number. */
#ifndef GIT_STATEMENTS_H
#define GIT_STATEMENTS_H

#include "git.h"

enum { ALL_TRUSTED, TRUST, DISTRUST, STATEMENT_COUNT };

extern const bp_migration git_migrations[1];
extern const bp_statement git_statements[STATEMENT_COUNT];

#endif
