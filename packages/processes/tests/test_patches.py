from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from eventlet.hub import patching
from eventlet.hub.patching import Patch
from eventlet.processes import _patches
from eventlet.processes._popen import Popen


def test_the_class_is_replaced() -> None:
    patch = _patches.subprocess()
    assert isinstance(patch, Patch)
    assert patch.module == "subprocess"
    assert patch.replacements == {"Popen": Popen}


def test_the_standard_functions_are_green_with_it(
    command: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "Popen", _patches.subprocess().replacements["Popen"])
    with subprocess.Popen(command("print('x')"), stdout=subprocess.PIPE) as child:
        assert isinstance(child, Popen)
        assert child.communicate()[0].strip() == b"x"
    assert subprocess.check_output(command("print('x')")).strip() == b"x"
    assert subprocess.getoutput("echo x").strip() == "x"


@pytest.mark.skipif("subprocess" not in patching.available(), reason="not installed, only on path")
def test_it_can_be_patched_by_name() -> None:
    standard = subprocess.Popen
    with patching.patched("subprocess"):
        assert subprocess.Popen is Popen
    assert subprocess.Popen is standard
