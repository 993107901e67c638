/* libcurl at run time; see curl_api.h. */
#include "client/curl_api.h"
#include "base/fail.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#define LIBRARY "libcurl.so.4"

static struct curl_api api;
static bool is_loaded;

#define FUNCTION(name)                                                                                                                               \
  { "curl_" #name, offsetof(struct curl_api, name) }
static const struct {
  const char *symbol;
  size_t offset;
} functions[] = {
    FUNCTION(global_init),
    FUNCTION(global_cleanup),
    FUNCTION(easy_init),
    FUNCTION(easy_cleanup),
    FUNCTION(easy_setopt),
    FUNCTION(easy_getinfo),
    FUNCTION(easy_pause),
    FUNCTION(easy_strerror),
    FUNCTION(multi_init),
    FUNCTION(multi_cleanup),
    FUNCTION(multi_setopt),
    FUNCTION(multi_add_handle),
    FUNCTION(multi_assign),
    FUNCTION(multi_info_read),
    FUNCTION(multi_remove_handle),
    FUNCTION(multi_socket_action),
    FUNCTION(slist_append),
    FUNCTION(slist_free_all),
    FUNCTION(url),
    FUNCTION(url_cleanup),
    FUNCTION(url_set),
    FUNCTION(url_get),
    FUNCTION(free),
};

const struct curl_api *curl_api(void) {
  return &api;
}

const struct curl_api *curl_api_load(bp_error *err) {
  if (is_loaded)
    return &api;
  void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library) {
    fail(err, BP_E_UNSUPPORTED, "cannot load \"%s\": %s", LIBRARY, dlerror());
    fail_hint(err, "install libcurl4");
    return NULL;
  }
  for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
    void *function = dlsym(library, functions[i].symbol);
    if (!function) {
      fail(err, BP_E_UNSUPPORTED, "\"%s\" has no function \"%s\"", LIBRARY, functions[i].symbol);
      fail_hint(err, "install libcurl4 of version 7.88 or later");
      dlclose(library);
      return NULL;
    }
    memcpy((char *)&api + functions[i].offset, &function, sizeof(function));
  }
  is_loaded = api.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  if (!is_loaded)
    fail(err, BP_E_NO_MEMORY, "\"%s\" cannot be initialised", LIBRARY);
  return is_loaded ? &api : NULL;
}
