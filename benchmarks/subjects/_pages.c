/* The server of the HTTP client subjects: answers every request with a page of SIZE bytes.
 *
 * Usage: pages SIZE [HOSTS]
 * Listens on 127.0.0.1, prints the port, keeps connections alive, and understands no more of HTTP
 * than the empty line at the end of a request without a body. With HOSTS, listens on so many
 * addresses from 127.0.1.1 on, on the same port, and closes a connection after one response.
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

static char *make_page(int size, int keeps_alive, int *length) {
    char *page = malloc(size + 256);
    int head = sprintf(page,
        "HTTP/1.1 200 OK\r\nServer: pages\r\nContent-Type: text/plain\r\n"
        "Content-Length: %d\r\nConnection: %s\r\n\r\n", size,
        keeps_alive ? "keep-alive" : "close");
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

/* Listen on an address in host order, and on any port if that is 0, which becomes known then. */
static int listen_on(in_addr_t host, in_port_t *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = *port};
    socklen_t size = sizeof address;
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(host);
    /* For the ports whose connections we were the first to close. */
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size)) fail("bind");
    if (listen(listener, 1024)) fail("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    *port = address.sin_port;
    return listener;
}

int main(int argc, char **argv) {
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: pages SIZE [HOSTS]\n");
        return 2;
    }
    int length, one = 1, poller = epoll_create1(0), hosts = argc == 3 ? atoi(argv[2]) : 0;
    char *page = make_page(atoi(argv[1]), !hosts, &length), request[8192];
    struct epoll_event events[256];
    in_port_t port = 0;
    int first = 0, last = 0;

    if (!hosts) first = last = listen_on(INADDR_LOOPBACK, &port);
    for (int i = 1; i <= hosts; i++) {
        last = listen_on(INADDR_LOOPBACK - 1 + 256 + i, &port);
        if (!first) first = last;
    }
    printf("%d\n", ntohs(port));
    fflush(stdout);
    for (int fd = first; fd <= last; fd++) watch(poller, fd);
    for (;;) {
        int ready = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd >= first && fd <= last) {
                int connection = accept(fd, NULL, NULL);
                if (connection < 0) continue;
                setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                watch(poller, connection);
                continue;
            }
            /* The requests here fit into one segment: one that ends here has come whole. */
            ssize_t got = recv(fd, request, sizeof request, 0);
            if (got <= 0) close(fd);
            else if (got >= 4 && !memcmp(request + got - 4, "\r\n\r\n", 4)) {
                send_all(fd, page, length);
                if (hosts) close(fd);
            }
        }
    }
}
