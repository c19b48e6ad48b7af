"""Release one package: ``python -m tools.release PACKAGE PART``.

PART is major, minor, patch, or a version to set. The outcome is a commit, a tag such as
``hub-v0.2.0``, and the tested files in dist/release/. Nothing is published.
"""

import argparse
import datetime as dt
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from tools import check_wheels, workspace
from tools.workspace import relative

ROOT = workspace.ROOT
FILES = ROOT / "dist" / "release"
UNRELEASED = re.compile(r"^## Unreleased\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
PARTS = ("major", "minor", "patch")


@dataclass(frozen=True)
class Release:
    """What is to be released, and as what."""

    package: workspace.Package
    version: Version

    @property
    def tag(self) -> str:
        return f"{self.package.short}-v{self.version}"

    @property
    def subject(self) -> str:
        """The subject of the commit, and of the tag."""
        return f"Release {self.package.name} {self.version}"

    @property
    def changelog(self) -> Path:
        return self.package.folder / "CHANGELOG.md"

    @property
    def changes(self) -> str:
        """What the changelog has under Unreleased."""
        match = UNRELEASED.search(self.changelog.read_text("utf-8"))
        return match[1].strip() if match else ""


def main(arguments: list[str]) -> int:
    """Carry out the command line and return the exit status."""
    packages = workspace.load()
    parser = argparse.ArgumentParser(prog="release", description=__doc__.partition("\n")[0])
    parser.add_argument("package", choices=[each.short for each in packages.values()])
    parser.add_argument("part", help="major, minor, patch, or a version")
    parser.add_argument("--dry-run", action="store_true", help="show the plan, touch nothing")
    parser.add_argument(
        "--tests", nargs="*", metavar="PATH", help="run these tests only; none if none is named"
    )
    options = parser.parse_args(arguments)
    package = packages[f"eventlet-{options.package}"]
    try:
        release = Release(package, next_version(package, options.part))
    except InvalidVersion as error:
        parser.error(f"{error}; say one of {', '.join(PARTS)}, or a version such as 1.0.0")
    found = list(problems(release, packages))
    if options.dry_run:
        print(*plan(release), sep="\n")
    print(
        *(f"release: {text}" for text in found), sep="\n", end="\n" * bool(found), file=sys.stderr
    )
    if found or options.dry_run:
        return bool(found)
    tests = [str(package.folder / "tests")] if options.tests is None else options.tests
    return carry_out(release, tests)


def next_version(package: workspace.Package, part: str) -> Version:
    """Return the version that *part* leads to (https://semver.org)."""
    if part not in PARTS:
        return Version(part)
    numbers = list(current_version(package).release)
    place = PARTS.index(part)
    numbers[place:] = [numbers[place] + 1, *([0] * (2 - place))]
    return Version(".".join(map(str, numbers)))


def current_version(package: workspace.Package) -> Version:
    """Return the version that the package's own file states."""
    match = re.search(r'^__version__ = "(.*)"$', version_file(package).read_text(), re.MULTILINE)
    if match is None:
        raise ValueError(f'{version_file(package)} has no line __version__ = "…"')
    return Version(match[1])


def version_file(package: workspace.Package) -> Path:
    return package.folder / str(package.pyproject["tool"]["hatch"]["version"]["path"])


def problems(release: Release, packages: dict[str, workspace.Package]) -> Iterator[str]:
    """Yield what stands in the way of *release*."""
    package, version = release.package, release.version
    if dirty := git("status", "--porcelain"):
        yield f"the tree is not clean; commit or stash this first:\n{dirty}"
    if git("tag", "--list", release.tag):
        yield f"the tag {release.tag} is there already; choose a newer version"
    if version < (now := current_version(package)):
        yield f"{version} is older than {now}, which {package.name} has; choose a newer one"
    if not release.changes:
        where = relative(release.changelog)
        yield f"{where} has nothing under `## Unreleased`; say there what changed"
    for other in packages.values():
        for wanted in map(Requirement, other.requirements):
            if wanted.name == package.name and not wanted.specifier.contains(version):
                yield (
                    f"{other.name} requires {wanted}, which leaves out {version}; widen that in "
                    f"packages/{other.short}/pyproject.toml, test both together, and commit"
                )


def plan(release: Release) -> Iterator[str]:
    """Yield the steps of *release*."""
    package = release.package
    yield f"{release.subject} (it has {current_version(package)} now)"
    yield f"1. set the version in {relative(version_file(package))}"
    yield f"2. {relative(release.changelog)}: Unreleased becomes {heading(release)}"
    yield from (f"   {line}".rstrip() for line in release.changes.splitlines())
    yield f"3. build the sdist and the wheel into {relative(FILES)}/"
    yield "4. check them: twine check, check-wheel-contents, tools.check_wheels"
    yield f"5. run packages/{package.short}/tests on the wheel, in a fresh environment"
    yield f"6. commit “{release.subject}”, tag {release.tag}"
    yield "To publish is a separate step: see CONTRIBUTING.md"


def heading(release: Release) -> str:
    today = dt.datetime.now(dt.UTC).date()
    return f"{release.version} - {today.isoformat()}"


def carry_out(release: Release, tests: list[str]) -> int:
    """Make the release; on any failure leave the tree as it was."""
    touched = [str(version_file(release.package)), str(release.changelog)]
    try:
        write(release)
        shutil.rmtree(FILES, ignore_errors=True)
        run("build", "--no-isolation", "--outdir", str(FILES), str(release.package.folder))
        wheel = check(release)
        if tests:
            run_tests(release.package, wheel, tests)
        git("add", *touched)
        git("commit", "--quiet", "--message", release.subject)
        git("tag", "--annotate", release.tag, "--message", release.subject)
    except BaseException as error:
        git("checkout", "--quiet", "HEAD", "--", *touched)
        if not isinstance(error, subprocess.CalledProcessError):
            raise
        command = " ".join(map(str, error.cmd))
        print(f"release: {command} failed; the tree is as before", file=sys.stderr)
        return 1
    print(f"{release.tag} is made, and its files are in {FILES}; publishing them is up to you")
    return 0


def write(release: Release) -> None:
    """Put the new version into the package's two files."""
    if release.version != current_version(release.package):  # which hatchling takes for an error
        run("hatchling", "version", str(release.version), folder=release.package.folder)
    text = release.changelog.read_text("utf-8")
    opened = f"## Unreleased\n\n## {heading(release)}\n"
    release.changelog.write_text(text.replace("## Unreleased\n", opened, 1), "utf-8", newline="\n")


def check(release: Release) -> Path:
    """Check what was built, and return the wheel."""
    files = sorted(FILES.iterdir())
    (wheel,) = (path for path in files if path.suffix == ".whl")
    run("twine", "check", "--strict", *map(str, files))
    # W009: the package greensocket has two top-level entries below the shared one, as it should.
    run("check_wheel_contents", "--ignore", "W009", str(wheel))
    if found := list(check_wheels.problems(wheel, release.package)):
        raise SystemExit("\n".join(found))
    return wheel


def run_tests(package: workspace.Package, wheel: Path, tests: list[str]) -> None:
    """Run *tests* with the wheel, what it requires, and the tools for tests."""
    siblings = [each for each in workspace.closure(package, workspace.load()) if each != package]
    with tempfile.TemporaryDirectory() as folder:
        run("venv", folder)
        python = str(workspace.python_of(Path(folder)))
        install = [python, "-m", "pip", "install", "--quiet", str(wheel)]
        # A sibling that was never published is taken from the tree.
        install += [str(each.folder) for each in siblings]
        subprocess.run([*install, *workspace.TEST_TOOLS, *package.test_requirements], check=True)
        subprocess.run([python, "-m", "pytest", "-q", *tests], check=True, cwd=ROOT)


def run(module: str, *arguments: str, folder: Path = ROOT) -> None:
    subprocess.run([sys.executable, "-m", module, *arguments], check=True, cwd=folder)


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], check=True, cwd=ROOT, stdout=subprocess.PIPE)
    return done.stdout.decode().rstrip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
