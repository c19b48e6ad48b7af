"""Fail when a re-exported class, function or method has no docstring.

ruff goes by module names and skips everything in a ``_private.py``. Here all
code lives in such modules and becomes public by being re-exported, so this
check follows the re-exports; public modules themselves are left to ruff.
"""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tools import workspace

Definition = ast.ClassDef | ast.FunctionDef


def problems() -> Iterator[str]:
    """Yield a line for each public object without a docstring."""
    for path in sorted(workspace.ROOT.glob("packages/*/src/**/*.py")):
        if path.stem == "__init__" or not path.stem.startswith("_"):
            for name, origin in _imports(path).items():
                if not name.startswith("_"):
                    yield from _undocumented(name, origin)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _imports(path: Path) -> dict[str, Path]:
    """Return the file behind each name that *path* imports from its own package."""
    found: dict[str, Path] = {}
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ImportFrom) and node.level and node.module:
            folder = path.parents[node.level - 1].joinpath(*node.module.split("."))
            for origin in (folder.with_suffix(".py"), folder / "__init__.py"):
                if origin.exists():
                    found |= {alias.asname or alias.name: origin for alias in node.names}
    return found


def _undocumented(name: str, path: Path) -> Iterator[str]:
    for node in _tree(path).body:
        if isinstance(node, Definition) and node.name == name:
            yield from _lacking(node, path)
    if (origin := _imports(path).get(name)) is not None:
        yield from _undocumented(name, origin)


def _lacking(node: Definition, path: Path) -> Iterator[str]:
    if not ast.get_docstring(node) and not _is_documented_elsewhere(node):
        yield f"{workspace.relative(path)}:{node.lineno} {node.name} is public and has no docstring"
    if isinstance(node, ast.ClassDef):
        for inner in node.body:
            if isinstance(inner, Definition) and not inner.name.startswith("_"):
                yield from _lacking(inner, path)


def _is_documented_elsewhere(node: Definition) -> bool:
    """Tell whether the docstring belongs to an implementation, a base class or a getter."""
    said = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(said & {"overload", "override", "setter", "deleter"})


if __name__ == "__main__":
    sys.exit("\n".join(problems()) or None)
