/* `backplane check`: everything a start would trip over, without starting: configuration, plugins, options, schemas, rules, ports.
 *
 * Plugins are opened in limited children only (probe.h); what they are checked for is in check_plugins.c. */
#include "cli/check_plugins.h"
#include "cli/check_policy.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/findings.h"
#include "cli/place.h"
#include "cli/say.h"
#include "run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Tries to bind the listener's port; 0, or the errno of bind. */
static int try_port(const struct config_listener *listener, uint16_t port) {
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  const struct sockaddr *address = (const struct sockaddr *)(const void *)&four;
  socklen_t len = sizeof(four);
  const int yes = 1;
  if (inet_pton(AF_INET6, listener->address, &six.sin6_addr) == 1) {
    address = (const struct sockaddr *)(const void *)&six;
    len = sizeof(six);
  } else if (inet_pton(AF_INET, listener->address, &four.sin_addr) != 1) {
    return EINVAL;
  }
  int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return errno == EAFNOSUPPORT ? 0 : errno;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (address->sa_family == AF_INET6)
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
  int reason = bind(fd, address, len) == 0 ? 0 : errno;
  close(fd);
  return reason;
}

static bool is_declared(const char *family, const json_t *plugins) {
  size_t i, k;
  const json_t *plugin, *declared;
  json_array_foreach(plugins, i, plugin) json_array_foreach(
      json_object_get(plugin, "families"), k, declared) if (strcmp(json_string_value(json_object_get(declared, "name")), family) == 0) return true;
  return false;
}

/* A family nobody brings is no mistake (its module may be disabled), unless it is nearly the name of one that is there. */
static void check_families(const struct config *config, const json_t *plugins, json_t *findings) {
  const char *names[64] = {0};
  unsigned count = 0;
  size_t i, k;
  const json_t *plugin, *declared;
  json_array_foreach(plugins, i, plugin) json_array_foreach(json_object_get(plugin, "families"), k, declared) if (count < 63) names[count++] =
      json_string_value(json_object_get(declared, "name"));
  for (const struct config_listener *listener = config->listeners; listener; listener = listener->next) {
    const char *nearest = listener->family && !is_declared(listener->family, plugins) ? say_nearest(listener->family, names) : NULL;
    if (nearest)
      finding_add(findings, listener->file, listener->line, NULL, "no module brings the family \"%s\", did you mean \"%s\"?", listener->family,
                  nearest);
  }
}

/* A listener of a family opens only where a module brings the family. */
static void check_ports(const struct cli_call *call, const struct config *config, const json_t *plugins, json_t *findings) {
  for (const struct config_listener *listener = config->listeners; listener; listener = listener->next) {
    int port = listener->port + call->port_offset;
    if (listener->is_unix || (listener->family && !is_declared(listener->family, plugins)))
      continue;
    int reason = port > 65535 ? ERANGE : try_port(listener, (uint16_t)port);
    if (reason == EADDRINUSE)
      finding_add(findings, listener->file, listener->line, "stop what holds it, or use --port-offset", "port %d on \"%s\" is taken", port,
                  listener->address);
    else if (reason)
      finding_add(findings, listener->file, listener->line, NULL, "cannot listen on \"%s\" port %d: %s", listener->address, port, strerror(reason));
  }
}

static void check_all(const struct cli_call *call, const struct config *config, json_t *findings) {
  json_t *plugins = check_plugins(config, findings);
  check_families(config, plugins, findings);
  check_policy(config, findings);
  if (!client_is_running(call))
    check_ports(call, config, plugins, findings);
  json_decref(plugins);
}

static int check_place(const struct cli_call *call, const struct cli_place *place) {
  struct config_errors errors = {0};
  json_t *findings = json_array();
  struct config *config = config_load(place->config_file, &errors);
  finding_add_errors(findings, &errors);
  if (config && !config->listeners)
    finding_add(findings, place->config_file, 0, "add: listen \"127.0.0.1:8700\"", "there is no listen line: nobody could reach the host");
  if (config) {
    run_set_module_dir(config, place->module_dir);
    check_all(call, config, findings);
  }
  int code = findings_show(findings, call->wants_json);
  json_decref(findings);
  config_free(config);
  return code;
}

static int run(const struct cli_call *call) {
  struct cli_place place;
  int code = CLI_FAILED;
  if (cli_place_find(call, &place))
    code = place.config_file ? check_place(call, &place) : say_failure("there is no configuration; name one with --config");
  cli_place_release(&place);
  return code;
}

const struct cli_command command_check = {
    .name = "check",
    .synopsis = "[--json]",
    .summary = "test configuration, plugins, schemas, rules and ports without starting",
    .help = "Loads the configuration (of the running host, unless --config names one), opens every plugin it names in a\n"
            "limited child, checks options against what the plugins declare, compiles their schemas, resolves their needs,\n"
            "compiles the policy's rules and runs the tests beside them, and tries the ports (unless a host runs on the state\n"
            "folder).\n"
            "Every finding has its file and line. Exits with 1 if there is one.",
    .run = run,
};
