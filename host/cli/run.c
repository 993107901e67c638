/* `backplane run`: hands over to the host (run.h). */
#include "run.h"
#include "cli/commands.h"

static int run(const struct cli_call *call) {
  const struct run_options options = {
      .config_file = cli_value(call, "--config"),
      .state_dir = call->state_dir,
      .module_dir = cli_value(call, "--modules"),
      .port_offset = call->port_offset,
      .keep_cores = cli_value(call, "--keep-cores") != NULL,
  };
  return host_run_main(&options);
}

static const struct cli_option options[] = {
    {"--keep-cores", NULL, NULL, "allow core files and debuggers (memory holds secrets)"},
    {0},
};

const struct cli_command command_run = {
    .name = "run",
    .synopsis = "[options]",
    .summary = "run the host in the foreground",
    .help = "Runs the host until SIGTERM or SIGINT; SIGHUP loads the configuration again. It logs to stderr and to\n"
            "STATE/log/backplane.log, and prints a one-time link for the browser. Exits with 0 after a graceful stop.",
    .options = options,
    .run = run,
};
