/* The server of the HTTP client subject: answers every request with a page of SIZE bytes.
 *
 * Usage: pages SIZE
 * Listens on 127.0.0.1, prints the port, keeps connections alive, and understands no more of HTTP
 * than the empty line at the end of a request without a body.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void watch(int poller, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
}

static char *make_page(int size, int *length) {
    char *page = malloc(size + 256);
    int head = sprintf(page,
        "HTTP/1.1 200 OK\r\nServer: pages\r\nContent-Type: text/plain\r\n"
        "Content-Length: %d\r\nConnection: keep-alive\r\n\r\n", size);
    memset(page + head, 'x', size);
    *length = head + size;
    return page;
}

static void send_all(int fd, const char *data, int length) {
    while (length) {
        ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
        if (sent <= 0) return;
        data += sent;
        length -= sent;
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: pages SIZE\n");
        return 2;
    }
    int length, one = 1, poller = epoll_create1(0), listener = socket(AF_INET, SOCK_STREAM, 0);
    char *page = make_page(atoi(argv[1]), &length), request[8192];
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    struct epoll_event events[256];

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size)) fail("bind");
    if (listen(listener, 1024)) fail("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    watch(poller, listener);
    for (;;) {
        int ready = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int connection = accept(listener, NULL, NULL);
                if (connection < 0) continue;
                setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                watch(poller, connection);
                continue;
            }
            /* The requests here fit into one segment: one that ends here has come whole. */
            ssize_t got = recv(fd, request, sizeof request, 0);
            if (got <= 0) close(fd);
            else if (got >= 4 && !memcmp(request + got - 4, "\r\n\r\n", 4))
                send_all(fd, page, length);
        }
    }
}
