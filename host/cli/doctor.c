/* `backplane doctor`: whether this machine and this state folder are fit to run a host. A table of checks, in order. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/doctor_state.h"
#include "cli/findings.h"
#include "cli/place.h"
#include "cli/say.h"
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static void check_kernel(struct doctor *doctor) {
  struct utsname name;
  uname(&name);
  doctor_say(doctor, DOCTOR_GOOD, "kernel", NULL, "%s %s", name.sysname, name.release);
}

static void check_openat2(struct doctor *doctor) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};
  int fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));
  if (fd < 0)
    doctor_say(doctor, DOCTOR_WARN, "openat2", "a kernel from 5.6 on, or a sandbox that lets it through",
               "not available (%s); paths are walked component by component", strerror(errno));
  else
    doctor_say(doctor, DOCTOR_GOOD, "openat2", NULL, "available");
  if (fd >= 0)
    close(fd);
}

static void check_pidfd(struct doctor *doctor) {
  int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
  if (fd < 0)
    doctor_say(doctor, DOCTOR_BAD, "pidfd", "a kernel from 5.3 on", "not available (%s); processes cannot be followed safely", strerror(errno));
  else
    doctor_say(doctor, DOCTOR_GOOD, "pidfd", NULL, "available");
  if (fd >= 0)
    close(fd);
}

static void check_sock_diag(struct doctor *doctor) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0)
    doctor_say(doctor, DOCTOR_WARN, "sock_diag", "use the control socket, or a token from `backplane token create`",
               "not available (%s); nobody is recognised on loopback without a token", strerror(errno));
  else
    doctor_say(doctor, DOCTOR_GOOD, "sock_diag", NULL, "available");
  if (fd >= 0)
    close(fd);
}

#define FILES_WANTED 4096

static void check_files_limit(struct doctor *doctor) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_max < FILES_WANTED)
    doctor_say(doctor, DOCTOR_WARN, "open files", "raise LimitNOFILE= of the unit, or `ulimit -n`", "at most %llu, so about %llu connections",
               (unsigned long long)files.rlim_max, (unsigned long long)files.rlim_max - (files.rlim_max > 128 ? 128 : files.rlim_max));
  else
    doctor_say(doctor, DOCTOR_GOOD, "open files", NULL, "at most %llu", (unsigned long long)files.rlim_max);
}

static void check_config(struct doctor *doctor) {
  struct config_errors errors = {0};
  struct cli_place place;
  bool answers = cli_place_find(doctor->call, &place);
  struct config *config = place.config_file ? config_load(place.config_file, &errors) : NULL;
  if (!answers)
    doctor_say(doctor, DOCTOR_BAD, "configuration", NULL, "the running host does not say which it uses");
  else if (!place.config_file)
    doctor_say(doctor, DOCTOR_BAD, "configuration", "name one with --config, or put it at ~/.config/backplane/backplane.lua", "there is none");
  else if (!config || errors.count)
    doctor_say(doctor, DOCTOR_BAD, "configuration", "`backplane check` says what", "\"%s\" has %u %s", place.config_file, errors.count,
               errors.count == 1 ? "finding" : "findings");
  else
    doctor_say(doctor, DOCTOR_GOOD, "configuration", NULL, "\"%s\"", place.config_file);
  config_free(config);
  cli_place_release(&place);
}

static void check_running(struct doctor *doctor) {
  if (client_is_running(doctor->call))
    doctor_say(doctor, DOCTOR_GOOD, "host", NULL, "runs on this state folder");
  else
    doctor_say(doctor, DOCTOR_GOOD, "host", NULL, "does not run on this state folder");
}

void doctor_say(struct doctor *doctor, enum doctor_verdict verdict, const char *subject, const char *hint, const char *format, ...) {
  static const char *const words[] = {"ok", "warning", "failure"};
  va_list args;
  va_start(args, format);
  json_t *text = json_vsprintf(format, args);
  va_end(args);
  if (!text)
    text = json_string("(not UTF-8)");
  doctor->is_fit = doctor->is_fit && verdict != DOCTOR_BAD;
  json_array_append_new(doctor->results,
                        json_pack("{s:s, s:s, s:o, s:s?}", "verdict", words[verdict], "subject", subject, "text", text, "hint", hint));
}

static void show(const json_t *results) {
  size_t index;
  const json_t *result;
  json_array_foreach(results, index, result) {
    const char *hint = json_string_value(json_object_get(result, "hint"));
    printf("%-8s %-14s ", json_string_value(json_object_get(result, "verdict")), json_string_value(json_object_get(result, "subject")));
    say_text(json_string_value(json_object_get(result, "text")));
    if (hint)
      printf("%24s%s\n", "", hint);
  }
}

static int run(const struct cli_call *call) {
  static void (*const checks[])(struct doctor *) = {
      check_kernel, check_openat2, check_pidfd, check_sock_diag, check_files_limit, check_config, check_running, doctor_check_state,
  };
  struct doctor doctor = {.call = call, .results = json_array(), .is_fit = true};
  for (unsigned i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
    checks[i](&doctor);
  if (call->wants_json) {
    json_t *answer = json_pack("{s:b, s:O}", "ok", (int)doctor.is_fit, "checks", doctor.results);
    say_json(answer);
    json_decref(answer);
  } else {
    show(doctor.results);
  }
  json_decref(doctor.results);
  return doctor.is_fit ? CLI_DONE : CLI_FAILED;
}

const struct cli_command command_doctor = {
    .name = "doctor",
    .synopsis = "[--json]",
    .summary = "report whether this machine and state folder are fit",
    .help = "Looks at the kernel's features, limits, the configuration, the state folder's owner and modes, what a killed host\n"
            "left behind, the store, and free disk space. Exits with 1 if there is a failure; warnings are not failures.",
    .run = run,
};
