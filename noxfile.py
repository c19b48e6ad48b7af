"""The sessions of the monorepo; ``python3 dev.py`` sets up nox and runs them.

The list of packages, what each may import and the Python versions all come from
``packages/*/pyproject.toml``. A session that names no Python version runs on
the newest supported one that this machine has.
"""

import os
import select
import shutil
import sys
from pathlib import Path

import nox
from nox.virtualenv import HAS_UV, UV

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))  # the `nox` script, unlike `python -m nox`, leaves this out

from tools import interpreters, workspace  # noqa: E402  needs the line above

nox.needs_version = ">=2026.10"
nox.options.sessions = [
    "lint", "types", "build", "docs", "tests", "portable", "coverage", "integration",
]  # fmt: skip
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False  # skipped with a message, on CI too
nox.options.stop_on_first_error = False

PACKAGES = workspace.load()
SHORT = [package.short for package in PACKAGES.values()]
TESTS = [f"packages/{short}/tests" for short in SHORT]
STDLIB = [s for s in SHORT if (ROOT / "packages" / s / "tests" / "stdlib" / "run.py").exists()]
POLLERS = ["poll", "select"]
PATCHED = "patched"  # stands, in the session `stdlib`, for all packages at once
SOAK = {
    "chat": "tests/soak_chat.py",  # 5,000 guests in the chat server of the examples
    **{p.parts[-4]: str(p.relative_to(ROOT)) for p in ROOT.glob("packages/*/tests/soak/run.py")},
}
PYTHONS = workspace.python_versions(PACKAGES)
FOUND = {version: path for version in PYTHONS if (path := interpreters.find(version))}
NEWEST = list(FOUND)[-1] if FOUND else f"{sys.version_info[0]}.{sys.version_info[1]}"

# nox looks for interpreters on the path only.
os.environ["PATH"] = os.pathsep.join(
    [*dict.fromkeys(str(path.parent) for path in FOUND.values()), os.environ["PATH"]]
)

LINT_TOOLS = ["check-jsonschema>=0.30", "import-linter>=2.5", "ruff>=0.14"]
TYPE_TOOLS = ["mypy>=1.18", "nox", "packaging>=24", "types-greenlet>=3.1", "types-requests"]
TEST_TOOLS = workspace.TEST_TOOLS
BACKENDS = {text for each in PACKAGES.values() for text in each.build_requirements}
BUILD_TOOLS = ["build>=1.2", *sorted(BACKENDS)]
RELEASE_TOOLS = [*BUILD_TOOLS, "check-wheel-contents>=0.6", "packaging>=24", "twine>=6.1"]
# What the examples use, or their tests.
EXAMPLE_TOOLS = ["requests>=2.32", "trustme>=1.2"]
DOCS_TOOLS = ["furo>=2025.7", "myst-parser>=4", "sphinx>=8.2"]
# What the hosting service reads, by the kind of its schema.
HOSTED = {
    "workflows": [".github/workflows/ci.yml"],
    "issue-config": [".github/ISSUE_TEMPLATE/config.yml"],
    "issue-forms": [".github/ISSUE_TEMPLATE/bug.yml", ".github/ISSUE_TEMPLATE/wish.yml"],
}
DIST = ROOT / "dist"
MEASURED = ROOT / ".nox" / "measured"
DATA_FILE = "data"  # one name in all folders: `coverage combine` collects only its own

# Before sys.monitoring, which came with this version, coverage loses lines
# whenever one greenlet switches to another.
FIRST_MEASURED = (3, 12)


@nox.session(python=NEWEST, allow_parallel=True)
def lint(session: nox.Session) -> None:
    """Check style, formatting, layers, layout and docstrings."""
    session.install(*LINT_TOOLS)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("python", "-m", "tools.check_layout")
    session.run("python", "-m", "tools.check_imports")
    session.run("python", "-m", "tools.check_docstrings")
    for kind, files in HOSTED.items():
        schema = f"vendor.github-{kind}"
        session.run("check-jsonschema", "--quiet", "--builtin-schema", schema, *files)
    # From the sources: nothing here needs to be importable, only readable.
    sources = os.pathsep.join(str(package.folder / "src") for package in PACKAGES.values())
    session.run("lint-imports", "--no-logo", env={"PYTHONPATH": sources})


