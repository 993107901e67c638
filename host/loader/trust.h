/* Whether a file may be trusted as code: who can change it, checked on the descriptors that were walked. */
#ifndef HOST_LOADER_TRUST_H
#define HOST_LOADER_TRUST_H

#include <backplane/base.h>
#include <sys/stat.h>

/* Opens `path` for reading. The file is regular, no symbolic link, owned by us or root and not writable by group or others;
 * so is every folder above it, where a sticky one (/tmp) is fine because the entry below it is ours or root's. Returns the
 * descriptor (close-on-exec) and fills `st`; -1 and `err`, with the chmod that helps, otherwise. */
int trust_open(const char *path, struct stat *st, bp_error *err);

#endif
