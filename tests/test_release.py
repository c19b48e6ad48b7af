"""Releasing a package, in a repository of its own made from this tree."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = sorted(path.parent.name for path in ROOT.glob("packages/*/pyproject.toml"))
# Whoever runs the tests may have told git anything.
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_NAME": "Tester" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "tester@example.org" for who in ("AUTHOR", "COMMITTER")},
}


class Clone:
    """A repository with the packages in it, and nothing to commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        litter = shutil.ignore_patterns("__pycache__", ".*_cache", ".hypothesis")
        for name in ("packages", "tools"):
            shutil.copytree(ROOT / name, folder / name, ignore=litter)
        (folder / ".gitignore").write_text("dist/\n__pycache__/\n")
        self.git("init", "--quiet")
        self.commit()

    def git(self, *arguments: str) -> str:
        line = ["git", *arguments]
        environment = {**os.environ, **GIT}
        return subprocess.check_output(line, cwd=self.folder, env=environment, text=True).strip()

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "Change")

    def release(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tools.release", *arguments],
            cwd=self.folder,
            env={**os.environ, **GIT},
            capture_output=True,
            text=True,
            timeout=55,
            check=False,
        )

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.folder / path
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), "utf-8")

    def note(self, package: str) -> None:
        """Make sure that the changelog has something to release."""
        self.edit(
            f"packages/{package}/CHANGELOG.md",
            "## Unreleased\n",
            "## Unreleased\n\n### Fixed\n\n- What was broken.\n",
        )
        self.commit()

    @property
    def state(self) -> tuple[str, str, str]:
        return self.git("rev-parse", "HEAD"), self.git("tag"), self.git("status", "--porcelain")


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path / "clone")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_release_is_a_commit_a_tag_and_checked_files(clone: Clone, package: str) -> None:
    clone.note(package)
    done = clone.release(package, "0.1.7", "--tests")
    assert done.returncode == 0, done.stdout + done.stderr
    assert clone.state == (
        clone.git("rev-parse", f"{package}-v0.1.7^{{}}"),
        f"{package}-v0.1.7",
        "",
    )
    assert clone.git("log", "-1", "--format=%s") == f"Release eventlet-{package} 0.1.7"
    assert clone.git("show", "--format=", "--name-only").splitlines() == [
        f"packages/{package}/CHANGELOG.md",
        f"packages/{package}/src/eventlet/{package}/_version.py",
    ]
    changelog = (clone.folder / "packages" / package / "CHANGELOG.md").read_text("utf-8")
    assert "## Unreleased\n\n## 0.1.7 - 20" in changelog
    built = sorted(path.name for path in (clone.folder / "dist" / "release").iterdir())
    stem = f"eventlet_{package}-0.1.7"
    assert built == [f"{stem}-py3-none-any.whl", f"{stem}.tar.gz"]


def test_a_dry_run_shows_the_plan_and_touches_nothing(clone: Clone) -> None:
    clone.note("coros")
    before = clone.state
    done = clone.release("coros", "patch", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    for step in ("Release eventlet-coros 0.1.1", "- What was broken.", "twine", "tag coros-v0.1.1"):
        assert step in done.stdout
    assert clone.state == before
    assert not (clone.folder / "dist").exists()


def test_what_stands_in_the_way_is_told_all_at_once(clone: Clone) -> None:
    log = clone.folder / "packages" / "hub" / "CHANGELOG.md"
    log.write_text("# Changelog\n\n## Unreleased\n\n## 0.0.1\n\n- Something old.\n")
    clone.git("tag", "hub-v0.2.0")
    before = clone.state
    done = clone.release("hub", "minor")
    assert done.returncode == 1
    for text in (
        "the tree is not clean; commit or stash this first:\n M packages/hub/CHANGELOG.md",
        "the tag hub-v0.2.0 is there already",
        "packages/hub/CHANGELOG.md has nothing under `## Unreleased`",
        "eventlet-coros requires eventlet-hub<0.2,>=0.1, which leaves out 0.2.0",
    ):
        assert text in done.stderr
    assert clone.state == before


def test_a_version_that_dependents_admit_can_be_released(clone: Clone) -> None:
    clone.note("hub")
    for other in sorted({*PACKAGES} - {"hub"}):
        clone.edit(f"packages/{other}/pyproject.toml", "hub>=0.1,<0.2", "hub>=0.1,<0.3")
    clone.commit()
    done = clone.release("hub", "minor", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert "tag hub-v0.2.0" in done.stdout


def test_a_release_that_fails_leaves_the_tree_as_it_was(clone: Clone) -> None:
    clone.note("hub")
    clone.edit("packages/hub/pyproject.toml", 'readme = "README.md"', 'readme = "NOWHERE.md"')
    clone.commit()
    before = clone.state
    done = clone.release("hub", "patch", "--tests")
    assert done.returncode == 1
    assert "failed; the tree is as before" in done.stderr
    assert clone.state == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere", "patch"), "invalid choice: 'nowhere'"),
        (("hub", "huge"), "say one of major, minor, patch"),
    ],
)
def test_what_cannot_be_understood_is_explained(
    clone: Clone, arguments: tuple[str, str], message: str
) -> None:
    done = clone.release(*arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_an_older_version_is_refused(clone: Clone) -> None:
    clone.note("hub")
    done = clone.release("hub", "0.0.9")
    assert done.returncode == 1
    assert "0.0.9 is older than 0.1.0" in done.stderr
