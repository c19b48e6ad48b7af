"""The oldest versions of the siblings that a package admits, as wheels.

A version with a tag is built from that. As long as no tag is admitted, the tree is the oldest.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from tools import workspace

ROOT = workspace.ROOT


def tags(package: workspace.Package, requirements: list[Requirement]) -> list[str]:
    """Return the tags of those versions of *package* that all *requirements* admit, in order."""
    command = ["git", "tag", "--list", f"{package.short}-v*"]
    listed = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    versions = {Version(tag.rpartition("-v")[2]): tag for tag in listed.stdout.split()}
    return [
        tag
        for version, tag in sorted(versions.items())
        if all(each.specifier.contains(version) for each in requirements)
    ]


def siblings(package: workspace.Package) -> Iterator[tuple[workspace.Package, str | None]]:
    """Yield each sibling below *package* with the tag to build it from; None is the tree."""
    packages = workspace.load()
    below = [each for each in workspace.closure(package, packages) if each.name != package.name]
    # What is in between has its say, too: the oldest version must suit them all.
    wanted = [Requirement(text) for each in [package, *below] for text in each.requirements]
    for each in below:
        found = tags(each, [one for one in wanted if one.name == each.name])
        yield each, found[0] if found else None


def build(package: workspace.Package, tag: str | None, folder: Path) -> None:
    """Build the wheel of *package* as of *tag* into *folder*."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder)]
    if tag is None:
        subprocess.run([*command, str(package.folder)], check=True)
        return
    with tempfile.TemporaryDirectory() as tree:
        subprocess.run(["git", "worktree", "add", "--detach", tree, tag], check=True, cwd=ROOT)
        try:
            subprocess.run([*command, f"{tree}/packages/{package.short}"], check=True)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", tree], check=True, cwd=ROOT)


def main(short: str, folder: Path) -> None:
    """Build the oldest siblings of the package *short* into *folder*."""
    package = workspace.load()[f"eventlet-{short}"]
    for sibling, tag in siblings(package):
        print(f"{sibling.name}: {tag or 'the tree, as no tag is admitted'}", flush=True)
        build(sibling, tag, folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
