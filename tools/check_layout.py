"""Fail when a package breaks the layout that the shared namespace relies on."""

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any

from tools import workspace
from tools.workspace import relative

ROOT = workspace.ROOT
MAX_MODULE_LINES = 700
MAX_FUNCTION_LINES = 60  # not counting the docstring


def problems() -> Iterator[str]:
    """Yield a sentence for each rule that the checkout breaks."""
    packages = list(workspace.load().values())
    for folder in sorted(ROOT.glob("packages/*/")):
        if not (folder / "pyproject.toml").exists():
            yield f"{relative(folder)} has no pyproject.toml, so no tool sees it"
    for package in packages:
        yield from _namespace(package)
        yield from _files(package)
        yield from _sizes(package)
    yield from _promises(packages)
    yield from _configuration(packages)


def _namespace(package: workspace.Package) -> Iterator[str]:
    shared = package.folder / "src" / "eventlet"
    declared = {path.name for path in package.portion}
    for path in shared.iterdir():
        if path.name == "__init__.py":
            yield f"{relative(path)} would hide every other package; delete it"
        elif path.name not in declared | {"__pycache__"}:
            yield f"{relative(path)} is not in only-include of the package's pyproject.toml"
    for path in package.folder.glob("tests/**/__init__.py"):
        yield f"{relative(path)} makes equal test names of two packages collide; delete it"


def _files(package: workspace.Package) -> Iterator[str]:
    portion = package.folder / "src" / "eventlet" / package.short
    wanted = [portion / name for name in ("__init__.py", "py.typed", "_version.py")]
    wanted += [package.folder / name for name in ("CHANGELOG.md", "LICENSE", "README.md")]
    yield from (f"{relative(path)} is missing" for path in wanted if not path.exists())
    licence = package.folder / "LICENSE"
    if licence.exists() and licence.read_bytes() != (ROOT / "LICENSE").read_bytes():
        yield f"{relative(licence)} differs from the one at the root; copy that"


def _sizes(package: workspace.Package) -> Iterator[str]:
    for path in sorted(package.folder.glob("src/**/*.py")):
        text = path.read_text("utf-8")
        if (lines := len(text.splitlines())) > MAX_MODULE_LINES:
            yield f"{relative(path)} has {lines} lines, more than {MAX_MODULE_LINES}; split it"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and _length(node) > MAX_FUNCTION_LINES:
                yield (
                    f"{relative(path)}:{node.lineno} {node.name} has {_length(node)} lines,"
                    f" more than {MAX_FUNCTION_LINES}; split it"
                )


def _length(function: ast.FunctionDef) -> int:
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    docstring = ast.get_docstring(function, clean=False)
    return lines - len(docstring.splitlines()) if docstring else lines


def _promises(packages: list[workspace.Package]) -> Iterator[str]:
    """Check that the packages agree on the Python versions they run on."""
    floors = {package.pyproject["project"]["requires-python"] for package in packages}
    if len(floors) > 1:
        yield f"the packages disagree on requires-python: {', '.join(sorted(floors))}"
    if len({tuple(package.python_versions) for package in packages}) > 1:
        yield "the packages' classifiers name different Python versions"


def _configuration(packages: list[workspace.Package]) -> Iterator[str]:
    """Check the lists in the root pyproject.toml that its readers cannot derive."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    shorts = [package.short for package in packages]
    modules = [module for package in packages for module in package.modules]
    layered = [f"eventlet.{short}" for short in shorts]
    sources = [f"$MYPY_CONFIG_FILE_DIR/packages/{short}/src" for short in shorts]
    yield from _missing("tool.mypy.mypy_path", tool["mypy"]["mypy_path"], sources)
    measured = tool["coverage"]["run"]["source_pkgs"]
    yield from _missing("tool.coverage.run.source_pkgs", measured, modules)
    yield from _missing("tool.coverage.paths", tool["coverage"]["paths"], shorts)
    yield from _missing("tool.importlinter.contracts", _layers(tool["importlinter"]), layered)


def _layers(importlinter: dict[str, Any]) -> set[str]:
    rows = (row for contract in importlinter["contracts"] for row in contract.get("layers", []))
    return {name.strip() for row in rows for name in row.replace(":", "|").split("|")}


def _missing(table: str, listed: Iterable[str], wanted: Iterable[str]) -> Iterator[str]:
    for name in sorted({*wanted} - {*listed}):
        yield f"{table} in the root pyproject.toml lacks {name}"


if __name__ == "__main__":
    sys.exit("\n".join(problems()) or None)
