/* Searching for a near name; see nearest.h. */
#include "base/nearest.h"
#include "base/str.h"

bool nearest_offer(struct nearest *search, bp_str candidate) {
  unsigned distance = str_distance(search->wanted, candidate);
  unsigned allowed = search->allowed ? search->allowed : 1 + (unsigned)search->wanted.len / 4;
  if (distance > allowed || distance >= candidate.len || (search->best.len && distance >= search->distance))
    return false;
  search->best = candidate;
  search->distance = distance;
  return true;
}
