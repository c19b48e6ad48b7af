"""A server in one process, the load in another, and the conversation with both."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from benchmarks.subject import Work

_HERE = Path(__file__).parent


class NoCompiler(RuntimeError):
    """The other side of what is measured is written in C, and there is no C compiler."""


@cache
def _compiled(name: str) -> str:
    """Compile one of the programs beside this file, and return where it is."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NoCompiler(
            "install a C compiler (cc) for the subjects on the network, or leave them out"
        )
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
    atexit.register(process.kill)
    if sys.platform == "linux":
        os.sched_setaffinity(process.pid, {core})
    return process


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
    """Return the seconds that all threads of a process have run (proc(5), schedstat)."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text("ascii").split()[0]) for thread in threads) / 1e9


def echo(contender: str, *, busy: int, idle: int = 0, size: int = 64) -> Work:
    """Return the work of exchanging messages with a contender's echo server.

    The server has the core of the process that this is called in, the load another one. What
    counts is the processor time of the server: how much it can serve when it has a core for
    itself, however busy the machine is just now.
    """
    here, other = _cores()
    server = _start(sys.executable, "-m", "benchmarks.subjects._servers", contender, core=here)
    port = _ask(server)
    options = (str(number) for number in (port, busy, idle, size))
    load = _start(_compiled("_load"), *options, core=other)
    _ask(load, "1")  # once all connections are there

    def work(repeats: int) -> tuple[float, float]:
        before = _processor_time(server.pid)
        done = _ask(load, str(repeats * 100))
        return done, _processor_time(server.pid) - before

    return work


def start_pages(size: int) -> str:
    """Start a web server on another core whose pages have so many bytes; return its URL."""
    server = _start(_compiled("_pages"), str(size), core=_cores()[1])
    return f"http://127.0.0.1:{_ask(server)}/"
