"""Those who wait in the parent are passed over in a forked child."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")

SCRIPT = """
import os
import threading
from eventlet import coros, hub
from eventlet.hub import testing

queue, semaphore, event = coros.Queue(), coros.Semaphore(), coros.Event()
started = threading.Semaphore(0)

def wait_for_all():
    threads = [hub.spawn(wait) for wait in (queue.wait, semaphore.acquire, event.wait)]
    testing.wait_until_idle()
    started.release()
    return threads

native = threading.Thread(target=lambda: [thread.wait() for thread in wait_for_all()])
native.start()
started.acquire()
ours = wait_for_all()
pid = os.fork()
if not pid:
    queue.send("ours")
    semaphore.release()
    event.send("sent")
    assert queue.wait(5) == "ours"
    assert semaphore.acquire(timeout=5)
    assert event.wait(5) == "sent"
    # A new native thread may get the number of the one that is missing here.
    other = threading.Thread(target=lambda: (queue.send(1), queue.wait(5)))
    other.start()
    other.join()
    assert len(queue) == 0
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
for _ in range(2):
    queue.send("parent's")
    semaphore.release()
event.send("parent's")
assert [thread.wait() for thread in ours] == ["parent's", True, "parent's"]
native.join()
print("done")
"""


def test_a_child_serves_none_of_the_parent_s() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SCRIPT],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.stdout == "done\n", done.stderr
