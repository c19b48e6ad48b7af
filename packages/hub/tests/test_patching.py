"""The standard library made green, and native again."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PathDistribution
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from eventlet import hub
from eventlet.hub import HubBusy, _originals, patching, spawn

# In a tuple, where patching doesn't find it.
NATIVE = (time.sleep,)

# What a distribution that can patch looks like. Its target is a module of its own, so that the
# tests break nothing but that.
GREEN = """
import fake_standard
from eventlet.hub.patching import Patch

def work(): return "green"
class Thing(fake_standard.Thing):
    kind = "green"
def more(): return "more green"

finished = []

def first(): return Patch("fake_standard", {"work": work, "Thing": Thing, "missing": 1},
                          keep=("fake_kept",), rebase=("Thing",), finish=finish)
def second(): return [Patch("fake_standard", {"more": more}), Patch("fake_other", {"more": more})]
def broken(): raise ImportError("its own dependency is missing")

def finish(changes):
    import fake_standard
    fake_standard.LIVE.append("green")
    changes.add("the live list", fake_standard.LIVE.clear)
    changes.fail("the moon", "is out of reach")
    changes.set(fake_standard, "extra", "green", "an extra")
"""
STANDARD = """
def work(): return "native"
def more(): return "native"
def uses(): return work()
class Thing:
    kind = "native"
class Fixed:
    __slots__ = ()
LIVE = []
"""
USER = """
import enum
import fake_standard
from fake_standard import work, Thing, work as renamed
class Holder:
    action = staticmethod(work)
    plain = Thing
    class Inner:
        action = staticmethod(work)
    def method(self, action=work): return action()
    @classmethod
    def by_class(cls, *, action=work): return action()
def function(action=work, *, other=1): return action()
def by_keyword(*, action=work, other=1): return action()
class Sub(Thing): pass
class Rigid(enum.Enum):
    ONE = Thing
class Stubborn(type):
    def __setattr__(cls, name, value): raise TypeError(f"{name} stays as it is")
class Unwilling(metaclass=Stubborn):
    action = work
