/* Paths as the commands need them. The state folder is found in state_dir.h, the configuration in config/config.h. */
#ifndef HOST_CLI_PATHS_H
#define HOST_CLI_PATHS_H

/* An absolute path, for free(): `path` itself, or under the current folder. NULL (said on stderr) on failure. */
char *path_absolute(const char *path);
/* FOLDER/NAME, for free(). */
char *path_join(const char *folder, const char *name);

#endif
