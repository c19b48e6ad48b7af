#!/usr/bin/env python3
"""Set up the tools of this checkout and run them.

    python3 dev.py test [OPTIONS]     everything that must pass before a change goes in;
                                      options are nox's, such as --parallel 2
    python3 dev.py crawl [URL...]     the example crawler on these URLs; without one, on a demo
                                      site, and then the command `httpc crawl` on the same
    python3 dev.py SESSION... [-- ARGUMENTS]
                                      any session listed below, with arguments for it

Needs Python 3.11 or newer with pip, and installs into this folder only: nox into
.venv, what the sessions need into .nox.
"""

import ast
import functools
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

# Up to the end of this `if`, the file has to make sense to any Python 3.
if sys.version_info < (3, 11):  # noqa: UP036  older ones are what it is here for
    sys.exit(f"dev.py: this is Python {sys.version.split()[0]}; use 3.11 or newer")

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "made-by-dev.json"
REPORT = ROOT / ".nox" / "report.json"
BASE = getattr(sys, "_base_executable", sys.executable)  # never the .venv to be replaced

NOX = "nox>=2026.10"
UV = "uv>=0.9"
CRAWL_REPORT = ROOT / ".nox" / "crawl.html"
CHECKS = ["lint", "types", "build", "docs", "tests", "portable", "coverage"]

# pip's settings, and the variables in which uv takes the same with what it
# expects between several values.
PIP_TO_UV = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "proxy": ("ALL_PROXY", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
}


def main(arguments: list[str]) -> int:
    """Carry out the command line and return the exit status."""
    command, rest = (arguments or ["help"])[0], arguments[1:]
    prepare()
    if command in {"help", "-h", "--help"}:
        print(__doc__, flush=True)
        return nox("--list")
    if command == "test":
        return run_tests(rest)
    if command == "crawl":
        return crawl(rest)
    return nox("--session", *arguments)


def crawl(urls: list[str]) -> int:
    """Run the example crawler; on the demo site, let the command show what it makes of that."""
    status = install("crawl") or run_in("crawl", "examples/crawler.py", *urls)
    if status or urls:
        return status
    say("and now the same with the command: httpc crawl --report FILE URL")
    httpc = [python_of(ROOT / ".nox" / "crawl"), "-m", "eventlet.httpc"]
    options = ["crawl", "--report", str(CRAWL_REPORT)]
    return run_in("crawl", "examples/demo_site.py", *httpc, *options)


def run_tests(options: list[str]) -> int:
    """Run every check, then the integration tests, so that pytest has the last word."""
    REPORT.unlink(missing_ok=True)
    status = nox("--session", *CHECKS, "--report", str(REPORT), *options)
    report = json.loads(REPORT.read_text("utf-8"))["sessions"] if REPORT.exists() else []
    outcomes = {each["signatures"][0]: each["result"] for each in report}
    skipped = [name for name, result in outcomes.items() if result == "skipped"]
    if skipped:
        say(f"skipped, for the reasons given above: {', '.join(skipped)}")
    integration = install("integration") or run_in("integration", "-m", "pytest", "tests")
    if not status:
        return integration
    bad = [name for name, result in outcomes.items() if result not in {"skipped", "success"}]
    return fail(f"FAILED before the integration tests: {', '.join(bad) or 'nox'}; see above")


def nox(*arguments: str) -> int:
    """Run nox where its output is seen."""
    return call(python_of(VENV), "-m", "nox", *arguments, env=environment(**uv_settings()))


def install(session: str) -> int:
    """Bring the environment of *session* up to date, saying something only if that fails."""
    command = [python_of(VENV), "-m", "nox", "--session", session, "--install-only"]
    done = subprocess.run(
        command,
        check=False,
        cwd=ROOT,
        env=environment(**uv_settings()),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        sys.stderr.buffer.write(done.stdout)
    return done.returncode


def run_in(session: str, *arguments: str) -> int:
    """Run the Python of *session* directly, for its output and exit status alone."""
    return call(python_of(ROOT / ".nox" / session), *arguments, env=environment())


def call(*command: str, env: dict[str, str] | None = None) -> int:
    """Run *command* in the checkout and return its exit status."""
    with subprocess.Popen(command, cwd=ROOT, env=env) as process:
        while True:
            try:
                status = process.wait()
            except KeyboardInterrupt:  # the command got it as well, and may have more to say
                continue
            return status if status >= 0 else 128 - status  # as shells do for a signal


def quietly(*command: str) -> bool:
    """Run *command* for its success alone."""
    try:
        subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def prepare() -> None:
    """Make .venv, unless this very Python has made a working one before."""
    identity = json.dumps([sys.version, sys.base_prefix, str(VENV), NOX, UV])
    made_for = STAMP.read_text("utf-8") if STAMP.exists() else None
    if made_for == identity and quietly(python_of(VENV), "-c", "import nox"):
        return
    say("setting up .venv, once")
    if made_for not in {None, identity}:
        # In a copied checkout, the commands in there would start those of the original.
        shutil.rmtree(ROOT / ".nox", ignore_errors=True)
    make_venv()
    if not quietly(*pip(), "install", "--only-binary", "uv", NOX, UV):
        say("uv could not be installed; going on with pip alone, which is slower")
        if call(*pip(), "install", "--quiet", NOX):
            sys.exit(fail(f"pip could not install {NOX}; see its message above"))
    STAMP.write_text(identity, "utf-8")


def make_venv() -> None:
    """Make an empty .venv, with a pip of its own where this Python carries one."""
    if not can_import("venv") or not (can_import("ensurepip") or can_import("pip")):
        sys.exit(fail(f"{BASE} lacks venv or pip; on Debian, install python3-venv"))
    options = ["--clear"] if can_import("ensurepip") else ["--clear", "--without-pip"]
    if call(BASE, "-m", "venv", *options, str(VENV)):
        sys.exit(fail(f"{VENV} could not be made; see the message above"))


def pip() -> list[str]:
    """Return the command that runs pip on .venv."""
    python = python_of(VENV)
    if quietly(python, "-c", "import pip"):
        return [python, "-m", "pip", "--disable-pip-version-check"]
    return [BASE, "-m", "pip", "--disable-pip-version-check", "--python", python]


def environment(**defaults: str) -> dict[str, str]:
    """Return the variables for what runs in a session."""
    variables = {**defaults, **os.environ}
    variables.pop("PYTHONPATH", None)  # it would reach into the isolated sessions
    return variables


@functools.cache
def uv_settings() -> dict[str, str]:
    """Return what pip is configured to do, in variables for uv, which does not read that."""
    done = subprocess.run([*pip(), "config", "list"], check=False, capture_output=True, text=True)
    found = {"UV_PYTHON_DOWNLOADS": "never"}
    # ":env:.x='1'" overrides "install.x='2'", and that overrides "global.x='3'".
    order = {"global": 0, "install": 1, ":env:": 2}
    lines = [line.partition("=") for line in done.stdout.splitlines()]
    for name, _, value in sorted(lines, key=lambda line: order.get(line[0].partition(".")[0], -1)):
        section, _, setting = name.rpartition(".")
        if section in order and setting in PIP_TO_UV:
            variable, separator = PIP_TO_UV[setting]
            found[variable] = separator.join(str(ast.literal_eval(value)).split())
    if "UV_INDEX" in found:
        # pip takes the best version of all indexes, uv that of the first that has any.
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return found


def python_of(folder: Path) -> str:
    """Return the interpreter of the virtual environment in *folder*."""
    return str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def can_import(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def say(text: str) -> None:
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


def fail(text: str) -> int:
    say(text)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
