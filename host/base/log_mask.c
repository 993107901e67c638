/* Credential masking; see log_mask.h. */
#include "base/log_mask.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool is_token_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~' || c == '+' ||
         c == '/' || c == '=';
}

static bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static size_t run(const char *text, size_t len, bool (*accept)(char c)) {
  size_t n = 0;
  while (n < len && accept(text[n]))
    n++;
  return n;
}

static const char *const prefixes[] = {"sk-", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "AKIA", "bp.token."};

/* Bytes to keep before the secret that starts at `text`, or -1 if none starts here. */
static long secret_offset(const char *text, size_t len) {
  if (len > 7 && strncasecmp(text, "bearer ", 7) == 0)
    return 7;
  for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
    size_t n = strlen(prefixes[i]);
    if (len >= n + 8 && memcmp(text, prefixes[i], n) == 0)
      return (long)n;
  }
  return run(text, len, is_hex) >= 64 ? 0 : -1;
}

/* Masks the password of a URL whose "://" is at `at`; returns where to go on. */
static size_t mask_userinfo(char *text, size_t len, size_t at) {
  size_t start = at + 3, end = start, colon = 0;
  while (end < len && text[end] != '/' && text[end] != ' ' && text[end] != '"' && text[end] != '@') {
    if (text[end] == ':' && !colon)
      colon = end;
    end++;
  }
  if (end < len && text[end] == '@' && colon)
    memset(text + colon + 1, '*', end - colon - 1);
  return end;
}

void log_mask(char *text, size_t len) {
  for (size_t i = 0; i < len;) {
    if (len - i > 3 && memcmp(text + i, "://", 3) == 0) {
      i = mask_userinfo(text, len, i);
      continue;
    }
    bool at_word = i == 0 || !is_token_byte(text[i - 1]) || text[i - 1] == '=';
    long keep = at_word ? secret_offset(text + i, len - i) : -1;
    if (keep < 0) {
      i++;
      continue;
    }
    size_t secret = run(text + i + (size_t)keep, len - i - (size_t)keep, is_token_byte);
    memset(text + i + (size_t)keep, '*', secret);
    i += (size_t)keep + secret + 1;
  }
}
