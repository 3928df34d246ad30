// A load and the target behind the proxy, both in one loop on one core. wrk and nginx together fill a core before a fast
// proxy has filled its own, and what waits there counts as the proxy's. This leaves a fifth to a third of it free.
//
//   loopback TARGET_PORT      answers every request on that port; then, for each line on its input,
//   PORT CONNECTIONS MS       keeps that many connections busy with GETs, one at a time each, for that long,
//                             and prints what load-summary.ts reads
//
// An answer that is not whole, or not the target's, is a failure. Ends with its input.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 4096, EVENTS = 512, BACKLOG = 4096, LONGEST_US = 2000000, LAST_ANSWERS_US = 2000000 };

static const char REQUEST[] = "GET /small HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
static const char BODY[] = "hello, world\n";
static const char ANSWER[] =
    "HTTP/1.1 200 OK\r\nServer: loopback\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nhello, world\n";

enum kind { LISTENER, SERVED, CLIENT, LOST, COMMANDS };

struct connection {
  enum kind kind;
  int fd;
  uint64_t sent_us; // 0: nothing is under way
  size_t length;
  char block[BLOCK];
};

struct run {
  uint64_t requests, failed, ends_us;
  int under_way;
  uint32_t waits[LONGEST_US + 1]; // how many waited for so many microseconds
};

static int loop;
static struct run run;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct connection *watch(int fd, enum kind kind) {
  struct connection *one = calloc(1, sizeof *one);
  if (one == NULL) fail("memory");
  one->kind = kind;
  one->fd = fd;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = one};
  if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  return one;
}

static void forget(struct connection *one) {
  close(one->fd);
  free(one);
}

static int tcp_socket(int port, struct sockaddr_in *address) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, "127.0.0.1", &address->sin_addr);
  return fd;
}

static void listen_on(int port) {
  struct sockaddr_in address;
  int fd = tcp_socket(port, &address);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0) fail("listen");
  watch(fd, LISTENER);
}

static struct connection *connect_to(int port) {
  struct sockaddr_in address;
  int fd = tcp_socket(port, &address);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
  return watch(fd, CLIENT);
}

// Short enough for any socket's buffer: written whole or not at all.
static int say(struct connection *one, const char *text, size_t length) {
  one->length = 0;
  return send(one->fd, text, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static int ask(struct connection *client) {
  client->sent_us = now_us();
  run.under_way += 1;
  return say(client, REQUEST, sizeof REQUEST - 1);
}

// -1: the other side has closed, or sends more than one block.
static int take(struct connection *one) {
  ssize_t got = recv(one->fd, one->block + one->length, BLOCK - one->length, 0);
  if (got <= 0) return -1;
  one->length += got;
  return 0;
}

static const char *end_of_head(const struct connection *one) {
  const char *end = memmem(one->block, one->length, "\r\n\r\n", 4);
  return end == NULL ? NULL : end + 4;
}

static int serve(struct connection *one) {
  if (take(one) != 0) return -1;
  const char *end = end_of_head(one);
  if (end == NULL) return 0;
  if (end != one->block + one->length) return -1;
  return say(one, ANSWER, sizeof ANSWER - 1) ? 0 : -1;
}

static int hear(struct connection *client) {
  if (take(client) != 0 || client->sent_us == 0) return -1;
  const char *end = end_of_head(client);
  size_t body = sizeof BODY - 1;
  if (end == NULL || client->block + client->length < end + body) return 0;
  if (client->block + client->length != end + body || memcmp(end, BODY, body) != 0) return -1;
  if (memcmp(client->block, "HTTP/1.1 200 ", 13) != 0) return -1;
  uint64_t now = now_us(), wait = now - client->sent_us;
  client->sent_us = 0;
  run.under_way -= 1;
  run.requests += 1;
  run.waits[wait < LONGEST_US ? wait : LONGEST_US] += 1;
  return now >= run.ends_us || ask(client) ? 0 : -1;
}

static void lose(struct connection *client) {
  if (client->sent_us != 0) run.under_way -= 1;
  run.failed += 1;
  epoll_ctl(loop, EPOLL_CTL_DEL, client->fd, NULL);
  client->kind = LOST;
}

// Whether something came on the input.
static int turn(int timeout_ms) {
  struct epoll_event events[EVENTS];
  int count = epoll_wait(loop, events, EVENTS, timeout_ms), commands = 0;
  if (count < 0 && errno != EINTR) fail("epoll_wait");
  for (int index = 0; index < count; index += 1) {
    struct connection *one = events[index].data.ptr;
    if (one->kind == COMMANDS) commands = 1;
    else if (one->kind == CLIENT && hear(one) != 0) lose(one);
    else if (one->kind == SERVED && serve(one) != 0) forget(one);
    else if (one->kind == LISTENER) {
      int fd = accept4(one->fd, NULL, NULL, SOCK_CLOEXEC), on = 1;
      if (fd < 0) continue;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch(fd, SERVED);
    }
  }
  return commands;
}

static unsigned quantile(double share) {
  uint64_t rank = share * run.requests, seen = 0;
  for (unsigned wait = 0; wait < LONGEST_US; wait += 1) {
    seen += run.waits[wait];
    if (seen > rank) return wait;
  }
  return LONGEST_US;
}

static void load(int port, int connections, uint64_t milliseconds) {
  memset(&run, 0, sizeof run);
  struct connection *clients[connections];
  for (int index = 0; index < connections; index += 1) clients[index] = connect_to(port);
  uint64_t begins_us = now_us();
  run.ends_us = begins_us + milliseconds * 1000;
  for (int index = 0; index < connections; index += 1)
    if (!ask(clients[index])) lose(clients[index]);
  while (run.under_way > 0 && now_us() < run.ends_us + LAST_ANSWERS_US) turn(100);
  run.failed += run.under_way;
  printf("{\"requests\":%lu,\"durationMicroseconds\":%lu,\"p50Microseconds\":%u,\"p99Microseconds\":%u,\"failed\":%lu}\n",
         run.requests, now_us() - begins_us, quantile(0.5), quantile(0.99), run.failed);
  fflush(stdout);
  for (int index = 0; index < connections; index += 1) forget(clients[index]);
}

int main(int count, char **arguments) {
  if (count != 2) {
    fprintf(stderr, "usage: loopback TARGET_PORT; then lines of PORT CONNECTIONS MS\n");
    return 2;
  }
  loop = epoll_create1(EPOLL_CLOEXEC);
  listen_on(atoi(arguments[1]));
  watch(STDIN_FILENO, COMMANDS);
  for (;;) {
    if (!turn(-1)) continue;
    char line[128];
    ssize_t length = read(STDIN_FILENO, line, sizeof line - 1);
    if (length <= 0) return 0;
    line[length] = '\0';
    int port, connections, milliseconds;
    if (sscanf(line, "%d %d %d", &port, &connections, &milliseconds) == 3) load(port, connections, milliseconds);
    else fprintf(stderr, "not PORT CONNECTIONS MS: %s", line);
  }
}
