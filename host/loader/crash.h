/* The last words of a crashing host: which plugin's callback was running. */
#ifndef HOST_LOADER_CRASH_H
#define HOST_LOADER_CRASH_H

/* Installs handlers for SIGSEGV, SIGBUS, SIGABRT, SIGFPE and SIGILL on a stack of their own (main thread). Each writes one
 * line to stderr and hands the signal on to what was there before, so that core files and sanitizers still see it. */
void crash_install(void);

#endif
