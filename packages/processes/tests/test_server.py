from __future__ import annotations

import io
import pickle
import signal
import sys
from typing import Any

import pytest

from eventlet.processes import _server
from eventlet.processes._child import dereference
from eventlet.processes._server import CANCEL, HEADER, Server, decode, encode, heed, serve


class Reference:
    """Pickled as a parent pickles an object of its child."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[Any, ...]:
        return dereference, (self.number,)


def ask(server: Server, operation: str, *args: Any, unneeded: tuple[int, ...] = ()) -> Any:
    return decode(server.answer(pickle.dumps((unneeded, operation, 0, args))))


def test_what_cannot_change_is_copied() -> None:
    server = Server()
    for value in (None, True, 1, 2.5, 1j, "text", b"bytes", (1, ("a", frozenset([2]))), ...):
        assert ask(server, "apply", min, ([value],), {}) == ("value", value)
        assert ask(server, "call", min, ([value],), {}) == ("value", value)


@pytest.mark.parametrize("value", [[1], {"a": 1}, ([],), bytearray(b"x"), io.StringIO()])
def test_what_can_change_stays(value: Any) -> None:
    server = Server()
    reply = ask(server, "call", eval, ("value", {"value": 1} if value is None else {}), {})
    assert reply[0] == "error"
    assert server._return(value) == ("object", 1, type(value).__qualname__)
    assert server._objects == {1: value}


def test_objects_are_found_by_their_numbers() -> None:
    server = Server()
    assert ask(server, "adopt", [1, 2]) == ("object", 1, "list")
    assert ask(server, "getitem", Reference(1), 1) == ("value", 2)
    assert ask(server, "copy", Reference(1)) == ("value", [1, 2])
    assert ask(server, "getattr", Reference(1), "append") == ("method",)
    assert ask(server, "callmethod", Reference(1), "append", (3,), {}) == ("value", None)
    assert ask(server, "len", Reference(1)) == ("value", 3)


def test_objects_are_forgotten() -> None:
    server = Server()
    ask(server, "adopt", [1, 2])
    assert ask(server, "status", unneeded=(1,))[1]["object_count"] == 0
    assert ask(server, "len", Reference(1))[:3] == (
        "error",
        pickle.dumps(KeyError(1), 5),
        "KeyError: 1",
    )


def test_modules_are_imported_by_name() -> None:
    server = Server()
    assert ask(server, "import", "os.path") == ("object", 1, "module")
    assert ask(server, "getattr", Reference(1), "sep")[0] == "value"


def test_attributes_that_are_not_to_be_called() -> None:
    server = Server()
    ask(server, "adopt", 1 + 2j)
    assert ask(server, "getattr", Reference(1), "imag") == ("value", 2.0)
    assert ask(server, "dir", Reference(1))[1] == tuple(dir(1j))


def test_errors_are_described() -> None:
    kind, pickled, description, text = ask(Server(), "apply", int, ("x",), {})
    assert kind == "error"
    assert isinstance(pickle.loads(pickled), ValueError)
    assert description.startswith("ValueError: invalid literal")
    assert text.startswith("Traceback")


def test_errors_that_cannot_be_pickled() -> None:
    script = "class Odd(Exception): pass\nraise Odd('here')"
    kind, pickled, description, _ = ask(Server(), "apply", exec, (script, {"__name__": "m"}), {})
    assert (kind, pickled, description) == ("error", None, "Odd: here")


def test_results_that_cannot_be_pickled() -> None:
    kind, *_ = ask(Server(), "apply", eval, ("lambda: 1",), {})
    assert kind == "error"


def test_unknown_operations_are_errors() -> None:
    assert ask(Server(), "explode")[2] == "KeyError: 'explode'"


def test_even_an_exit_is_an_answer() -> None:
    error = pickle.loads(ask(Server(), "apply", sys.exit, (3,), {})[1])
    assert isinstance(error, SystemExit)
    assert error.code == 3


def test_the_path_is_that_of_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["old"])
    assert ask(Server(), "path", ["new", "ones"]) == ("value", None)
    assert sys.path == ["new", "ones"]


def test_the_program_is_imported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from multiprocessing import spawn

    seen = []

    def prepare(data: dict[str, Any]) -> None:
        seen.append((data, hasattr(sys, "_eventlet_imports_main")))

    monkeypatch.setattr(spawn, "prepare", prepare)
    assert ask(Server(), "main", {"sys_argv": []}) == ("value", None)
    assert seen == [({"sys_argv": []}, True)]
    assert not hasattr(sys, "_eventlet_imports_main")


def test_replies_are_written_in_as_many_portions_as_it_takes() -> None:
    class Narrow(io.BytesIO):
        def write(self, data: Any, /) -> int:
            return super().write(data[:5])

    request = encode(((), "apply", 0, (bytes, (1000,), ())))
    replies = Narrow()
    serve(io.BytesIO(HEADER.pack(len(request), 7) + request), replies, Server())
    length, number = HEADER.unpack(replies.getvalue()[: HEADER.size])
    assert number == 7
    assert len(replies.getvalue()) == HEADER.size + length > 1000


def test_requests_are_served_to_their_end() -> None:
    request = encode(((), "status", 0, ()))
    frame = HEADER.pack(len(request), 7) + request
    for rest in (b"", frame[:5], frame[:-1]):
        replies = io.BytesIO()
        serve(io.BytesIO(frame + rest), replies, Server())
        length, number = HEADER.unpack_from(replies.getvalue())
        assert number == 7
        assert len(replies.getvalue()) == HEADER.size + length


def test_the_file_is_enough(command: Any) -> None:
    with open(_server.__file__, encoding="utf-8") as file:
        assert "from ." not in file.read()


@pytest.mark.parametrize("message", [(), (1, ("a", None)), ("x", NotImplemented), ([1], 2)])
def test_messages_come_as_they_were(message: tuple[Any, ...]) -> None:
    assert decode(encode(message)) == message


def test_plain_requests_name_their_object() -> None:
    server = Server()
    ask(server, "adopt", [1, 2])
    assert decode(server.answer(encode(((), "getitem", 1, (1,))))) == ("value", 2)


class TestCancelling:
    def test_one_that_is_still_to_come(self) -> None:
        server = Server()
        server.cancel(7)
        request = encode(((), "status", 0, ()))
        assert "KeyboardInterrupt" in decode(server.answer(request, 7))[2]
        assert decode(server.answer(request, 7))[0] == "value"

    def test_one_that_runs(self) -> None:
        server = Server()
        reached: list[int] = []

        def run() -> None:
            server.cancel(7)
            server.interrupt()
            reached.append(1)

        server._special["run"] = run  # type: ignore[assignment]
        request = encode(((), "run", 0, ()))
        assert "KeyboardInterrupt" in decode(server.answer(request, 7))[2]
        assert not reached

    def test_another_one_runs_on(self) -> None:
        server = Server()

        def run() -> tuple[Any, ...]:
            server.cancel(8)
            server.interrupt()
            return ("value", "done")

        server._special["run"] = run
        assert decode(server.answer(encode(((), "run", 0, ())), 7)) == ("value", "done")

    @pytest.mark.parametrize("is_posix", [True, False])
    def test_the_main_thread_is_interrupted(
        self, is_posix: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        interrupted: list[Any] = []
        if is_posix:
            monkeypatch.setattr(
                signal,
                "pthread_kill",
                lambda *args: interrupted.append(args),
                raising=False,
            )
        else:
            monkeypatch.delattr(signal, "pthread_kill", raising=False)
            monkeypatch.setattr(_server, "interrupt_main", interrupted.append)
        server = Server()
        heed(io.BytesIO(CANCEL.pack(3) + b"half"), server, 11)
        assert server._cancelled == {3}
        assert interrupted == [(11, _server._INTERRUPT) if is_posix else _server._INTERRUPT]
