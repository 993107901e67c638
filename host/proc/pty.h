/* Pseudo-terminals: the pair a child is started on, and its size. */
#ifndef HOST_PROC_PTY_H
#define HOST_PROC_PTY_H

#include <stdbool.h>
#include <stdint.h>

/* Opens a pair: our side (close-on-exec, non-blocking) and the child's. False with errno. */
bool pty_open(uint32_t rows, uint32_t columns, int *ret_ours, int *ret_childs);
/* The child's foreground group gets SIGWINCH. False with errno. */
bool pty_resize(int ours, uint32_t rows, uint32_t columns);

#endif
