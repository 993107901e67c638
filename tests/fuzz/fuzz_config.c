/* Configuration files: any bytes load or are refused with a message, within the sandbox's time and memory. */
#include "config/config.h"
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

/* The built-in limits, where host/http is not linked. */
__attribute__((weak)) struct http_limits http_limits;

static void check_errors(const struct config_errors *errors) {
  REQUIRE(errors->count > 0 && errors->count <= 32);
  for (unsigned i = 0; i < errors->count; i++)
    REQUIRE(errors->items[i].message[0] && errors->items[i].line >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[32];
  struct config_errors errors = {0};
  int fd = memfd_create("config", MFD_CLOEXEC);
  REQUIRE(fd >= 0 && (size == 0 || write(fd, data, size) == (ssize_t)size));
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  struct config *config = config_load(path, &errors);
  if (config)
    REQUIRE(errors.count == 0);
  else
    check_errors(&errors);
  config_free(config);
  close(fd);
  return 0;
}
