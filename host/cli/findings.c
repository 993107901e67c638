/* What a check found; see findings.h. */
#include "cli/findings.h"
#include "cli/say.h"

#include <stdarg.h>
#include <stdio.h>

void finding_add(json_t *findings, const char *file, int line, const char *hint, const char *format, ...) {
  va_list args;
  va_start(args, format);
  json_t *message = json_vsprintf(format, args);
  va_end(args);
  if (!message)
    message = json_string("a message that is not UTF-8");
  json_array_append_new(findings,
                        json_pack("{s:s?, s:i, s:o, s:s?}", "file", file, "line", line, "message", message, "hint", hint && hint[0] ? hint : NULL));
}

void finding_add_errors(json_t *findings, const struct config_errors *errors) {
  for (unsigned i = 0; i < errors->count; i++) {
    const struct config_error *error = &errors->items[i];
    finding_add(findings, error->file, error->line, error->hint, "%s", error->message);
  }
}

static void show_one(const json_t *finding) {
  const char *file = json_string_value(json_object_get(finding, "file"));
  const char *hint = json_string_value(json_object_get(finding, "hint"));
  json_int_t line = json_integer_value(json_object_get(finding, "line"));
  if (file && line)
    printf("%s:%" JSON_INTEGER_FORMAT ": ", file, line);
  else if (file)
    printf("%s: ", file);
  say_text(json_string_value(json_object_get(finding, "message")));
  if (hint) {
    fputs("  ", stdout);
    say_text(hint);
  }
}

int findings_show(const json_t *findings, bool wants_json) {
  size_t index;
  const json_t *finding;
  bool ok = json_array_size(findings) == 0;
  if (wants_json) {
    json_t *answer = json_pack("{s:b, s:O}", "ok", (int)ok, "findings", findings);
    say_json(answer);
    json_decref(answer);
  } else {
    json_array_foreach(findings, index, finding) show_one(finding);
    if (ok)
      puts("no findings");
  }
  return ok ? CLI_DONE : CLI_FAILED;
}
