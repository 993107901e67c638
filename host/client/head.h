/* The head of a response, gathered from the lines curl gives. */
#ifndef HOST_CLIENT_HEAD_H
#define HOST_CLIENT_HEAD_H

#include "base/buf.h"
#include <backplane/client.h>
#include <stdbool.h>

struct head {
  struct buf text; /* lines with their ends */
  unsigned count;
  bool is_complete;
  bool has_location;
};

enum head_line { HEAD_GOES_ON, HEAD_IS_COMPLETE, HEAD_IS_TOO_LARGE };

/* Takes one line. A status line begins anew (interim responses come first); lines after the end are trailers, left out. */
enum head_line head_take(struct head *head, bp_str line);
/* The headers as an array from malloc, pointing into `head`; NULL without memory. */
bp_client_header *head_list(const struct head *head, bp_array *ret);
void head_clear(struct head *head);

#endif
