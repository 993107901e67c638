/* The way back to main; see completion.h. */
#include "store/completion.h"
#include "loop/loop.h"

#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct completion *first;
static struct completion **last = &first;

static void deliver_posted(void *arg) {
  (void)arg;
  completions_deliver();
}

void completion_post(struct completion *c) {
  c->next = NULL;
  pthread_mutex_lock(&lock);
  int was_empty = first == NULL;
  *last = c;
  last = &c->next;
  pthread_mutex_unlock(&lock);
  if (was_empty)
    loop_post(deliver_posted, NULL);
}

void completions_deliver(void) {
  pthread_mutex_lock(&lock);
  struct completion *c = first;
  first = NULL;
  last = &first;
  pthread_mutex_unlock(&lock);
  while (c) {
    struct completion *next = c->next;
    c->deliver(c);
    c = next;
  }
}
