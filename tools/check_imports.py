"""Fail when a package imports a sibling that it does not itself declare.

An environment without the sibling finds most of this out, but not an import
that no test reaches, nor one that works because another dependency happens to
bring the sibling along.
"""

import ast
import sys
from collections.abc import Iterator

from tools import workspace


def problems(packages: dict[str, workspace.Package], shorts: list[str]) -> Iterator[str]:
    """Yield each undeclared import of the packages called *shorts*, or of all."""
    owners = {module: each.name for each in packages.values() for module in each.modules}
    for package in packages.values():
        if not shorts or package.short in shorts:
            declared = {package.name, *map(workspace.requirement_name, package.requirements)}
            for where, module in _imports(package):
                owner = owners.get(".".join(module.split(".")[:2]), package.name)
                if owner not in declared:
                    yield f"{where} imports {module}, but {package.name} does not declare {owner}"


def _imports(package: workspace.Package) -> Iterator[tuple[str, str]]:
    """Yield the place and the full name of everything the package's sources import."""
    for path in sorted(package.folder.glob("src/**/*.py")):
        where = workspace.relative(path)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((f"{where}:{node.lineno}", alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    yield f"{where}:{node.lineno}", f"{node.module}.{alias.name}"


if __name__ == "__main__":
    sys.exit("\n".join(problems(workspace.load(), sys.argv[1:])) or None)
