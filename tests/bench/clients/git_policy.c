/* What one decision of the git policy costs: bench_git_policy SCRIPTS ROUNDS prints "NAME MICROSECONDS" (the median) for some argv. */
#include "policy/facts.h"
#include "policy/rule_set.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
  const char *name, *args;
} cases[] = {
    {"status", "[\"status\",\"--porcelain=v2\",\"-z\",\"--branch\"]"},
    {"log", "[\"log\",\"--pretty=format:%H%x00%an%x00%ae%x00%at%x00%s\",\"-50\",\"main..feature\",\"--\",\"src/a.c\"]"},
    {"commit", "[\"commit\",\"-m\",\"fix: a message of some length; with `things` in it\",\"--author=Ann B <ann@example.com>\"]"},
    {"push", "[\"push\",\"-u\",\"origin\",\"feature/x:refs/heads/feature/x\"]"},
    {"clone", "[\"clone\",\"--depth\",\"1\",\"https://github.com/a/b.git\",\"dest\"]"},
    {"denied", "[\"log\",\"--output=/tmp/x\"]"},
};

static int by_value(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t decide(struct rule_set *set, const char *text) {
  struct facts facts;
  struct verdict verdict;
  int64_t started = now_ns();
  facts_of_text(&facts, bp_str_make(text, strlen(text)));
  rule_set_decide(set, &facts, &verdict);
  int64_t took = now_ns() - started;
  verdict_release(&verdict);
  facts_release(&facts);
  return took;
}

int main(int argc, char **argv) {
  bp_error err = BP_ERROR_INIT;
  size_t rounds = argc == 3 ? (size_t)strtoul(argv[2], NULL, 10) : 0;
  struct rule_set *set = rounds ? rule_set_load(argv[1], "git", &err) : NULL;
  int64_t *took = calloc(rounds + 1, sizeof(*took));
  if (!set || !took) {
    fprintf(stderr, "bench_git_policy SCRIPTS ROUNDS: %s\n", err.message);
    free(took);
    return 1;
  }
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    char text[2048];
    snprintf(
        text, sizeof(text),
        "{\"module\":\"git\",\"action\":\"command\",\"principal\":\"uid:1000\",\"repo\":\"/srv/r/repo\",\"cwd\":\"/srv/r\",\"roots\":[\"/srv/r\"],"
        "\"args\":%s,\"subcommand\":\"%s\"}",
        cases[i].args, cases[i].name);
    for (size_t k = 0; k < rounds; k++)
      took[k] = decide(set, text);
    qsort(took, rounds, sizeof(*took), by_value);
    printf("%s %.2f\n", cases[i].name, (double)took[rounds / 2] / 1000);
  }
  free(took);
  rule_set_free(set);
  return 0;
}