@nox.session(python=NEWEST, allow_parallel=True)
def types(session: nox.Session) -> None:
    """Check the types of everything with mypy, in strict mode."""
    session.install(*TYPE_TOOLS, *TEST_TOOLS, *EXAMPLE_TOOLS, *workspace.third_party(PACKAGES))
    session.run("mypy")


@nox.session(python=NEWEST)
def wheels(session: nox.Session) -> None:
    """Build the sdist and wheel of each package whose files changed into dist/."""
    session.install(*BUILD_TOOLS)
    for package in PACKAGES.values():
        if _is_stale(package):
            for old in DIST.glob(f"{package.file_name}-*"):
                old.unlink()
            # Also under --install-only: what follows is going to install the result.
            session.run_install(
                "python", "-m", "build", "--no-isolation", "--outdir", DIST, package.folder,
                silent=True,
            )  # fmt: skip


@nox.session(python=PYTHONS, requires=["wheels"], reuse_venv=HAS_UV, allow_parallel=True)
@nox.parametrize("package", SHORT, ids=SHORT)
def tests(session: nox.Session, package: str) -> None:
    """Run one package's tests with nothing installed but what it declares."""
    here = PACKAGES[f"eventlet-{package}"]
    _install(session, workspace.closure(here, PACKAGES), *TEST_TOOLS, *here.test_requirements)
    _pytest(session, f"packages/{package}/tests", label=f"{session.python}-{package}")
    session.run("python", "-m", "tools.check_imports", package)


@nox.session(python=PYTHONS, requires=["wheels"], reuse_venv=HAS_UV, allow_parallel=True)
@nox.parametrize("package", [*STDLIB, PATCHED], ids=[*STDLIB, PATCHED])
def stdlib(session: nox.Session, package: str) -> None:
    """Run the standard library's own tests on our twins of its modules, or on it patched."""
    if package == PATCHED:
        _install(session, list(PACKAGES.values()))
        session.run("python", "tests/stdlib/run.py", *session.posargs)
        return
    _install(session, workspace.closure(PACKAGES[f"eventlet-{package}"], PACKAGES))
    session.run("python", f"packages/{package}/tests/stdlib/run.py", *session.posargs)


@nox.session(python=NEWEST, requires=["wheels"], reuse_venv=HAS_UV)
@nox.parametrize("what", list(SOAK), ids=list(SOAK))
def soak(session: nox.Session, what: str) -> None:
    """Have one thing do much for long; arguments as for the script that it is."""
    _install(session, list(PACKAGES.values()))
    session.run("python", SOAK[what], *session.posargs)


@nox.session(python=NEWEST, requires=["wheels"], reuse_venv=HAS_UV)
def portable(session: nox.Session) -> None:
    """Run every package's tests on the code paths of other platforms."""
    _install_for_tests(session)
    _pytest(session, *TESTS, label=f"{session.python}-portable", EVENTLET_PORTABLE="1")


@nox.session(python=NEWEST, requires=["wheels"], reuse_venv=HAS_UV)
def shuffled(session: nox.Session) -> None:
    """Run every package's tests with green threads in a random order."""
    _install_for_tests(session)
    seed = [] if "--eventlet-seed" in session.posargs else ["--eventlet-seed", "random"]
    session.run("pytest", *seed, *_selection(session, *TESTS))


@nox.session(python=NEWEST, requires=["wheels"], reuse_venv=HAS_UV)
@nox.parametrize("poller", POLLERS, ids=POLLERS)
def pollers(session: nox.Session, poller: str) -> None:
    """Run every package's tests on a poller that is not the first choice here."""
    if not hasattr(select, poller):
        session.skip(f"this platform has no {poller}()")
    _install_for_tests(session)
    session.run("pytest", *_selection(session, *TESTS), env={"EVENTLET_HUB": poller})


@nox.session(python=NEWEST)
def coverage(session: nox.Session) -> None:
    """Merge what the test sessions measured, and fail below 100 % of the lines."""
    session.install("coverage>=7.10")
    data = [path.relative_to(ROOT) for path in sorted(MEASURED.glob("*/")) if any(path.iterdir())]
    if not data:
        wanted = ".".join(map(str, FIRST_MEASURED))
        session.skip(f"no measurements; run the tests sessions on Python {wanted} or newer first")
    session.env["COVERAGE_FILE"] = str(MEASURED / DATA_FILE)
    session.run("coverage", "combine", "--keep", "--quiet", *data)
    session.run("coverage", "report")


