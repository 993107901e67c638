/* Descriptor and life cycle of the system module. */
#include "system.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static const bp_need needs[] = {
    KIT_NEED(BP_CORE_1, bp_core_1), KIT_NEED(BP_CONFIG_1, bp_config_1), KIT_NEED(BP_JSON_1, bp_json_1), KIT_NEED(BP_HTTP_1, bp_http_1),
    KIT_NEED(BP_LIVE_1, bp_live_1), KIT_NEED(BP_LOOP_1, bp_loop_1),     KIT_NEED(BP_PROC_1, bp_proc_1),
};

static const bp_option options[] = {
    {.size = sizeof(bp_option),
     .type = BP_OPTION_INTEGER,
     .name = BP_STR("history_every_s"),
     .doc = BP_STR("Seconds between two samples of the history, which keeps 720 of them."),
     .def = BP_STR("5"),
     .minimum = 1,
     .maximum = 3600},
};

static const bp_topic topics[] = {
    {sizeof(bp_topic), BP_TOPIC_EPHEMERAL, BP_STR("system.stats"), BP_STR("a small sample, each second while somebody listens")},
};

/* What Node calls the machine's architecture. */
static void read_machine(struct system *s) {
  static const char *const names[][2] = {{"x86_64", "x64"}, {"aarch64", "arm64"}, {"i686", "ia32"}, {"armv7l", "arm"}};
  struct utsname machine;
  char text[16384] = "";
  if (uname(&machine) == 0) {
    snprintf(s->hostname, sizeof(s->hostname), "%s", machine.nodename);
    snprintf(s->arch, sizeof(s->arch), "%.31s", machine.machine);
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
      if (strcmp(machine.machine, names[i][0]) == 0)
        snprintf(s->arch, sizeof(s->arch), "%s", names[i][1]);
  }
  int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
  ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
  if (fd >= 0)
    close(fd);
  text[len > 0 ? len : 0] = '\0';
  parse_cpu_model(text, s->model);
}

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  struct system *s = calloc(1, sizeof(*s));
  if (!s || !(s->history = calloc(HISTORY_MOST, sizeof(*s->history)))) {
    free(s);
    return BP_E_NO_MEMORY;
  }
  s->self = self;
  s->core = host->get(self, BP_LIT(BP_CORE_1));
  s->config = host->get(self, BP_LIT(BP_CONFIG_1));
  s->json = host->get(self, BP_LIT(BP_JSON_1));
  s->http = host->get(self, BP_LIT(BP_HTTP_1));
  s->live = host->get(self, BP_LIT(BP_LIVE_1));
  s->loop = host->get(self, BP_LIT(BP_LOOP_1));
  s->proc = host->get(self, BP_LIT(BP_PROC_1));
  s->config->integer(self, BP_LIT("history_every_s"), &s->history_every_s);
  read_machine(s);
  *ret_state = s;
  return BP_OK;
}

static bp_status start(void *state, bp_error *err) {
  (void)err;
  return sampler_start(state);
}

static void destroy(void *state) {
  struct system *s = state;
  free(s->history);
  free(s);
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("system"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("How the machine and what runs under the host are doing."),
    .family = BP_STR("desktop"),
    .needs = BP_ARRAY(needs),
    .options = BP_ARRAY(options),
    .routes = BP_ARRAY(system_routes),
    .topics = BP_ARRAY(topics),
    .create = create,
    .start = start,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
