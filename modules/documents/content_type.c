/* Content types: the client's word wins, then the file name's ending. */
#include "documents.h"

#include <string.h>
#include <strings.h>

struct ending {
  const char *suffix;
  bp_str type;
};

static const struct ending endings[] = {
    {".conf", BP_STR("text/plain")},         {".ini", BP_STR("text/plain")},        {".json", BP_STR("application/json")},
    {".jsonl", BP_STR("application/jsonl")}, {".log", BP_STR("text/plain")},        {".markdown", BP_STR("text/markdown")},
    {".md", BP_STR("text/markdown")},        {".toml", BP_STR("application/toml")}, {".txt", BP_STR("text/plain")},
    {".yaml", BP_STR("text/yaml")},          {".yml", BP_STR("text/yaml")},
};

/* A media type that is safe to send back as a header: printable ASCII with a slash. */
static bool is_media_type(bp_str said) {
  for (size_t i = 0; i < said.len; i++)
    if (said.ptr[i] < 0x20 || said.ptr[i] > 0x7E)
      return false;
  return said.len && said.len < 256 && memchr(said.ptr, '/', said.len);
}

bp_str content_type_of(bp_str filename, bp_str said) {
  if (is_media_type(said))
    return said;
  for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
    size_t len = strlen(endings[i].suffix);
    if (filename.len >= len && strncasecmp(filename.ptr + filename.len - len, endings[i].suffix, len) == 0)
      return endings[i].type;
  }
  return BP_LIT("application/octet-stream");
}

bool content_type_is_text(bp_str type) {
  static const bp_str others[] = {BP_STR("application/json"), BP_STR("application/jsonl"), BP_STR("application/toml")};
  if (type.len >= 5 && strncasecmp(type.ptr, "text/", 5) == 0)
    return true;
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
    if (type.len == others[i].len && memcmp(type.ptr, others[i].ptr, type.len) == 0)
      return true;
  return false;
}
