/* Running the real host binary; see host_process.h. */
#include "host_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void pause_ms(long ms) {
  const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static void require(bool is_fine, const char *what) {
  if (is_fine)
    return;
  perror(what);
  abort();
}

static struct sockaddr_in address_of(int port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
}

/* A port that is free now. */
static int free_port(void) {
  struct sockaddr_in address = address_of(0);
  socklen_t len = sizeof(address);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  require(fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 && getsockname(fd, (struct sockaddr *)&address, &len) == 0, "free port");
  close(fd);
  return ntohs(address.sin_port);
}

static void write_config(const struct host_process *host, const char *modules) {
  char path[128];
  snprintf(path, sizeof(path), "%s/backplane.lua", host->folder);
  FILE *file = fopen(path, "w");
  require(file, path);
  fprintf(file, "listen \"127.0.0.1:%d\"\n%s\n", host->port, modules);
  fclose(file);
}

static void run_host(const struct host_process *host) {
  char config[128], state[128], log[128];
  snprintf(config, sizeof(config), "%s/backplane.lua", host->folder);
  snprintf(state, sizeof(state), "%s/state", host->folder);
  snprintf(log, sizeof(log), "%s/log", host->folder);
  int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(fd, STDERR_FILENO);
  dup2(fd, STDOUT_FILENO);
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing behind */
  execl(HOST_BINARY, HOST_BINARY, "run", "--config", config, "--state", state, "--modules", PLUGIN_FOLDER, (char *)NULL);
  _exit(127);
}

void host_start(struct host_process *host) {
  host->pid = fork();
  require(host->pid >= 0, "fork");
  if (host->pid == 0)
    run_host(host);
}

void host_begin(struct host_process *host, const char *modules) {
  snprintf(host->folder, sizeof(host->folder), "/tmp/backplane-bad-XXXXXX");
  require(mkdtemp(host->folder), "mkdtemp");
  host->port = free_port();
  write_config(host, modules);
  host_start(host);
}

void host_reconfigure(struct host_process *host, const char *modules) {
  write_config(host, modules);
  kill(host->pid, SIGHUP);
}

const char *host_log(const struct host_process *host) {
  static char text[256 * 1024];
  char path[128];
  snprintf(path, sizeof(path), "%s/log", host->folder);
  FILE *file = fopen(path, "r");
  size_t len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
  text[len] = '\0';
  if (file)
    fclose(file);
  return text;
}

bool host_log_has(const struct host_process *host, const char *text, int seconds) {
  for (int i = 0; i < seconds * 50; i++) {
    if (strstr(host_log(host), text))
      return true;
    pause_ms(20);
  }
  return false;
}

static size_t exchange(int fd, const char *path, int port, char *answer, size_t size) {
  size_t len = 0;
  ssize_t got;
  dprintf(fd, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n", path, port);
  while (len < size - 1 && (got = read(fd, answer + len, size - 1 - len)) > 0)
    len += (size_t)got;
  answer[len] = '\0';
  return len;
}

int host_get(const struct host_process *host, const char *path, const char **ret_body) {
  static char answer[64 * 1024];
  struct sockaddr_in address = address_of(host->port);
  const struct timeval limit = {.tv_sec = 20};
  int status = 0;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  answer[0] = '\0';
  if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && exchange(fd, path, host->port, answer, sizeof(answer)) > 12)
    status = (int)strtol(answer + 9, NULL, 10);
  close(fd);
  const char *body = strstr(answer, "\r\n\r\n");
  if (ret_body)
    *ret_body = body ? body + 4 : "";
  return status;
}

int host_wait(struct host_process *host) {
  int status = -1;
  for (int i = 0; i < 40 * 50; i++) {
    if (waitpid(host->pid, &status, WNOHANG) == host->pid) {
      host->pid = 0;
      return status;
    }
    pause_ms(20);
  }
  kill(host->pid, SIGKILL);
  waitpid(host->pid, &status, 0);
  host->pid = 0;
  return -1; /* it did not end by itself */
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  (void)st;
  (void)type;
  (void)ftw;
  return remove(path);
}

int host_end(struct host_process *host) {
  int status = 0;
  if (host->pid) {
    kill(host->pid, SIGTERM);
    status = host_wait(host);
  }
  nftw(host->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
  return status;
}
