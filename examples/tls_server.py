"""A TLS server that answers each line with the same in capitals.

    python tls_server.py CERTIFICATE KEY [PORT]

A handshake that stalls, or a client that falls silent, costs one green thread and ends in time.
"""

import sys

from eventlet.greensocket import listen, serve, socket, ssl

# How long a client may take for its handshake, and for a line, in seconds.
LIMIT = 30.0
LONGEST_LINE = 8192


def main(certificate: str, key: str, port: str = "8443") -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    with listen(("127.0.0.1", int(port))) as listener:
        print("listening on port", listener.getsockname()[1], flush=True)
        serve(listener, lambda connection, _: answer(context, connection))


def answer(context: ssl.SSLContext, connection: socket.socket) -> None:
    connection.settimeout(LIMIT)
    try:
        # Here and not in the listener, where a slow handshake would hold up everybody.
        with context.wrap_socket(connection, server_side=True) as secure:
            with secure.makefile("rb") as lines:
                while line := lines.readline(LONGEST_LINE):
                    secure.sendall(line.upper())
    except OSError as error:  # what TLS finds wrong is an OSError, too
        print("a client was lost:", error, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
