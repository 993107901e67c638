/* The one event loop: the main thread's libevent base, work posted to it, ends of ticks, and coarse time.
 *
 * Does not live here: bp.loop/1 (loop_table.c) and the worker pool (workers.h). */
#ifndef HOST_LOOP_LOOP_H
#define HOST_LOOP_LOOP_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

typedef void (*loop_fn)(void *arg);

bool loop_init(void); /* on the main thread, before any thread is started */
void loop_release(void);
struct event_base *loop_base(void);
/* Runs until loop_stop. */
void loop_run(void);
void loop_stop(void); /* [any] */

/* Runs `fn` on main in a later tick, in order. Never fails for lack of room; callers bound what they post. [any] */
void loop_post(loop_fn fn, void *arg);

/* Work that is done once at the end of the current tick, however often it was asked for. The hook lives in its owner. */
struct loop_hook {
  loop_fn fn;
  void *arg;
  struct loop_hook *next;
  bool is_queued;
};
void loop_tick_end(struct loop_hook *hook);
/* The same at the end of the next tick, which takes what is ready and waits for nothing. */
void loop_next_tick_end(struct loop_hook *hook);
void loop_tick_forget(struct loop_hook *hook);

/* Monotonic milliseconds, read once a tick. */
int64_t loop_now_ms(void);
/* Monotonic nanoseconds, read now. [any] */
int64_t loop_clock_ns(void);
/* The latest reading that main has taken in this tick: no older than the last call into a plugin. What is timed for counters
 * need not read the clock for itself. */
int64_t loop_recent_ns(void);

/* True on the main thread. LOOP_MAIN() aborts debug builds elsewhere, naming the function. */
bool loop_is_main(void);
void loop_assert_main(const char *function);
#ifdef NDEBUG
#define LOOP_MAIN() ((void)0)
#else
#define LOOP_MAIN() loop_assert_main(__func__)
#endif

#endif
