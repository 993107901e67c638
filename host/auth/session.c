/* Dashboard sessions: a code, printed as a link at start, is exchanged once for an admin token that lives in memory. */
#include "auth/session.h"
#include "auth/tokens.h"
#include "loop/loop.h"

#include <sodium.h>
#include <string.h>

#define CODES_MAX 8
#define CODE_LIFETIME_MS (10 * 60 * 1000)
#define SESSION_LIFETIME_S (24 * 60 * 60)

struct code {
  uint8_t hash[crypto_hash_sha256_BYTES];
  int64_t made_ms;
  bool is_open;
};

/* A ring: a ninth open code replaces the oldest. */
static struct {
  struct code codes[CODES_MAX];
  unsigned next;
} sessions;

bp_status session_open_code(char ret_code[65]) {
  LOOP_MAIN();
  uint8_t secret[32];
  struct code *code = &sessions.codes[sessions.next++ % CODES_MAX];
  randombytes_buf(secret, sizeof(secret));
  sodium_bin2hex(ret_code, 65, secret, sizeof(secret));
  sodium_memzero(secret, sizeof(secret));
  crypto_hash_sha256(code->hash, (const unsigned char *)ret_code, 64);
  code->made_ms = loop_now_ms();
  code->is_open = true;
  return BP_OK;
}

bool session_exchange(bp_str code, char ret_token[65], char ret_id[17]) {
  LOOP_MAIN();
  uint8_t hash[crypto_hash_sha256_BYTES];
  struct code *found = NULL;
  crypto_hash_sha256(hash, (const unsigned char *)code.ptr, code.len);
  for (unsigned i = 0; i < CODES_MAX; i++)
    if (sodium_memcmp(sessions.codes[i].hash, hash, sizeof(hash)) == 0 && sessions.codes[i].is_open)
      found = &sessions.codes[i];
  if (found == NULL || loop_now_ms() - found->made_ms > CODE_LIFETIME_MS) {
    (void)token_failure();
    return false;
  }
  sodium_memzero(found, sizeof(*found));
  return token_create_session(SESSION_LIFETIME_S, ret_token, ret_id) == BP_OK;
}

void sessions_forget(void) {
  sodium_memzero(&sessions, sizeof(sessions));
}
