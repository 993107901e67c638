/* Judging names before any file system sees them: bytes of a path, what is ".git" to some file system, globs. */
#ifndef HOST_FS_NAMES_H
#define HOST_FS_NAMES_H

#include <backplane/base.h>
#include <stdbool.h>

/* Well-formed UTF-8 without control bytes, shorter than PATH_MAX, relative. */
bool names_is_path(bp_str path);
/* The same for one entry of a folder: others could not be named, so they are not listed. */
bool names_is_entry(bp_str name);
/* ".git" to some file system: any case, "git~1", with trailing dots or spaces, with an NTFS stream, with code points that
 * HFS+ ignores, or behind a backslash. */
bool names_is_git(bp_str component);
/* Matches a whole name: '*', '?', and sets "[a-z]", "[!a-z]". Takes at most pattern times name steps. */
bool names_match(bp_str pattern, bp_str name);

#endif
