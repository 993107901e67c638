/* A descriptor's own members and the form of its arrays; see check.h. The rules of each kind of element are check_items.c. */
#include "loader/check.h"
#include "base/array.h"
#include "base/fail.h"
#include "base/str.h"
#include "loader/syntax.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_LIMIT_BYTES (1u << 20)
#define ARRAY_LIMIT 4096u
#define ITEM_LIMIT_BYTES 4096u

bp_status check_fail(const struct check *check, bp_status code, const char *format, ...) {
  char message[200];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof(message), format, args);
  va_end(args);
  if (!check->array)
    return fail(check->err, code, "descriptor: %s", message);
  if (check->label.len)
    return fail(check->err, code, "%s[%u] \"%.*s\": %s", check->array, check->index, (int)(check->label.len > 64 ? 64 : check->label.len),
                check->label.ptr, message);
  return fail(check->err, code, "%s[%u]: %s", check->array, check->index, message);
}

bp_status check_newer(const struct check *check, const char *member, uint32_t value) {
  check_fail(check, BP_E_UNSUPPORTED, "%s 0x%x is unknown to this host", member, (unsigned)value);
  fail_hint(check->err, "built for a newer host (plugin ABI %u.%u, this host has %u.%u): update the host", (unsigned)check->descriptor->abi_major,
            (unsigned)check->descriptor->abi_minor, BP_ABI_MAJOR, BP_ABI_MINOR);
  return BP_E_UNSUPPORTED;
}

bp_status check_text(const struct check *check, const char *member, bp_str text) {
  if (text.len > 0 && !text.ptr)
    return check_fail(check, BP_E_INVALID, "%s has length %zu but no bytes", member, text.len);
  if (text.len > TEXT_LIMIT_BYTES)
    return check_fail(check, BP_E_LIMIT, "%s is %zu bytes long, at most %u are read", member, text.len, TEXT_LIMIT_BYTES);
  if (!str_is_utf8(text))
    return check_fail(check, BP_E_INVALID, "%s is not UTF-8", member);
  return BP_OK;
}

/* ---- Arrays ---- */

bp_status check_array_form(const struct check *check, const char *name, bp_array array, uint32_t smallest) {
  if (array.count == 0)
    return BP_OK;
  if (!array.ptr)
    return check_fail(check, BP_E_INVALID, "%s: %u elements but no address", name, (unsigned)array.count);
  if (array.count > ARRAY_LIMIT)
    return check_fail(check, BP_E_LIMIT, "%s: %u elements, at most %u are read", name, (unsigned)array.count, ARRAY_LIMIT);
  if (array.stride < smallest || array.stride > ITEM_LIMIT_BYTES || array.stride % 8 != 0)
    return check_fail(check, BP_E_INVALID, "%s: stride %u is not a multiple of 8 from %u to %u", name, (unsigned)array.stride, (unsigned)smallest,
                      ITEM_LIMIT_BYTES);
  return BP_OK;
}

static uint32_t element_size(bp_array array, uint32_t index) {
  uint32_t size;
  memcpy(&size, (const char *)array.ptr + (size_t)index * array.stride, sizeof(size));
  return size;
}

/* Names that mean one thing each: found by them, the second would never be. */
static bp_status check_unique(const struct check *check, bp_array array, const struct check_array *rule, bp_str label) {
  _Alignas(8) char item[ITEM_LIMIT_BYTES];
  bp_str earlier;
  for (uint32_t i = 0; i < check->index && rule->is_unique; i++) {
    array_copy(array, i, item, rule->known);
    memcpy(&earlier, item + rule->label_offset, sizeof(earlier));
    if (str_eq(earlier, label))
      return check_fail(check, BP_E_EXISTS, "the name stands in %s[%u] already", rule->name, (unsigned)i);
  }
  return BP_OK;
}

static bp_status check_elements(const bp_plugin_descriptor *descriptor, const struct check_array *rule, bp_error *err) {
  struct check check = {.descriptor = descriptor, .err = err};
  _Alignas(8) char item[ITEM_LIMIT_BYTES];
  bp_array array;
  memcpy(&array, (const char *)descriptor + rule->offset, sizeof(array));
  bp_status status = check_array_form(&check, rule->name, array, rule->smallest);
  check.array = rule->name;
  for (check.index = 0; status == BP_OK && check.index < array.count; check.index++) {
    uint32_t size = element_size(array, check.index);
    check.label = (bp_str){0};
    if (size < rule->smallest || size > array.stride)
      return check_fail(&check, BP_E_INVALID, "size is %u, must be from %u to the stride %u; set it to sizeof", (unsigned)size,
                        (unsigned)rule->smallest, (unsigned)array.stride);
    array_copy(array, check.index, item, rule->known);
    bp_str label = {0};
    if (rule->label_offset)
      memcpy(&label, item + rule->label_offset, sizeof(label));
    status = check_text(&check, "its name", label);
    check.label = label;
    if (status == BP_OK)
      status = rule->check(&check, item);
    if (status == BP_OK)
      status = check_unique(&check, array, rule, label);
  }
  return status;
}

