/* The name somebody may have meant, for "did you mean". */
#ifndef HOST_BASE_NEAREST_H
#define HOST_BASE_NEAREST_H

#include <backplane/base.h>
#include <stdbool.h>

/* A search: start zeroed but for `wanted` (and `allowed`), offer every candidate, read `best`. */
struct nearest {
  bp_str wanted;
  bp_str best; /* borrowed from the candidate; empty: none is near */
  unsigned distance;
  unsigned allowed; /* changes of a letter; 0: the more the longer the name is */
};
/* True: it is the best now. Who cannot lend it for longer points `best` to a copy. */
bool nearest_offer(struct nearest *search, bp_str candidate);

#endif
