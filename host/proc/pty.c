/* Opening and sizing pseudo-terminals; see pty.h. */
#include "proc/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ROWS 24
#define COLUMNS 80
#define SIDE_MAX 4096u

bool pty_resize(int ours, uint32_t rows, uint32_t columns) {
  const struct winsize size = {
      .ws_row = (unsigned short)(rows == 0         ? ROWS
                                 : rows > SIDE_MAX ? SIDE_MAX
                                                   : rows),
      .ws_col = (unsigned short)(columns == 0         ? COLUMNS
                                 : columns > SIDE_MAX ? SIDE_MAX
                                                      : columns),
  };
  return ioctl(ours, TIOCSWINSZ, &size) == 0;
}

/* The child's side is asked of the kernel by descriptor: no path of /dev/pts is ever opened by name. */
bool pty_open(uint32_t rows, uint32_t columns, int *ret_ours, int *ret_childs) {
  int ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (ours < 0)
    return false;
  int childs = -1;
  if (grantpt(ours) == 0 && unlockpt(ours) == 0 && pty_resize(ours, rows, columns))
    childs = ioctl(ours, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (childs < 0) {
    int error = errno;
    close(ours);
    errno = error;
    return false;
  }
  *ret_ours = ours;
  *ret_childs = childs;
  return true;
}
