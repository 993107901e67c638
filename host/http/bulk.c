/* Sends in bulk; see bulk.h. io_uring by its system calls: one ring, filled and emptied within a call. */
#include "http/bulk.h"

#include "base/log.h"
#include "loop/loop.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FLAGS (MSG_NOSIGNAL | MSG_DONTWAIT)
#define RETRY_MS 10000 /* after a shortage of descriptors or memory */
#define ENTER_TRIES 64

static struct {
  int fd; /* 0: there is no ring */
  void *rings;
  size_t rings_len, sqes_len;
  struct io_uring_sqe *sqes;
  const struct io_uring_cqe *cqes;
  uint32_t *sq_head, *sq_tail, *cq_head, *cq_tail;
  uint32_t sq_mask, cq_mask;
  int64_t used_ms;
  int64_t retry_ms; /* not before; 0: at once */
  int refused;      /* errno; 0: not refused */
  bool is_off;
} bulk;

/* ---- The ring ---- */

static void ring_close(void) {
  if (bulk.sqes)
    munmap(bulk.sqes, bulk.sqes_len);
  if (bulk.rings)
    munmap(bulk.rings, bulk.rings_len);
  if (bulk.fd > 0)
    close(bulk.fd);
  bulk.fd = 0;
  bulk.sqes = NULL;
  bulk.rings = NULL;
}

static void *map(size_t len, off_t offset) {
  void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, bulk.fd, offset);
  return at == MAP_FAILED ? NULL : at;
}

static bool ring_map(const struct io_uring_params *params) {
  size_t sq_len = params->sq_off.array + params->sq_entries * sizeof(uint32_t);
  size_t cq_len = params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe);
  bulk.rings_len = sq_len > cq_len ? sq_len : cq_len;
  bulk.sqes_len = params->sq_entries * sizeof(struct io_uring_sqe);
  bulk.rings = map(bulk.rings_len, IORING_OFF_SQ_RING);
  bulk.sqes = bulk.rings ? map(bulk.sqes_len, IORING_OFF_SQES) : NULL;
  if (!bulk.sqes)
    return false;
  char *rings = bulk.rings;
  bulk.sq_head = (uint32_t *)(void *)(rings + params->sq_off.head);
  bulk.sq_tail = (uint32_t *)(void *)(rings + params->sq_off.tail);
  bulk.cq_head = (uint32_t *)(void *)(rings + params->cq_off.head);
  bulk.cq_tail = (uint32_t *)(void *)(rings + params->cq_off.tail);
  bulk.sq_mask = params->sq_entries - 1;
  bulk.cq_mask = params->cq_entries - 1;
  bulk.cqes = (const struct io_uring_cqe *)(void *)(rings + params->cq_off.cqes);
  uint32_t *order = (uint32_t *)(void *)(rings + params->sq_off.array);
  for (uint32_t i = 0; i < params->sq_entries; i++)
    order[i] = i;
  return true;
}

/* What passes is tried again later; what is refused stays refused, and is said once. */
static void note_refusal(int error) {
  bool is_shortage = error == EMFILE || error == ENFILE || error == ENOMEM || error == EAGAIN;
  if (error != bulk.refused)
    log_info("http", "io_uring is not to be had (%s): events to many clients are sent one by one", strerror(error));
  bulk.refused = error;
  bulk.retry_ms = is_shortage ? loop_now_ms() + RETRY_MS : INT64_MAX;
}

static void ring_open(void) {
  struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL};
  int fd = (int)syscall(SYS_io_uring_setup, BULK_SENDS_MAX, &params);
  if (fd < 0) {
    note_refusal(errno);
    return;
  }
  bulk.fd = fd;
  if ((params.features & IORING_FEAT_SINGLE_MMAP) && ring_map(&params)) {
    bulk.refused = 0;
    return;
  }
  note_refusal(params.features & IORING_FEAT_SINGLE_MMAP ? ENOMEM : ENOSYS);
  ring_close();
}