@nox.session(python=NEWEST, requires=["wheels"], reuse_venv=HAS_UV)
def integration(session: nox.Session) -> None:
    """Run the tests of the packages' interplay, with all of them installed."""
    _install(
        session,
        list(PACKAGES.values()),
        *TEST_TOOLS,
        *RELEASE_TOOLS,
        *EXAMPLE_TOOLS,
        *PACKAGES["eventlet-httpc"].extras,
    )
    session.run("python", "-m", "pytest", *_selection(session, "tests"))


@nox.session(python=PYTHONS, requires=["wheels"], reuse_venv=HAS_UV)
def clients(session: nox.Session) -> None:
    """Prove patching with well-known clients of real servers; arguments: names of clients."""
    packages = [PACKAGES[f"eventlet-{short}"] for short in SHORT if short != "httpc"]
    _install(session, packages, "-r", "tests/clients/requirements.txt")
    session.run("python", "-m", "tests.clients", *session.posargs)


@nox.session(python=NEWEST, requires=["wheels"], reuse_venv=HAS_UV)
def servers(session: nox.Session) -> None:
    """Prove the HTTP client with real servers and proxies; nginx is Debian's."""
    httpc = PACKAGES["eventlet-httpc"]
    packages = workspace.closure(httpc, PACKAGES)
    _install(session, packages, *TEST_TOOLS, *httpc.extras, "-r", "tests/servers/requirements.txt")
    if not shutil.which("nginx", path="/usr/sbin:" + os.environ["PATH"]):
        _install_from_debian(session, "nginx-light")
    session.run("python", "-m", "pytest", *_selection(session, "tests/servers"))


@nox.session(python=NEWEST)
def docs(session: nox.Session) -> None:
    """Make the documentation into docs/_build; whatever Sphinx warns of is an error."""
    session.install(*DOCS_TOOLS, *_editable())
    options = ["--fail-on-warning", "--keep-going", "--builder", "html"]
    session.run("sphinx-build", *options, *session.posargs, "docs", "docs/_build")


@nox.session(python=list(FOUND)[:1], requires=["wheels"])
@nox.parametrize("package", SHORT, ids=SHORT)
def compatibility(session: nox.Session, package: str) -> None:
    """Run one package's tests with the oldest versions of all that it requires."""
    if session.venv_backend != "uv":
        session.skip("only uv can choose the oldest versions")
    here = PACKAGES[f"eventlet-{package}"]
    folder = DIST / "oldest" / package
    shutil.rmtree(folder, ignore_errors=True)
    session.install(*BUILD_TOOLS, "packaging>=24")
    session.run("python", "-m", "tools.oldest", package, str(folder))
    ours = [*folder.glob("*.whl"), next(DIST.glob(f"{here.file_name}-*.whl"))]
    closure = {each.name: each for each in workspace.closure(here, PACKAGES)}
    oldest = [*workspace.third_party(closure), *map(str, ours)]
    # To uv, only what is named here is direct. The tools come after, as new as they are.
    session.install("--exact", "--reinstall", "--resolution", "lowest-direct", *oldest)
    session.install(*TEST_TOOLS)
    session.run("pytest", *_selection(session, f"packages/{package}/tests"))


@nox.session(python=NEWEST)
def release(session: nox.Session) -> None:
    """Release one package: ``nox -s release -- hub minor``; with ``--dry-run``, show the plan."""
    session.install(*RELEASE_TOOLS)
    session.run("python", "-m", "tools.release", *session.posargs)


@nox.session(python=NEWEST)
def crawl(session: nox.Session) -> None:
    """Run the crawler of the examples on the given URLs; or it and `httpc crawl` on a demo site."""
    session.install(*_editable(), *PACKAGES["eventlet-httpc"].extras)
    session.run("python", "examples/crawler.py", *session.posargs)
    if not session.posargs:
        session.run("python", "examples/demo_site.py", "python", "-m", "eventlet.httpc", "crawl")


@nox.session(python=NEWEST)
def bench(session: nox.Session) -> None:
    """Measure eventlet beside its peers; arguments as for ``python -m benchmarks``."""
    session.install("matplotlib>=3.9")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(python=NEWEST)