/* ---- The descriptor itself ---- */

#define MEMBER(name)                                                                                                                                 \
  { #name, offsetof(bp_plugin_descriptor, name) + sizeof(((bp_plugin_descriptor *)NULL)->name) }
static const struct {
  const char *name;
  size_t end;
} members[] = {
    MEMBER(abi_major),  MEMBER(abi_minor), MEMBER(reserved), MEMBER(id),       MEMBER(version), MEMBER(summary), MEMBER(family),
    MEMBER(needs),      MEMBER(provides),  MEMBER(options),  MEMBER(families), MEMBER(routes),  MEMBER(topics),  MEMBER(migrations),
    MEMBER(statements), MEMBER(searches),  MEMBER(create),   MEMBER(start),    MEMBER(drain),   MEMBER(destroy),
};

static bp_status check_size(const bp_plugin_descriptor *raw, bp_error *err) {
  if (raw->size == 0) {
    fail(err, BP_E_INVALID, "descriptor: size is 0");
    fail_hint(err, "set .size = sizeof(bp_plugin_descriptor)");
    return BP_E_INVALID;
  }
  for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
    if (raw->size < members[i].end) {
      fail(err, BP_E_INVALID, "descriptor: size is %u, it ends before member \"%s\" (a whole one has %zu bytes)", (unsigned)raw->size,
           members[i].name, sizeof(*raw));
      fail_hint(err, "set .size = sizeof(bp_plugin_descriptor) and rebuild against the installed headers");
      return BP_E_INVALID;
    }
  return BP_OK;
}

static bp_status check_major(const bp_plugin_descriptor *d, bp_error *err) {
  if (d->abi_major == BP_ABI_MAJOR)
    return BP_OK;
  fail(err, BP_E_UNSUPPORTED, "descriptor: written against plugin ABI %u.%u, this host has %u.%u", (unsigned)d->abi_major, (unsigned)d->abi_minor,
       BP_ABI_MAJOR, BP_ABI_MINOR);
  fail_hint(err, d->abi_major > BP_ABI_MAJOR ? "update the host" : "rebuild the plugin against the installed headers");
  return BP_E_UNSUPPORTED;
}

static bp_status check_identity(const struct check *check) {
  const bp_plugin_descriptor *d = check->descriptor;
  const struct {
    const char *name;
    bp_str text;
  } texts[] = {{"id", d->id}, {"version", d->version}, {"summary", d->summary}, {"family", d->family}};
  for (size_t i = 0; i < 4; i++) {
    bp_status status = check_text(check, texts[i].name, texts[i].text);
    if (status != BP_OK)
      return status;
  }
  int shown = (int)(d->id.len > 64 ? 64 : d->id.len);
  if (!syntax_is_plugin_id(d->id))
    return check_fail(check, BP_E_INVALID, "id \"%.*s\" is not words of [a-z][a-z0-9-]* joined by dots", shown, d->id.ptr ? d->id.ptr : "");
  if (syntax_is_reserved_id(d->id))
    return check_fail(check, BP_E_DENIED, "id \"%.*s\" is reserved: names that begin with \"bp.\" or \"bp-\" are the host's", shown, d->id.ptr);
  if (!syntax_is_version(d->version))
    return check_fail(check, BP_E_INVALID, "version \"%.*s\" is not a semantic version such as 1.0.0",
                      (int)(d->version.len > 64 ? 64 : d->version.len), d->version.ptr ? d->version.ptr : "");
  if (d->summary.len == 0)
    return check_fail(check, BP_E_INVALID, "summary is empty: say in one sentence what \"%.*s\" does", shown, d->id.ptr);
  if (d->family.len && !syntax_is_family(d->family))
    return check_fail(check, BP_E_INVALID, "family is not [a-z][a-z0-9-]*");
  return d->create ? BP_OK : check_fail(check, BP_E_INVALID, "create is NULL");
}

bp_status descriptor_check(const bp_plugin_descriptor *raw, bp_plugin_descriptor *ret, bp_error *err) {
  bp_plugin_descriptor copy = {0};
  if (!raw)
    return fail(err, BP_E_INVALID, "bp_plugin_query_%u returned no descriptor", BP_ABI_MAJOR);
  bp_status status = check_size(raw, err);
  if (status != BP_OK)
    return status;
  memcpy(&copy, raw, raw->size < sizeof(copy) ? raw->size : sizeof(copy));
  copy.size = raw->size < sizeof(copy) ? raw->size : (uint32_t)sizeof(copy);
  struct check check = {.descriptor = &copy, .err = err};
  status = check_major(&copy, err);
  if (status == BP_OK)
    status = check_identity(&check);
  for (unsigned i = 0; i < check_array_count && status == BP_OK; i++)
    status = check_elements(&copy, &check_arrays[i], err);
  if (status == BP_OK)
    *ret = copy;
  return status;
}
