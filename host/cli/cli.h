/* The command line of `backplane`: the one entry. Commands are one file each in this folder; their table is in cli.c. */
#ifndef HOST_CLI_CLI_H
#define HOST_CLI_CLI_H

/* Parses, dispatches, runs. Returns the exit code: 0 done, 1 it failed (said on stderr), 2 called wrongly. */
int cli_main(int argc, char **argv);

#endif
