"""The chat server of the examples."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eventlet.greensocket import connect

Address = tuple[str, int]


@pytest.fixture
def address(examples: Path) -> Iterator[Address]:
    """Run the server in a process of its own; its address."""
    command = [sys.executable, "-W", "error", str(examples / "chat_server.py"), "127.0.0.1", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        found = re.fullmatch(r"chatting at (.+):(\d+)\n", process.stdout.readline())
        assert found is not None
        yield found[1], int(found[2])
        process.terminate()
        assert not process.stderr.read()


def say(file: Any, lines: bytes) -> None:
    file.write(lines)
    file.flush()


def join(address: Address, name: str) -> Any:
    with connect(address, timeout=30) as sock:
        sock.settimeout(30)
        file = sock.makefile("rwb")
    assert file.readline() == b"What is your name?\n"
    say(file, name.encode() + b"\n")
    assert file.readline().startswith(f"Hello {name}!".encode())
    return file


def test_what_one_types_is_shown_to_the_others(address: Address) -> None:
    with join(address, "one") as one, join(address, "two") as two, join(address, "three") as three:
        say(one, "hällo\x1b[2J\r\n".encode())
        for other in (two, three):
            assert other.readline().decode() == "one: hällo[2J\n"
        say(two, b"\n/who\n")
        assert two.readline() == b"3 here: one, two, three\n"
        say(three, b"/quit\n")
        assert three.readline() == b""
        say(two, b"bye\n")
        assert one.readline() == b"two: bye\n"


def test_names_are_taken_once(address: Address) -> None:
    with join(address, "one"), connect(address) as late, late.makefile("rwb") as file:
        file.readline()
        for name in (b"one\n", b"\n"):
            say(file, name)
            assert file.readline() == b"That name is taken; another one?\n"
        say(file, b"another\n")
        assert file.readline().startswith(b"Hello another!")


def test_who_does_not_read_is_shown_out_and_holds_up_nobody(address: Address) -> None:
    with join(address, "deaf"), join(address, "one") as one, join(address, "two") as two:
        names = b""
        while b"deaf" in names or not names:
            say(one, (b"x" * 1000 + b"\n") * 100 + b"/who\n")
            names = one.readline()
            for _ in range(100):
                assert len(two.readline()) == len("one: ") + 1001
        assert names == b"2 here: one, two\n"


def test_two_hundred_guests(examples: Path) -> None:
    script = examples.parent / "tests" / "soak_chat.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), "--clients", "200"],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("200 clients joined in ")
