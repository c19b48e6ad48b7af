"""Hash files in a pool of child processes that stay alive and speak JSON, a line at a time.

    python process_pool.py FILE...

Any program that answers on its output what it reads on its input will do as the child; here it is
this file, started with --child. A child that crashes or hangs is replaced, and costs one file.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator

from eventlet import coros
from eventlet.processes import DeadProcess, Process, ProcessPool

CHILDREN = 4
# How long a child may take for one file, in seconds.
LIMIT = 10.0


def main(paths: list[str]) -> int:
    failures = 0
    for path, answer in hash_all(paths):
        failures += "error" in answer
        print(answer.get("hash") or f"cannot hash: {answer['error']}", path)
    return 1 if failures else 0


def hash_all(paths: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each path with the answer of a child, in order."""
    with ProcessPool(sys.executable, [__file__, "--child"], max_size=CHILDREN) as pool:

        def ask_one_of_them(path: str) -> dict[str, str]:
            with pool.item() as child:
                return ask(child, {"path": path})

        yield from zip(paths, coros.map(ask_one_of_them, paths, max_size=CHILDREN), strict=True)


def ask(child: Process, question: dict[str, str]) -> dict[str, str]:
    try:
        child.write(json.dumps(question).encode() + b"\n", timeout=LIMIT)
        answer: dict[str, str] = json.loads(child.readline(timeout=LIMIT))
        return answer
    except DeadProcess as error:
        return {"error": str(error)}
    except TimeoutError as error:
        child.close()  # it may still answer, but to the next question: the pool drops it for that
        return {"error": str(error)}


def serve() -> None:
    """Answer questions until there are no more; in the child."""
    for line in sys.stdin:
        path = json.loads(line)["path"]
        try:
            with open(path, "rb") as file:
                answer = {"hash": hashlib.file_digest(file, "sha256").hexdigest()}
        except OSError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--child"]:
        serve()
    else:
        sys.exit(main(sys.argv[1:]))
