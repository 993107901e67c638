/* Where the installation keeps what a running host needs, found from the executable's own place: an installation may have any
 * prefix, and the build tree works like one. */
#ifndef HOST_PLACES_H
#define HOST_PLACES_H

/* Folders, absolute, for free(); where there is none, the place an installation would have it. */
char *places_modules(void);  /* of the installed modules */
char *places_scripts(void);  /* of the installed rules; none for the build tree */
char *places_template(void); /* what `backplane plugin new` starts from */
/* The configuration file an installation brings, in the same way. */
char *places_config(void);

#endif
