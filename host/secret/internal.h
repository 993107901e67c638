/* What the files of this folder share: the tables, and the gate between operations and a change of keys. */
#ifndef HOST_SECRET_INTERNAL_H
#define HOST_SECRET_INTERNAL_H

#include "secret/keyring.h"
#include "secret/secret.h"
#include "store/part.h"

enum secret_statement { SECRET_UPSERT = KEYRING_STATEMENTS, SECRET_SELECT, SECRET_DELETE, SECRET_FORGET_EXPIRED, SECRET_PAGE, SECRET_RESEAL };

/* secret.c */
struct store_part *secrets_part(void);
/* Operations have ended, or the rotation has: what may run, runs. */
void secrets_pump(void);
/* rotate.c: called with the keys loaded and no operation running. */
void rotate_start(secret_rotated_fn done, void *arg);

#endif
