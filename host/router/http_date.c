/* HTTP dates; see http_date.h. */
#include "router/http_date.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void http_date_format(int64_t seconds, char ret[HTTP_DATE_BYTES]) {
  time_t at = (time_t)seconds;
  struct tm tm;
  char text[128];
  ret[0] = '\0';
  if (gmtime_r(&at, &tm) == NULL || tm.tm_year + 1900 < 1 || tm.tm_year + 1900 > 9999)
    return;
  int len = snprintf(text, sizeof(text), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", day_names + (size_t)tm.tm_wday * 3, tm.tm_mday,
                     month_names + (size_t)tm.tm_mon * 3, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
  if (len == HTTP_DATE_BYTES - 1)
    memcpy(ret, text, HTTP_DATE_BYTES);
}

/* ---- Parsing: each take_ function cuts what it knows off the front, or fails ---- */

static bool take_char(bp_str *s, char c) {
  if (s->len == 0 || s->ptr[0] != c)
    return false;
  s->ptr++;
  s->len--;
  return true;
}

static bool take_digits(bp_str *s, size_t count, int *ret) {
  *ret = 0;
  if (s->len < count)
    return false;
  for (size_t i = 0; i < count; i++) {
    char c = s->ptr[i];
    if (c < '0' || c > '9')
      return false;
    *ret = *ret * 10 + (c - '0');
  }
  *s = bp_str_make(s->ptr + count, s->len - count);
  return true;
}

static bool take_month(bp_str *s, int *ret) {
  for (int i = 0; i < 12 && s->len >= 3; i++)
    if (memcmp(s->ptr, month_names + (size_t)i * 3, 3) == 0) {
      *ret = i;
      *s = bp_str_make(s->ptr + 3, s->len - 3);
      return true;
    }
  return false;
}

static bool take_time(bp_str *s, struct tm *tm) {
  return take_digits(s, 2, &tm->tm_hour) && take_char(s, ':') && take_digits(s, 2, &tm->tm_min) && take_char(s, ':') &&
         take_digits(s, 2, &tm->tm_sec);
}

/* "06 Nov 1994 08:49:37 GMT" after "Sun, ". */
static bool take_fixdate(bp_str s, struct tm *tm) {
  bool is_read = take_digits(&s, 2, &tm->tm_mday) && take_char(&s, ' ') && take_month(&s, &tm->tm_mon) && take_char(&s, ' ') &&
                 take_digits(&s, 4, &tm->tm_year) && take_char(&s, ' ') && take_time(&s, tm);
  tm->tm_year -= 1900;
  return is_read && str_eq(s, BP_LIT(" GMT"));
}

/* "06-Nov-94 08:49:37 GMT" after "Sunday, ". A year over 50 years ahead is one of the past century. */
static bool take_rfc850(bp_str s, struct tm *tm) {
  bool is_read = take_digits(&s, 2, &tm->tm_mday) && take_char(&s, '-') && take_month(&s, &tm->tm_mon) && take_char(&s, '-') &&
                 take_digits(&s, 2, &tm->tm_year) && take_char(&s, ' ') && take_time(&s, tm);
  time_t now = time(NULL);
  struct tm today;
  if (!is_read || !str_eq(s, BP_LIT(" GMT")) || gmtime_r(&now, &today) == NULL)
    return false;
  tm->tm_year += today.tm_year - today.tm_year % 100;
  if (tm->tm_year > today.tm_year + 50)
    tm->tm_year -= 100;
  return true;
}

/* "Nov  6 08:49:37 1994" after "Sun ". */
static bool take_asctime(bp_str s, struct tm *tm) {
  if (!take_month(&s, &tm->tm_mon) || !take_char(&s, ' '))
    return false;
  bool is_short = take_char(&s, ' ');
  bool is_read = take_digits(&s, is_short ? 1 : 2, &tm->tm_mday) && take_char(&s, ' ') && take_time(&s, tm) && take_char(&s, ' ') &&
                 take_digits(&s, 4, &tm->tm_year);
  tm->tm_year -= 1900;
  return is_read && s.len == 0;
}

static bool is_in_range(const struct tm *tm) {
  static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return tm->tm_mday >= 1 && tm->tm_mday <= days[tm->tm_mon] && tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

bool http_date_parse(bp_str text, int64_t *ret_seconds) {
  struct tm tm = {0};
  ptrdiff_t space = str_find(text, ' ');
  if (space < 3)
    return false;
  bp_str rest = bp_str_make(text.ptr + space + 1, text.len - (size_t)space - 1);
  bool has_comma = text.ptr[space - 1] == ',';
  bool is_read = !has_comma ? take_asctime(rest, &tm) : space == 4 ? take_fixdate(rest, &tm) : take_rfc850(rest, &tm);
  if (!is_read || !is_in_range(&tm))
    return false;
  *ret_seconds = (int64_t)timegm(&tm);
  return true;
}
