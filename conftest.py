"""What the tests of all packages share: fixed examples, and a report when one hangs."""

import faulthandler
import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from itertools import islice

import pytest
import pytest_timeout

# Makes hypothesis draw the same examples in every run and forgive a slow machine.
# Its own option for that imports all of it, even where no test needs it.
os.environ.setdefault("CI", "true")

# A shell starts what it puts in the background with Ctrl-C ignored, which children would inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# More would push what is interesting out of a terminal's memory.
MAX_STACKS = 50
MAX_FRAMES = 8

SECONDS_TO_END = 60


def pytest_timeout_set_timer(item: pytest.Item, settings: pytest_timeout.Settings) -> bool:
    """Time *item* as pytest-timeout's thread method does, with a fuller report.

    That one shows what each native thread is doing. In a test that hangs, this
    is the hub polling, whichever test it is; the test is a suspended greenlet.
    """

    def expire() -> None:
        if not pytest_timeout.is_debugging():
            # Not print(*lines): the report looks at all objects, that tuple among them, unfinished.
            print("\n".join(_report(item.nodeid, settings.timeout)), file=sys.stderr)
        pytest_timeout.timeout_timer(item, settings)

    timer = threading.Timer(settings.timeout, expire)
    timer.daemon = True
    item.cancel_timeout = timer.cancel  # type: ignore[attr-defined]  # where the plugin looks
    timer.start()
    return True


@pytest.hookimpl(trylast=True)  # pytest's own use of it has ended
def pytest_unconfigure() -> None:
    """Give the interpreter limited time to end: a hang then would be nobody's test."""
    faulthandler.dump_traceback_later(SECONDS_TO_END, exit=True, file=sys.__stderr__ or sys.stderr)


def _report(test: str, seconds: float) -> Iterator[str]:
    import greenlet  # not sooner: a package that forgot to declare it must fail by itself

    yield f"{test} did not end within {seconds:g} s. Suspended greenlets:"
    every = (found for found in gc.get_objects() if isinstance(found, greenlet.greenlet))
    for suspended in islice((found for found in every if found.gr_frame), MAX_STACKS):
        stack = traceback.format_stack(suspended.gr_frame, MAX_FRAMES)
        yield f"{suspended!r}\n{''.join(stack)}"
