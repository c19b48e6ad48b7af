"""A server in one process, the load in another, and the conversation with both."""

import atexit
import ctypes
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

from benchmarks.subject import Work

_HERE = Path(__file__).parent
# What a contender's server runs under, as a command line: something that watches it.
UNDER = "BENCHMARKS_SERVER_UNDER"
# The process identifiers of the servers that were started here.
servers: list[int] = []


def find_compiler() -> str | None:
    """Return the C compiler of this machine, if there is one."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


@cache
def compiled(name: str) -> str:
    """Compile one of the programs beside this file, and return where it is."""
    compiler = find_compiler()
    if compiler is None:
        raise RuntimeError(f"{name}.c can't be compiled: install a C compiler (cc)")
    folder = tempfile.mkdtemp(prefix="eventlet-benchmarks-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    program = str(Path(folder, name))
    subprocess.run([compiler, "-O2", "-o", program, str(_HERE / f"{name}.c")], check=True)
    return program


def _cores() -> tuple[int, int]:
    """Return the core that this process has, and another one if there is any."""
    if sys.platform != "linux":
        return 0, 0
    mine = os.sched_getaffinity(0)
    others = set(range(os.cpu_count() or 1)) - mine
    return min(mine), min(others or mine)


def _start(*command: str, core: int) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    atexit.register(_end, process)
    if sys.platform == "linux":
        os.sched_setaffinity(process.pid, {core})
    return process


def _end(process: "subprocess.Popen[str]") -> None:
    """End a process so that what watches it can still report."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


def _ask(process: "subprocess.Popen[str]", line: str = "") -> int:
    assert process.stdin is not None
    assert process.stdout is not None
    if line:
        process.stdin.write(line + "\n")
    answer = process.stdout.readline()
    if not answer:
        raise RuntimeError(f"{process.args!r} ended with status {process.wait()}")
    return int(answer)


def _processor_time(pid: int) -> float:
    """Return the seconds that a process has run, with all threads that it has and had.

    Raises:
        OSError: this can't be had of another process here; see clock_getcpuclockid(3).
    """
    clock = ctypes.c_int()
    error = ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock))
    if error:
        raise OSError(error, os.strerror(error))
    return time.clock_gettime(clock.value)


def echo(contender: str, *, busy: int, idle: int = 0, size: int = 64, kind: str = "plain") -> Work:
    """Return the work of exchanging messages with a contender's echo server.

    The server has the core of the process that this is called in, the load another one. What
    counts is the processor time of the server: how much it can serve when it has a core for
    itself, however busy the machine is just now.
    """
    server, port = _serve(contender, kind)
    load = _start(compiled("_load"), *map(str, (port, busy, idle, size)), core=_cores()[1])
    return _under(load, server)


def echo_over_tls(contender: str, *, busy: int, size: int = 64) -> Work:
    """Return the work of exchanging messages with a contender's echo server over TLS."""
    return _over_tls(contender, "echo", busy, size)


def shake_hands(contender: str) -> Work:
    """Return the work of beginning and ending TLS with a contender's server."""
    return _over_tls(contender, "handshakes", 1, 1)


def memory_of_idle(contender: str, connections: int) -> Work:
    """Return the work of measuring what a connection costs a contender that says nothing."""

    def work(_: int) -> float:
        server, port = _serve(contender, "plain")
        options = str(port), "1", str(connections), "64"
        first = _start(compiled("_load"), str(port), "50", "0", "64", core=_cores()[1])
        _ask(first, "50")  # brings in what all of them share
        before = _private_memory(server.pid)
        load = _start(compiled("_load"), *options, core=_cores()[1])
        _ask(load, "1")
        return (_private_memory(server.pid) - before) / connections

    return work


def _private_memory(pid: int) -> int:
    """Return the bytes that a process shares with no other (proc(5), smaps_rollup)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def _over_tls(contender: str, what: str, busy: int, size: int) -> Work:
    server, port = _serve(contender, "tls")
    options = what, *map(str, (port, busy, size))
    command = (sys.executable, "-m", "benchmarks.subjects._tls_load")
    return _under(_start(*command, *options, core=_cores()[1]), server)


def _serve(contender: str, kind: str) -> tuple["subprocess.Popen[str]", int]:
    """Start a contender's server on the core of this process; return it and its port."""
    under = shlex.split(os.environ.get(UNDER, ""))
    command = (*under, sys.executable, "-m", "benchmarks.subjects._servers", contender, kind)
    server = _start(*command, core=_cores()[0])
    servers.append(server.pid)
    return server, _ask(server)


def _under(load: "subprocess.Popen[str]", server: "subprocess.Popen[str]") -> Work:
    _ask(load, "1")  # once all connections are there

    def work(repeats: int) -> tuple[float, float]:
        before = _processor_time(server.pid)
        done = _ask(load, str(repeats * 100))
        return done, _processor_time(server.pid) - before

    return work


def start_pages(size: int) -> str:
    """Start a web server on another core whose pages have so many bytes; return its URL.

    It is nginx, or a server of our own where there is none.
    """
    nginx = shutil.which("nginx", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))
    if nginx is not None:
        return _start_nginx(nginx, size)
    server = _start(compiled("_pages"), str(size), core=_cores()[1])
    return f"http://127.0.0.1:{_ask(server)}/"


# Connections live for ever, as no client here closes one.
_NGINX = """\
daemon off; worker_processes 1; {affinity} pid nginx.pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{ listen 127.0.0.1:{port} backlog=1024; root pages; index page; }}
}}
"""


def _start_nginx(program: str, size: int) -> str:
    folder = tempfile.mkdtemp(prefix="eventlet-benchmarks-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Path(folder, "pages").mkdir()
    Path(folder, "pages", "page").write_bytes(b"x" * size)
    os.chmod(folder, 0o755)  # its workers may belong to another user
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    core = _cores()[1]
    # Of the worker, which is there before the process that starts it can be moved.
    affinity = f"worker_cpu_affinity {1 << core:b};" if sys.platform == "linux" else ""
    Path(folder, "nginx.conf").write_text(_NGINX.format(port=port, affinity=affinity), "ascii")
    _start(program, "-p", folder, "-c", "nginx.conf", "-e", "stderr", core=core)
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return f"http://127.0.0.1:{port}/"


def start_hosts(size: int, hosts: int) -> list[str]:
    """Start a web server on another core that is many hosts; return their URLs.

    It closes each connection after one response.
    """
    server = _start(compiled("_pages"), str(size), str(hosts), core=_cores()[1])
    port = _ask(server)
    return [f"http://127.0.1.{host}:{port}/" for host in range(1, hosts + 1)]
