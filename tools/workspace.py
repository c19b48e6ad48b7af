"""What the packages' own metadata says about them.

Every tool that needs the list of packages, their order or the supported Python
versions asks here, so that the ``pyproject.toml`` files stay the only place
that states them.
"""

import os
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

# What the tests of every package are run with.
TEST_TOOLS = ["coverage>=7.10", "hypothesis>=6.100", "pytest>=9", "pytest-timeout>=2.4"]


@dataclass(frozen=True)
class Package:
    """One distribution of the monorepo, as its ``pyproject.toml`` describes it."""

    folder: Path

    @cached_property
    def pyproject(self) -> dict[str, Any]:
        """The parsed ``pyproject.toml``."""
        return tomllib.loads((self.folder / "pyproject.toml").read_text("utf-8"))

    @property
    def short(self) -> str:
        """The name used in session names and folders, such as ``hub``."""
        return self.folder.name

    @property
    def name(self) -> str:
        """The distribution's normalised name, such as ``eventlet-hub``."""
        return requirement_name(self.pyproject["project"]["name"])

    @property
    def file_name(self) -> str:
        """How the names of its wheels and sdists begin (PEP 427)."""
        return self.name.replace("-", "_")

    @property
    def requirements(self) -> list[str]:
        """The declared run-time dependencies, siblings included."""
        return list(self.pyproject["project"].get("dependencies", []))

    @property
    def extras(self) -> list[str]:
        """The dependencies of all its extras."""
        extras = self.pyproject["project"].get("optional-dependencies", {})
        return [text for requirements in extras.values() for text in requirements]

    @property
    def test_requirements(self) -> list[str]:
        """What its tests need besides the tools that all tests are run with (PEP 735)."""
        return list(self.pyproject.get("dependency-groups", {}).get("test", []))

    @property
    def build_requirements(self) -> list[str]:
        """What builds it (PEP 518)."""
        return list(self.pyproject["build-system"]["requires"])

    @property
    def python_versions(self) -> list[str]:
        """The Python versions that the classifiers promise, oldest first."""
        found = (
            re.fullmatch(r"Programming Language :: Python :: 3\.(\d+)", text)
            for text in self.pyproject["project"]["classifiers"]
        )
        return [f"3.{minor}" for minor in sorted(int(match[1]) for match in found if match)]

    @property
    def portion(self) -> list[PurePosixPath]:
        """The paths below the package folder that its wheel contains."""
        wheel = self.pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]
        return [PurePosixPath(path) for path in wheel["only-include"]]

    @property
    def modules(self) -> list[str]:
        """The import names of its portion, such as ``eventlet.hub``."""
        return [".".join(path.with_suffix("").parts[1:]) for path in self.portion]


def requirement_name(requirement: str) -> str:
    """Return the normalised distribution name at the head of *requirement* (PEP 503)."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    if match is None:
        raise ValueError(f"{requirement!r} does not begin with a distribution name")
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def load() -> dict[str, Package]:
    """Return every package by its distribution name."""
    found = (Package(path.parent) for path in sorted(ROOT.glob("packages/*/pyproject.toml")))
    return {package.name: package for package in found}


def closure(package: Package, packages: dict[str, Package]) -> list[Package]:
    """Return *package* and every sibling that it declares, directly or through another."""
    found: dict[str, Package] = {}
    todo = [package]
    while todo:
        here = todo.pop()
        if here.name not in found:
            found[here.name] = here
            wanted = map(requirement_name, here.requirements)
            todo += [packages[name] for name in wanted if name in packages]
    return list(found.values())


def third_party(packages: dict[str, Package]) -> list[str]:
    """Return all requirements that no sibling satisfies, with those of extras and of tests."""
    every = {
        text
        for each in packages.values()
        for text in each.requirements + each.extras + each.test_requirements
    }
    return sorted(text for text in every if requirement_name(text) not in packages)


def python_versions(packages: dict[str, Package]) -> list[str]:
    """Return the Python versions that some package promises, oldest first."""
    every = {version for package in packages.values() for version in package.python_versions}
    return sorted(every, key=lambda version: int(version.partition(".")[2]))


def python_of(folder: Path) -> Path:
    """Return the interpreter of the virtual environment in *folder*."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def relative(path: Path) -> str:
    """Return *path* as messages show it: from the root of the checkout."""
    return path.relative_to(ROOT).as_posix()
