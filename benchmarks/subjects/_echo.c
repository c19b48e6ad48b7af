/* An echo server on epoll: what a machine could do at best with one core.
 *
 * Prints its port, and serves until killed. Sending never blocks here: the load waits for each
 * message before it sends the next.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[4096];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    struct epoll_event events[256], event = {.events = EPOLLIN};
    int listener = socket(AF_INET, SOCK_STREAM, 0), poller = epoll_create1(0);
    if (listener < 0 || poller < 0) fail("socket");
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 1024)) fail("listen");
    if (getsockname(listener, (struct sockaddr *)&address, &length)) fail("getsockname");
    event.data.fd = listener;
    if (epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event)) fail("epoll_ctl");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int ready = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                event.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                if (event.data.fd < 0) fail("accept");
                if (epoll_ctl(poller, EPOLL_CTL_ADD, event.data.fd, &event)) fail("epoll_ctl");
                continue;
            }
            ssize_t got = recv(fd, buffer, sizeof buffer, 0);
            if (got <= 0) close(fd);
            else if (send(fd, buffer, got, 0) != got) fail("send");
        }
    }
}
