/* libcurl, loaded when the first request goes out: linked, it and what it needs would cost every host more than a megabyte of
 * private memory and its start several milliseconds. Main thread. */
#ifndef HOST_CLIENT_CURL_API_H
#define HOST_CLIENT_CURL_API_H

#define CURL_DISABLE_TYPECHECK
#include <backplane/base.h>
#include <curl/curl.h>

struct curl_api {
  CURLcode (*global_init)(long flags);
  void (*global_cleanup)(void);
  CURL *(*easy_init)(void);
  void (*easy_cleanup)(CURL *easy);
  CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
  CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
  CURLcode (*easy_pause)(CURL *easy, int bits);
  const char *(*easy_strerror)(CURLcode code);
  CURLM *(*multi_init)(void);
  CURLMcode (*multi_cleanup)(CURLM *multi);
  CURLMcode (*multi_setopt)(CURLM *multi, CURLMoption option, ...);
  CURLMcode (*multi_add_handle)(CURLM *multi, CURL *easy);
  CURLMcode (*multi_remove_handle)(CURLM *multi, CURL *easy);
  CURLMcode (*multi_socket_action)(CURLM *multi, curl_socket_t fd, int events, int *ret_running);
  CURLMcode (*multi_assign)(CURLM *multi, curl_socket_t fd, void *data);
  CURLMsg *(*multi_info_read)(CURLM *multi, int *ret_left);
  struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
  void (*slist_free_all)(struct curl_slist *list);
  CURLU *(*url)(void);
  void (*url_cleanup)(CURLU *url);
  CURLUcode (*url_set)(CURLU *url, CURLUPart part, const char *text, unsigned flags);
  CURLUcode (*url_get)(CURLU *url, CURLUPart part, char **ret, unsigned flags);
  void (*free)(void *memory);
};

/* The functions, or NULL and BP_E_UNSUPPORTED with what to install. */
const struct curl_api *curl_api_load(bp_error *err);
/* The functions of a library that is loaded. */
const struct curl_api *curl_api(void);

#endif
