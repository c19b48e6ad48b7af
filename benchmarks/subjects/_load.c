/* The client of the echo subjects: fast enough for what is measured to be the server.
 *
 * Usage: load PORT BUSY IDLE SIZE
 * Opens BUSY + IDLE connections to 127.0.0.1. For each line "N" on standard input, each busy
 * connection sends SIZE bytes and waits for as many, until there were N such round trips in all;
 * then prints a line with that number.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[65536];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int open_connection(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (fd < 0) fail("socket");
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* Wait for one echo: the server is known to have accepted the connection then. */
static void greet(int fd, int size) {
    int got = 0;
    if (send(fd, buffer, size, 0) != size) fail("send");
    while (got < size) {
        ssize_t more = recv(fd, buffer, size - got, 0);
        if (more <= 0) fail("recv");
        got += more;
    }
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: load PORT BUSY IDLE SIZE\n");
        return 2;
    }
    int port = atoi(argv[1]), busy = atoi(argv[2]), idle = atoi(argv[3]), size = atoi(argv[4]);
    int poller = epoll_create1(0);
    int *fds = calloc(busy, sizeof *fds), *left = calloc(FD_SETSIZE * 64, sizeof *left);
    struct epoll_event events[256];
    char line[64];

    for (int i = 0; i < idle; i++) greet(open_connection(port), size);
    for (int i = 0; i < busy; i++) {
        struct epoll_event event = {.events = EPOLLIN};
        fds[i] = event.data.fd = open_connection(port);
        greet(fds[i], size);
        if (epoll_ctl(poller, EPOLL_CTL_ADD, fds[i], &event)) fail("epoll_ctl");
    }
    while (fgets(line, sizeof line, stdin)) {
        long wanted = atol(line), started = 0, ended = 0;
        for (int i = 0; i < busy && started < wanted; i++, started++) {
            left[fds[i]] = size;
            if (send(fds[i], buffer, size, 0) != size) fail("send");
        }
        while (ended < wanted) {
            int ready = epoll_wait(poller, events, 256, -1);
            if (ready < 0 && errno != EINTR) fail("epoll_wait");
            for (int i = 0; i < ready; i++) {
                int fd = events[i].data.fd;
                ssize_t got = recv(fd, buffer, left[fd], 0);
                if (got <= 0) fail("recv");
                left[fd] -= got;
                if (left[fd]) continue;
                ended++;
                if (started < wanted) {
                    started++;
                    left[fd] = size;
                    if (send(fd, buffer, size, 0) != size) fail("send");
                }
            }
        }
        printf("%ld\n", ended);
        fflush(stdout);
    }
    return 0;
}
