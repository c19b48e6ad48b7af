"""Fail when a built distribution lacks something or carries something foreign."""

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tools import workspace


def problems(wheel: Path, package: workspace.Package) -> Iterator[str]:
    """Yield what is wrong with *wheel*, which was built from *package*."""
    own = [path.relative_to("src").as_posix() for path in package.portion]
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    if "eventlet/__init__.py" in names:
        yield "eventlet/__init__.py would hide every other package; delete it from src/"
    for name in names:
        if ".dist-info/" not in name and not any(
            name == path or name.startswith(f"{path}/") for path in own
        ):
            yield f"{name} is outside {' and '.join(own)}; see only-include in pyproject.toml"
    if f"eventlet/{package.short}/py.typed" not in names:
        yield "py.typed is missing, so type checkers would ignore its annotations"
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in names):
        yield "the licence is missing; see license-files in pyproject.toml"


def main(folder: Path) -> int:
    """Check the wheel and the sdist of every package in *folder*."""
    found = []
    for package in workspace.load().values():
        built = sorted(folder.glob(f"{package.file_name}-*.whl"))
        if len(built) != 1 or len(list(folder.glob(f"{package.file_name}-*.tar.gz"))) != 1:
            found.append(f"{folder} should hold one wheel and one sdist of {package.name}")
        found += [f"{wheel.name}: {text}" for wheel in built for text in problems(wheel, package)]
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
