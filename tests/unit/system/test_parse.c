/* The system module's parsers of /proc and its ways to write numbers. */
#include "../../../modules/system/parse.c"
#include "unit.h"

#define assert_text(expected, call)                                                                                                                  \
  do {                                                                                                                                               \
    bp_str text_ = (call);                                                                                                                           \
    assert_int_equal(text_.len, strlen(expected));                                                                                                   \
    assert_memory_equal(text_.ptr, expected, text_.len);                                                                                             \
  } while (0)

static void test_stat(void **state) {
  struct cpu_ticks before, now;
  unsigned cores = 0;
  (void)state;
  assert_true(parse_stat("cpu  100 10 50 800 40 5 5 0 0 0\ncpu0 1 1 1 1\ncpu1 1 1 1 1\nintr 5\n", &before, &cores));
  assert_int_equal(cores, 2);
  assert_int_equal(before.busy, 170);
  assert_int_equal(before.total, 1010);
  assert_true(parse_stat("cpu  150 10 50 850 40 5 5 0 0 0\ncpu0 1 1 1 1\n", &now, &cores));
  assert_true(cpu_percent(&before, &now) == 50.0);
  assert_true(cpu_percent(&now, &now) == 0.0);
  assert_true(cpu_percent(&now, &before) == 0.0);
  assert_true(parse_stat("cpu 1 2 3 4\n", &now, &cores)); /* a kernel of long ago */
  assert_false(parse_stat("", &now, &cores));
  assert_false(parse_stat("intr 1\n", &now, &cores));
}

static void test_meminfo(void **state) {
  struct memory_kb memory;
  (void)state;
  assert_true(parse_meminfo("MemTotal:  1000 kB\nMemFree:  200 kB\nMemAvailable:  700 kB\nSwapTotal: 10 kB\nSwapFree: 4 kB\n", &memory));
  assert_int_equal(memory.available, 700);
  assert_int_equal(memory.swap_free, 4);
  assert_true(parse_meminfo("MemTotal: 1000 kB\nMemFree: 200 kB\nBuffers: 50 kB\nCached: 100 kB\n", &memory));
  assert_int_equal(memory.available, 350);
  assert_false(parse_meminfo("nothing", &memory));
  assert_false(parse_meminfo("MemTotal: 10 kB\nMemAvailable: 20 kB\n", &memory));
}

static void test_net_dev(void **state) {
  struct net nets[NETS_MOST];
  char text[8192] = "Inter-|   Receive |  Transmit\n face |bytes packets|bytes packets\n";
  (void)state;
  size_t len = strlen(text);
  snprintf(text + len, sizeof(text) - len,
           "    lo: 10 1 0 0 0 0 0 0 20 2 0 0 0 0 0 0\n  eth0:18446744073709551615 3 1 2 0 0 0 0 40 4 5 6 0 0 0 0\nbad: 1 2\n");
  assert_int_equal(parse_net_dev(text, nets), 2);
  assert_string_equal(nets[0].name, "lo");
  assert_int_equal(nets[0].sent_bytes, 20);
  assert_string_equal(nets[1].name, "eth0");
  assert_true(nets[1].received_bytes == UINT64_MAX);
  assert_int_equal(nets[1].errors, 6);
  assert_int_equal(nets[1].dropped, 8);
  assert_int_equal(parse_net_dev("", nets), 0);
  for (len = 0; len + 64 < sizeof(text);)
    len += (size_t)snprintf(text + len, sizeof(text) - len, "e: 1 2 3 4 5 6 7 8 9 10 11 12\n");
  assert_int_equal(parse_net_dev(text, nets), NETS_MOST);
}

static void test_pressure(void **state) {
  struct pressure pressure;
  (void)state;
  assert_true(parse_pressure("some avg10=1.50 avg60=2.00 avg300=0.25 total=123\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=7\n", &pressure));
  assert_true(pressure.some.avg10 == 1.5 && pressure.full.avg10 == 0.5);
  assert_int_equal(pressure.some.total_us, 123);
  assert_true(parse_pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n", &pressure));
  assert_false(pressure.full.is_there);
  assert_false(parse_pressure("", &pressure));
}

static void test_process(void **state) {
  struct process process;
  (void)state;
  assert_true(parse_process("42 (a) b (c)) S 7 42 42 0 -1 4194560 1 2 3 4 11 22 0 0 20 0 3 0 987654 1000 55 1 1\n", &process));
  assert_string_equal(process.name, "a) b (c)");
  assert_int_equal(process.pid, 42);
  assert_int_equal(process.parent, 7);
  assert_int_equal(process.state, 'S');
  assert_int_equal(process.cpu_ticks, 33);
  assert_int_equal(process.threads, 3);
  assert_int_equal(process.started_ticks, 987654);
  assert_int_equal(process.resident_pages, 55);
  assert_false(parse_process("", &process));
  assert_false(parse_process("42 (x) S 7", &process));
  assert_false(parse_process(")42(", &process));
}

static void test_small_files(void **state) {
  double load[3], seconds;
  char model[MODEL_BYTES];
  (void)state;
  assert_true(parse_loadavg("0.50 1.25 2.00 1/100 999\n", load));
  assert_true(load[0] == 0.5 && load[1] == 1.25 && load[2] == 2.0);
  assert_false(parse_loadavg("", load));
  assert_true(parse_uptime("90061.50 1.0\n", &seconds));
  assert_true(seconds == 90061.5);
  parse_cpu_model("processor\t: 0\nmodel name\t: AMD EPYC 7: x\nflags\t: a\n", model);
  assert_string_equal(model, "AMD EPYC 7: x");
  parse_cpu_model("processor : 0\n", model);
  assert_string_equal(model, "unknown");
  parse_cpu_model("model name : no line end", model);
  assert_string_equal(model, "no line end");
}

static void test_numbers(void **state) {
  char text[AMOUNT_BYTES];
  (void)state;
  assert_text("0.00 GB", format_gb(0, text));
  assert_text("1.50 GB", format_gb(1610612736, text));
  assert_text("0d 0h 25m", format_uptime(25 * 60 + 59, text));
  assert_text("1d 1h 1m", format_uptime(90061.5, text));
  assert_text("0d 0h 0m", format_uptime(-5, text));
  assert_text("0", format_df(0, text));
  assert_text("1023", format_df(1023, text));
  assert_text("1.0K", format_df(1024, text));
  assert_text("1.1K", format_df(1025, text));
  assert_text("9.9G", format_df(10630044057u, text));
  assert_text("10G", format_df(10630044058u, text));
  assert_text("252G", format_df(270000000000u, text));
  assert_text("15E", format_df(UINT64_MAX, text));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stat),    cmocka_unit_test(test_meminfo),     cmocka_unit_test(test_net_dev), cmocka_unit_test(test_pressure),
      cmocka_unit_test(test_process), cmocka_unit_test(test_small_files), cmocka_unit_test(test_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