instance = Sub()
Holder.itself = Holder
"""


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install a distribution with patches, and some modules that are affected."""
    for name, source in {
        "fake_green": GREEN,
        "fake_standard": STANDARD,
        "fake_other": STANDARD,
        "fake_user": USER,
        "fake_kept": "from fake_standard import work",
        "fake_later": "from fake_standard import work\ndef function(action=work): return action()",
    }.items():
        (tmp_path / f"{name}.py").write_text(source)
    metadata = tmp_path / "fake_green-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-green\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        textwrap.dedent("""
            [eventlet.patches]
            fake_standard = fake_green:first
            fake_family = fake_green:second
            time = eventlet.hub._patches:time
        """)
    )
    monkeypatch.syspath_prepend(tmp_path)
    # Not what else may be installed here: the tests need this process.
    found = PathDistribution(metadata)
    monkeypatch.setattr(
        "importlib.metadata.entry_points", lambda *, group: found.entry_points.select(group=group)
    )
    yield tmp_path
    patching.unpatch()
    for name in [name for name in sys.modules if name.startswith("fake_")]:
        del sys.modules[name]


def load(name: str) -> Any:
    return importlib.import_module(name)


def add_entry_point(distribution: Path, line: str) -> None:
    with (distribution / "fake_green-1.0.dist-info" / "entry_points.txt").open("a") as file:
        file.write(line + "\n")


@pytest.mark.usefixtures("distribution")
class TestPatch:
    def test_available_comes_from_what_is_installed(self) -> None:
        assert {"fake_family", "fake_standard", "time"} <= set(patching.available())

    def test_replaces_the_names(self) -> None:
        standard = load("fake_standard")
        patching.patch("fake_standard")
        assert standard.work() == "green"
        assert standard.uses() == "green"
        assert standard.Thing.kind == "green"
        assert standard.more() == "native"

    def test_names_that_the_platform_lacks_are_passed_over(self) -> None:
        patching.patch("fake_standard")
        assert not hasattr(load("fake_standard"), "missing")
        assert not patching.is_patched("fake_standard.missing")

    def test_a_patch_may_have_several_modules(self) -> None:
        patching.patch("fake_family")
        assert load("fake_standard").more() == "more green"
        assert load("fake_other").more() == "more green"
        assert load("fake_standard").work() == "native"

    def test_nothing_stands_for_everything(self) -> None:
        patching.patch()
        assert time.sleep not in NATIVE
        assert load("fake_standard").work() == "green"
        assert load("fake_other").more() == "more green"

    def test_twice_is_once(self) -> None:
        patching.patch("fake_standard")
        green = load("fake_standard").work
        patching.patch("fake_standard", "fake_family")
        patching.patch()
        assert load("fake_standard").work is green
        assert load("fake_standard").LIVE == ["green"]
        patching.unpatch()
        assert load("fake_standard").work() == "native"
        assert load("fake_standard").more() == "native"

    def test_unknown_names_change_nothing(self) -> None:
        with pytest.raises(patching.UnknownPatch, match="can patch 'nothing', 'void'") as caught:
            patching.patch("fake_standard", "nothing", "void")
        assert caught.value.names == ["nothing", "void"]
        assert re.search("patches for: .*fake_family, fake_standard", str(caught.value))
        assert isinstance(caught.value, ValueError)
        assert load("fake_standard").work() == "native"
        assert not patching.is_patched("fake_standard")

    def test_a_patch_that_fails_to_load_changes_nothing(self, distribution: Path) -> None:
        add_entry_point(distribution, "fake_broken = fake_green:broken")
        importlib.invalidate_caches()
        with pytest.raises(ImportError, match="its own dependency"):
            patching.patch("fake_standard", "fake_broken")
        assert load("fake_standard").work() == "native"
        assert not patching.is_patched("fake_standard")

    def test_is_patched(self) -> None:
        assert not patching.is_patched("fake_standard")
        patching.patch("fake_standard", "fake_family")
        for name in ("fake_standard", "fake_family", "fake_other", "fake_standard.work"):
            assert patching.is_patched(name)
        for name in ("time", "fake_standard.uses", "uses"):
            assert not patching.is_patched(name)

    def test_from_several_native_threads(self) -> None:
        natives = [threading.Thread(target=patching.patch) for _ in range(8)]
        for native in natives:
            native.start()
        for native in natives:
            native.join(20)
        assert load("fake_standard").LIVE == ["green"]


@pytest.mark.usefixtures("distribution")
class TestLatePatch:
    @pytest.fixture
    def user(self) -> Any:
        user = load("fake_user")
        load("fake_kept")
        patching.patch("fake_standard")
        return user

    def test_module_names(self, user: Any) -> None:
        assert user.work() == user.renamed() == "green"
        assert user.Thing.kind == "green"

    def test_class_bodies(self, user: Any) -> None:
        assert user.Holder.action() == user.Holder().action() == "green"
        assert user.Holder.plain.kind == "green"
        assert user.Holder.Inner.action() == "green"

    def test_default_arguments(self, user: Any) -> None:
        assert user.function() == user.by_keyword() == "green"
        assert user.Holder().method() == user.Holder.by_class() == "green"

    def test_objects_that_import_when_asked_are_not_asked(self, distribution: Path) -> None:
        (distribution / "fake_lazy.py").write_text(
            "from fake_standard import work\n"
            "class Lazy:\n"
            "    def __getattr__(self, name): raise ModuleNotFoundError(name)\n"
            "class Moved:\n"
            "    elsewhere = Lazy()\n"
        )
        lazy = load("fake_lazy")
        patching.patch("fake_standard")
        assert lazy.work() == "green"

    def test_subclasses_made_before(self, user: Any) -> None:
        assert user.Sub.kind == user.instance.kind == "green"
        assert isinstance(user.instance, user.Thing)

    def test_modules_to_keep(self, user: Any) -> None:
        assert load("fake_kept").work() == "native"

    def test_what_forbids_it_is_reported(self, user: Any) -> None:
        report = patching.report()
        assert "the moon: is out of reach" in report
        assert user.Rigid.ONE.value.kind == "native"
        assert "fake_user.Unwilling.action: action stays as it is" in report
        assert vars(user.Unwilling)["action"]() == "native"

    def test_unpatch_restores_everything(self, user: Any) -> None:
        patching.unpatch()
        assert user.work() == user.Holder.action() == user.Holder.Inner.action() == "native"
        assert user.function() == user.by_keyword() == "native"
        assert user.Holder().method() == user.Holder.by_class() == "native"
        assert user.Sub.kind == user.Thing.kind == "native"
        assert isinstance(vars(user.Holder)["action"], staticmethod)
        assert load("fake_standard").LIVE == []
        assert not hasattr(load("fake_standard"), "extra")
        assert patching.report() == "patched: nothing"

    def test_unpatch_restores_modules_imported_meanwhile(self) -> None:
        patching.patch("fake_standard")
        later = load("fake_later")
        assert later.function() == "green"
        patching.unpatch()
        assert later.work() == later.function() == "native"

    def test_unpatch_without_patch(self) -> None:
        patching.unpatch()
        assert time.sleep in NATIVE


@pytest.mark.usefixtures("distribution")
class TestRebase:
    def test_a_layout_that_forbids_it_is_reported(self, distribution: Path) -> None:
        (distribution / "fake_rigid.py").write_text(
            "from fake_standard import Thing\nclass Rigid(Thing, int): pass\n"
        )
        (distribution / "fake_green.py").write_text(
            GREEN.replace("    kind = ", "    __slots__ = ('more',)\n    kind = ")
        )
        (distribution / "fake_standard.py").write_text(
            STANDARD.replace("    kind = ", "    __slots__ = ()\n    kind = ")
        )
        rigid = load("fake_rigid")
        patching.patch("fake_standard")
        assert "the base of fake_rigid.Rigid: " in patching.report()
        assert rigid.Rigid.kind == "native"


@pytest.mark.usefixtures("distribution")
class TestPatched:
    def test_for_the_length_of_a_block(self) -> None:
        with patching.patched("time"):
            assert time.sleep not in NATIVE
        assert time.sleep in NATIVE

    def test_also_when_the_block_fails(self) -> None:
        with pytest.raises(LookupError), patching.patched("time"):
            raise LookupError
        assert time.sleep in NATIVE

    def test_not_inside_another(self) -> None:
        patching.patch("time")
        with pytest.raises(HubBusy, match="patched already"), patching.patched():
            pass
        assert patching.is_patched("time")

    def test_report_names_places(self) -> None:
        load("fake_user")
        with patching.patched("fake_standard"):
            lines = patching.report().splitlines()
        assert lines[0] == "patched: fake_standard"
        assert "  fake_standard.work" in lines
        assert "  fake_user.Holder.action" in lines
        assert "  a default of fake_user.function" in lines
        assert "  the live list" in lines
        assert "could not be made green:" in lines


class TestTime:
    @pytest.fixture(autouse=True)
    def patched_time(self, distribution: Path) -> Iterator[None]:
        with patching.patched("time"):
            yield

    def test_sleep_lets_others_run(self) -> None:
        ran: list[str] = []
        spawn(ran.append, "other")
        time.sleep(0)
        assert ran == ["other"]

    def test_sleep_takes_its_time(self) -> None:
        began = time.monotonic()
        time.sleep(0.01)
        assert time.monotonic() - began >= 0.01

    @pytest.mark.parametrize("wrong", [-1, -0.5, float("nan")])
    def test_sleep_refuses_such_numbers(self, wrong: float) -> None:
        with pytest.raises(ValueError, match=r"negative|number"):
            time.sleep(wrong)

    @pytest.mark.parametrize("wrong", [None, "1", b"1", [], 1j])
    def test_sleep_refuses_such_types(self, wrong: Any) -> None:
        with pytest.raises(TypeError):
            time.sleep(wrong)

    def test_sleep_takes_what_the_real_one_takes(self) -> None:
        class Index:
            def __index__(self) -> int:
                return 0

        for seconds in (0, 0.0, False, Index()):
            assert time.sleep(seconds) is None  # type: ignore[func-returns-value]

    def test_native_threads_have_hubs_of_their_own(self) -> None:
        done: list[bool] = []

        def sleeper() -> None:
            time.sleep(0.001)
            done.append(True)

        native = threading.Thread(target=sleeper)
        native.start()
        native.join(20)
        assert done == [True]


class TestOriginal:
    def test_is_the_same_each_time(self) -> None:
        assert patching.original("time") is patching.original("time")
        assert patching.original("time") is not time

    def test_missing_modules(self) -> None:
        with pytest.raises(ModuleNotFoundError):
            patching.original("no_such_module")

    @pytest.mark.usefixtures("distribution")
    @pytest.mark.parametrize("is_patched_first", [True, False])
    def test_is_untouched(self, is_patched_first: bool) -> None:
        if not is_patched_first:
            patching.original("fake_standard")
        patching.patch("fake_standard")
        copy = patching.original("fake_standard")
        try:
            assert copy.work() == copy.uses() == "native"
            assert copy.Thing.kind == "native"
        finally:
            _originals._copies.pop("fake_standard")

    @pytest.mark.usefixtures("distribution")
    def test_names_of_modules_written_in_c(self) -> None:
        with patching.patched("time"):
            assert patching.original("time").sleep in NATIVE

    @pytest.mark.parametrize("name", ["socket", "ssl", "os", "signal", "select", "_thread"])
    def test_classes_that_all_must_share(self, name: str) -> None:
        module, copy = importlib.import_module(name), patching.original(name)
        classes = {key: value for key, value in vars(module).items() if isinstance(value, type)}
        assert classes.keys() <= vars(copy).keys()
        assert all(vars(copy)[key] is value for key, value in classes.items())

    def test_functions_of_shared_modules_use_the_copy(self, monkeypatch: Any) -> None:
        copy = patching.original("socket")
        monkeypatch.setattr("socket.socket", None)
        left, right = copy.socketpair()
        with left, right:
            left.sendall(b"native")
            assert right.recv(6) == b"native"

    def test_copies_use_copies(self) -> None:
        queue = patching.original("queue")
        assert queue.threading is patching.original("threading")
        assert queue.threading is not threading
        assert vars(patching.original("os"))["path"] is importlib.import_module("os.path")

    def test_threads_of_a_copy_are_native(self) -> None:
        copy = patching.original("threading")
        idents: list[int] = []
        thread = copy.Thread(target=lambda: idents.append(copy.get_ident()))
        thread.start()
        thread.join(20)
        assert idents != [copy.get_ident()]
        assert not isinstance(thread, threading.Thread)

    def test_executors_of_a_copy_work(self) -> None:
        futures = patching.original("concurrent.futures")
        assert futures is not importlib.import_module("concurrent.futures")
        with futures.ThreadPoolExecutor(2) as executor:
            assert list(executor.map(abs, [-1, -2])) == [1, 2]
        assert futures.thread.threading is patching.original("threading")

    def test_dotted_imports_lead_to_copies(self, tmp_path: Path, monkeypatch: Any) -> None:
        (tmp_path / "fake_dotted.py").write_text(
            "import concurrent.futures, os.path, email.utils\n"
            "from concurrent.futures import process\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        copy = patching.original("fake_dotted")
        assert copy.concurrent.futures is patching.original("concurrent.futures")
        assert copy.process is patching.original("concurrent.futures.process")
        assert copy.process is not importlib.import_module("concurrent.futures.process")
        assert copy.email.utils is importlib.import_module("email.utils")

    def test_a_module_that_fails_leaves_no_copy(self, tmp_path: Path, monkeypatch: Any) -> None:
        (tmp_path / "fake_once.py").write_text("import fake_switch; fake_switch.go()")
        switch = ModuleType("fake_switch")
        switch.go = lambda: None  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "fake_switch", switch)
        monkeypatch.syspath_prepend(tmp_path)
        importlib.import_module("fake_once")
        switch.go = lambda: 1 / 0  # type: ignore[attr-defined]
        with pytest.raises(ZeroDivisionError):
            patching.original("fake_once")
        switch.go = lambda: None  # type: ignore[attr-defined]
        assert patching.original("fake_once").__name__ == "fake_once"

    def test_modules_without_a_file_to_copy(self, monkeypatch: Any) -> None:
        hidden = ModuleType("fake_hidden")
        hidden.value = 1  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "fake_hidden", hidden)
        assert patching.original("fake_hidden").value == 1

    def test_threads_of_a_copy_are_waited_for_at_the_end(self, run_script: Any) -> None:
        done = run_script("""
            import time
            from eventlet.hub import patching
            def work():
                time.sleep(0.1)
                print("done")
            patching.original("threading").Thread(target=work).start()
        """)
        assert (done.stdout, done.stderr) == ("done\n", "")


def test_hubs_made_in_a_patched_process_are_native(run_script: Any) -> None:
    done = run_script("""
        from eventlet.hub import available_hubs, sleep, spawn, use_hub
        from eventlet.hub._patching import Patch, _replace
        class Forbidden:
            def __init__(self, *args, **kwargs): raise AssertionError("green")
        _replace(Patch("socket", dict.fromkeys(("socket", "socketpair"), Forbidden)))
        _replace(Patch("select", dict.fromkeys(("select", "poll", "epoll"), Forbidden)))
        for name in available_hubs():
            use_hub(name)
            spawn(sleep, 0.001).wait()
        print("native")
    """)
    assert (done.stdout, done.stderr) == ("native\n", "")


class TestCommandLine:
    @pytest.fixture
    def program(self, distribution: Path) -> Path:
        (distribution / "helper.py").write_text("")
        program = distribution / "program.py"
        program.write_text(
            "import sys, time, helper, fake_standard\n"
            "print(__name__, sys.argv[0].endswith('program.py'), sys.argv[1:])\n"
            "print(time.sleep.__module__, fake_standard.work())\n"
        )
        return program

    @staticmethod
    def run(program: Path, *args: str) -> subprocess.CompletedProcess[str]:
        paths = [str(program.parent), *sys.path]
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "eventlet.hub.patching", *args],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            capture_output=True, text=True, timeout=50, check=False, cwd=program.parent,
        )  # fmt: skip

    def test_script(self, program: Path) -> None:
        done = self.run(program, "program.py", "-x", "--only", "y")
        assert done.stderr == ""
        assert done.stdout == ("__main__ True ['-x', '--only', 'y']\neventlet.hub._patches green\n")

    def test_module(self, program: Path) -> None:
        done = self.run(program, "-m", "program", "argument", "-m")
        assert done.stderr == ""
        assert done.stdout == ("__main__ True ['argument', '-m']\neventlet.hub._patches green\n")

    def test_only(self, program: Path) -> None:
        done = self.run(program, "--only", "time", "program.py")
        assert done.stdout.splitlines()[1] == "eventlet.hub._patches native"

    def test_unknown_names(self, program: Path) -> None:
        done = self.run(program, "--only", "time,nonsense", "program.py")
        assert done.returncode == 2
        assert "can patch 'nonsense'; there are patches for:" in done.stderr

    def test_status_of_the_program(self, program: Path) -> None:
        program.write_text("raise SystemExit(7)")
        assert self.run(program, "program.py").returncode == 7

    def test_in_place(self, program: Path, monkeypatch: Any, capsys: Any) -> None:
        from eventlet.hub._launcher import main

        monkeypatch.setattr(sys, "argv", ["before"])
        monkeypatch.setattr(sys, "path", ["first", *sys.path])
        main(["--only", "time", str(program), "argument"])
        main(["--only", "time", "-m", "program", "other"])
        assert "['argument']" in capsys.readouterr().out
        assert sys.path[0] == str(program.parent)


def test_nothing_is_loaded_before_it_is_needed(run_script: Callable[..., Any]) -> None:
    done = run_script("""
        import sys
        before = set(sys.modules)
        import eventlet.hub
        print(sorted((sys.modules.keys() - before) & {"importlib.metadata", "dataclasses"}))
    """)
    assert done.stdout == "[]\n"


class TestCopies:
    def test_classes_of_copies_are_told_from_those_of_the_modules(self) -> None:
        copy = patching.original("threading")
        assert _originals.is_copied(copy.Event)
        assert not _originals.is_copied(threading.Event)
        assert not _originals.is_copied(TestCopies)


def test_every_name_says_where_users_find_it() -> None:
    elsewhere = {name for name in patching.__all__ if name in hub.__all__}
    assert elsewhere == {"UnknownPatch"}
    for name in {*patching.__all__} - elsewhere:
        assert getattr(patching, name).__module__ == "eventlet.hub.patching"
