"""The reference: one page for each public module, with all that its ``__all__`` promises.

The modules are found in the packages, so that a new one cannot be forgotten. A name without a
docstring or without an entry is a warning, and a warning ends the build.
"""

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "packages"
PAGES = Path(__file__).resolve().parent / "reference"

# The modules with every name of a standard one, or of pyOpenSSL's.
MIMICS = {"SSL", "queue", "select", "selectors", "socket", "ssl", "subprocess", "threading"}

log = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write_pages)
    app.connect("env-check-consistency", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def public_modules() -> Iterator[str]:
    """Yield the names of all modules without an underscore in their path."""
    for path in sorted(SOURCES.glob("*/src/eventlet/**/*.py")):
        parts = path.with_suffix("").parts[path.parts.index("src") + 1 :]
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not any(part.startswith("_") for part in parts):
            yield ".".join(parts)


def entries(name: str) -> dict[str, object]:
    """Return what the page of module *name* describes.

    Not what the standard library describes, nor what is imported from a package above to be
    found in both places.
    """
    module = importlib.import_module(name)
    above = importlib.import_module(name.rpartition(".")[0])
    found = {}
    for public in module.__all__:
        value = getattr(module, public)
        shared = getattr(above, public, None) is value
        if not (shared or public == "__version__" or is_standard(value, module)):
            found[public] = value
    return found


def is_standard(value: object, module: ModuleType) -> bool:
    """Tell whether *module* only passes on *value*, as those do that mimic a standard one."""
    if isinstance(value, ModuleType):
        return not value.__name__.startswith("eventlet.")
    if inspect.isclass(value) or inspect.isroutine(value):
        return not (value.__module__ or "").startswith("eventlet.")
    return module.__name__.rpartition(".")[2] in MIMICS


def write_pages(app: Sphinx) -> None:
    PAGES.mkdir(exist_ok=True)
    names = list(public_modules())
    pages = {name: page(name) for name in names}
    listed = "\n".join(names)
    pages["index"] = f"# Reference\n\n```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n"
    for name, text in pages.items():
        path = PAGES / f"{name}.md"
        if not path.exists() or path.read_text("utf-8") != text:  # or all would be built anew
            path.write_text(text, "utf-8")
    for path in PAGES.glob("*.md"):
        if path.stem not in pages:
            path.unlink()


def page(name: str) -> str:
    """Return the text of the page of module *name*."""
    lines = [f"# {name}\n", "```{eval-rst}", f".. automodule:: {name}", "   :no-members:\n"]
    found = entries(name)
    for public, value in sorted(found.items(), key=lambda item: item[0].lower()):
        if inspect.isclass(value):
            bases = "   :show-inheritance:\n" if value.__bases__ != (object,) else ""
            lines += [f".. autoclass:: {name}.{public}\n{bases}"]
        elif inspect.isroutine(value):
            lines += [f".. autofunction:: {name}.{public}\n"]
        elif isinstance(value, ModuleType):
            lines += [f"- The module `{value.__name__}`.\n"]
        else:
            lines += [f".. py:data:: {public}\n", f"   {comment(name, public)}\n"]
    also = [public for public in importlib.import_module(name).__all__ if public not in found]
    if also:
        lines += ["Also here, and described elsewhere: " + ", ".join(f"`{x}`" for x in also) + "."]
    return "\n".join([*lines, "```\n"])


def comment(name: str, public: str) -> str:
    """Return what the comment above an assignment says, if it begins with ``#:``."""
    package = SOURCES / name.split(".")[1]
    pattern = re.compile(rf"^((?:#: .*\n)+){public}\b", re.MULTILINE)
    for path in sorted(package.glob("src/**/*.py")):
        if match := pattern.search(path.read_text("utf-8")):
            return " ".join(line[3:] for line in match[1].splitlines())
    return ""


def check(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of each public name that the reference lacks, or has nothing to say of."""
    there = {entry[0] for entry in env.get_domain("py").get_objects()}
    for name in public_modules():
        for public, value in entries(name).items():
            if isinstance(value, ModuleType):
                continue
            if f"{name}.{public}" not in there:
                log.warning("%s.%s is public and has no entry in the reference", name, public)
            is_code = inspect.isclass(value) or inspect.isroutine(value)
            if not (value.__doc__ if is_code else comment(name, public)):
                log.warning("%s.%s is public and has no docstring or #: comment", name, public)
