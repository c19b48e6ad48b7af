"""What becomes of sockets in a child process."""

from __future__ import annotations

import os
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")


@pytest.mark.parametrize("poller_name", ["epoll", "poll", "select"])
def test_sockets_work_on_both_sides_of_a_fork(run_script: Any, poller_name: str) -> None:
    done = run_script(
        """
        import os, sys
        from eventlet import hub
        from eventlet.greensocket import socket
        one, other = socket.socketpair()
        hub.call_after(0, other.send, b"before")
        assert one.recv(10) == b"before"
        waiting = hub.spawn(one.recv, 10)
        hub.sleep(0)
        pid = os.fork()
        if pid == 0:
            reading = hub.spawn(other.recv, 10)
            hub.sleep(0)
            hub.spawn(one.send, b"child")
            assert reading.wait() == b"child"
            other.send(b"to parent")
            os._exit(0)
        assert waiting.wait() == b"to parent"
        assert os.waitpid(pid, 0)[1] == 0
        hub.call_after(0, other.send, b"after")
        assert one.recv(10) == b"after"
        one.close()
        other.close()
        print("fine")
        """,
        EVENTLET_HUB=poller_name,
    )
    assert (done.stdout, done.stderr) == ("fine\n", "")