def profile(session: nox.Session) -> None:
    """Draw a flame graph of one subject of the benchmarks, or count its instructions."""
    session.install("py-spy>=0.4")
    session.run("python", "-m", "benchmarks.profile", *session.posargs)


@nox.session(python=NEWEST, requires=["wheels"], reuse_venv=False)
def build(session: nox.Session) -> None:
    """Check what would be published, and run the crawler from the wheels alone."""
    session.run("python", "-m", "tools.check_wheels", DIST)
    _install(session, list(PACKAGES.values()))
    elsewhere = Path(session.create_tmp()) / "examples"
    shutil.rmtree(elsewhere, ignore_errors=True)
    shutil.copytree(ROOT / "examples", elsewhere)
    with session.chdir(elsewhere):
        session.run("python", "crawler.py", env={"PYTHONPATH": None})
    session.install("twine>=6.1")
    session.run("twine", "check", "--strict", *sorted(DIST.iterdir()), silent=True)


@nox.session(venv_backend="none")
def dev(session: nox.Session) -> None:
    """Install every package editable, with all tools, into .venv for editors and shells."""
    python = str(workspace.python_of(ROOT / ".venv"))
    if not Path(python).exists():
        session.error("there is no .venv yet; run `python3 dev.py dev`, which makes it")
    pip = [UV, "pip", "install", "--python", python] if HAS_UV else [python, "-m", "pip", "install"]
    tools = [*LINT_TOOLS, *TYPE_TOOLS, *TEST_TOOLS, *RELEASE_TOOLS, *EXAMPLE_TOOLS]
    session.run(*pip, *tools, *workspace.third_party(PACKAGES), *_editable(), external=True)


def _install(session: nox.Session, packages: list[workspace.Package], *tools: str) -> None:
    """Make the environment hold the wheels of *packages*, *tools*, and nothing else."""
    built = [next(DIST.glob(f"{package.file_name}-*.whl")) for package in packages]
    options: list[str] = []
    if session.venv_backend == "uv":
        # A kept environment must forget what a package no longer declares, and
        # take a rebuilt wheel although its version is the same.
        names = (package.name for package in packages)
        options = ["--exact", *(word for name in names for word in ("--reinstall-package", name))]
    session.install(*options, *tools, *map(str, built))


def _install_for_tests(session: nox.Session) -> None:
    """Make the environment hold what the tests of all packages need."""
    needed = (text for package in PACKAGES.values() for text in package.test_requirements)
    _install(session, list(PACKAGES.values()), *TEST_TOOLS, *needed)


def _install_from_debian(session: nox.Session, *packages: str) -> None:
    """Install what is no Python package, if that is possible here; without starting it."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        session.warn(f"only root on Debian can install {', '.join(packages)}; their tests skip")
        return
    session.run("apt-get", "update", "--quiet", external=True)
    # In this runlevel, Debian starts no servers (invoke-rc.d(8)).
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    options = ["install", "--yes", "--quiet", "--no-install-recommends"]
    session.run("apt-get", *options, *packages, external=True, env=quiet)


def _pytest(session: nox.Session, *paths: str, label: str, **env: str) -> None:
    """Run pytest on *paths*; measure it where that can be done right."""
    arguments = _selection(session, *paths)
    if tuple(map(int, str(session.python).split("."))) < FIRST_MEASURED:
        session.run("pytest", *arguments, env=env)
        return
    data = MEASURED / label
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    env["COVERAGE_FILE"] = str(data / DATA_FILE)
    session.run("coverage", "run", "-m", "pytest", *arguments, env=env)


def _selection(session: nox.Session, *paths: str) -> list[str]:
    """Return the arguments for pytest: *paths* unless the command line names others."""
    named = any(Path(argument.partition("::")[0]).exists() for argument in session.posargs)
    return session.posargs if named else [*session.posargs, *paths]


def _is_stale(package: workspace.Package) -> bool:
    """Tell whether something in the package's folder is newer than its wheel."""
    built = [path.stat().st_mtime for path in DIST.glob(f"{package.file_name}-*.whl")]
    # Folders count too: their time is all that a deleted file changes.
    files = (path for path in package.folder.rglob("*") if "__pycache__" not in path.parts)
    return not built or max(path.stat().st_mtime for path in files) > min(built)


def _editable() -> list[str]:
    return [word for package in PACKAGES.values() for word in ("-e", str(package.folder))]