static bool ring_is_ready(void) {
  if (bulk.is_off)
    return false;
  if (bulk.fd == 0 && (bulk.retry_ms == 0 || loop_now_ms() >= bulk.retry_ms))
    ring_open();
  bulk.used_ms = loop_now_ms();
  return bulk.fd > 0;
}

/* ---- Sending ---- */

static void ring_fill(const struct bulk_send *sends, uint32_t count) {
  uint32_t tail = *bulk.sq_tail;
  for (uint32_t i = 0; i < count; i++) {
    bulk.sqes[(tail + i) & bulk.sq_mask] = (struct io_uring_sqe){
        .opcode = IORING_OP_SEND,
        .fd = sends[i].fd,
        .addr = (uint64_t)(uintptr_t)sends[i].bytes.ptr,
        .len = (uint32_t)sends[i].bytes.len,
        .msg_flags = FLAGS,
        .user_data = i,
    };
  }
  __atomic_store_n(bulk.sq_tail, tail + count, __ATOMIC_RELEASE);
}

/* Returns how many results came. */
static uint32_t ring_reap(struct bulk_send *sends, uint32_t count) {
  uint32_t head = *bulk.cq_head, tail = __atomic_load_n(bulk.cq_tail, __ATOMIC_ACQUIRE), came = tail - head;
  for (; head != tail; head++) {
    const struct io_uring_cqe *cqe = &bulk.cqes[head & bulk.cq_mask];
    if (cqe->user_data < count)
      sends[cqe->user_data].result = cqe->res;
  }
  __atomic_store_n(bulk.cq_head, head, __ATOMIC_RELEASE);
  return came;
}

/* False: the ring is no good any more. Everything that went in has come out then, too; the rest was not begun. */
static bool ring_run(struct bulk_send *sends, uint32_t count) {
  uint32_t end = *bulk.sq_tail, done = 0;
  for (int tries = 0; done < count; tries++) {
    uint32_t left = end - __atomic_load_n(bulk.sq_head, __ATOMIC_ACQUIRE);
    if (left > 0 && tries >= ENTER_TRIES)
      break;
    int64_t result = syscall(SYS_io_uring_enter, bulk.fd, left, count - done, IORING_ENTER_GETEVENTS, NULL, 0);
    int error = result < 0 ? errno : 0;
    done += ring_reap(sends, count);
    if (error && error != EINTR && error != EAGAIN && error != EBUSY) {
      note_refusal(error);
      bulk.retry_ms = INT64_MAX;
      return false;
    }
  }
  return done == count;
}

static void send_each(struct bulk_send *sends, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    do {
      sends[i].result = send(sends[i].fd, sends[i].bytes.ptr, sends[i].bytes.len, FLAGS);
    } while (sends[i].result < 0 && errno == EINTR);
    if (sends[i].result < 0)
      sends[i].result = -errno;
  }
}

#define NOT_SENT INT32_MIN /* no errno is that large */

static void send_together(struct bulk_send *sends, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    sends[i].result = NOT_SENT;
  ring_fill(sends, count);
  if (!ring_run(sends, count))
    ring_close();
  for (uint32_t i = 0; i < count; i++) {
    if (sends[i].result == NOT_SENT || sends[i].result == -EINTR)
      send_each(&sends[i], 1);
  }
}

void bulk_send(struct bulk_send *sends, uint32_t count) {
  LOOP_MAIN();
  if (count >= BULK_SENDS_MIN && ring_is_ready())
    send_together(sends, count);
  else
    send_each(sends, count);
}

/* ---- From outside ---- */

void bulk_allow(bool is_allowed) {
  bulk.is_off = !is_allowed;
  bulk.refused = 0;
  bulk.retry_ms = 0;
  if (!is_allowed)
    ring_close();
}

void bulk_rest(int64_t now_ms) {
  if (bulk.fd > 0 && now_ms - bulk.used_ms >= BULK_REST_MS)
    ring_close();
}

void bulk_release(void) {
  ring_close();
}

const char *bulk_state(void) {
  if (bulk.is_off)
    return "off";
  if (bulk.refused)
    return strerror(bulk.refused);
  return bulk.fd > 0 ? "io_uring" : "idle";
}
