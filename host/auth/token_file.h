/* The two files of the token table: STATE/admin.token and STATE/tokens.json. Both 0600, replaced atomically. */
#ifndef HOST_AUTH_TOKEN_FILE_H
#define HOST_AUTH_TOKEN_FILE_H

#include <backplane/base.h>

#define TOKEN_HEX_BYTES 64
#define TOKEN_FILE_BYTES_MAX (1024u * 1024u)

/* Reads a private file whole: NUL-terminated, for free(). BP_E_NOT_FOUND; BP_E_DENIED if it is a link, another user's, or open to others. Blocks. */
bp_status token_file_read(const char *path, char **ret_text, size_t *ret_len, bp_error *err);
/* Writes beside it, fsyncs, renames over it, fsyncs the folder. Blocks; any thread, one at a time. */
bp_status token_file_write(const char *path, bp_str text, bp_error *err);

#endif
