"""The free list: how many idle carriers are kept."""

from __future__ import annotations

import pytest

from eventlet.hub import (
    get_hub,
    sleep,
    spawn,
)

pytestmark = pytest.mark.usefixtures("no_leaks")


class TestFreeList:
    def fill(self) -> None:
        threads = [spawn(sleep, 0) for _ in range(2000)]
        for thread in threads:
            thread.wait()

    def test_it_is_bounded(self) -> None:
        self.fill()
        sleep(0.001)
        assert get_hub().stats().idle_carriers <= 1024

    def test_it_shrinks_when_the_hub_has_little_to_do(self) -> None:
        self.fill()
        for _ in range(20):
            sleep(0.001)
        assert get_hub().stats().idle_carriers == 16

    def test_it_shrinks_when_the_hub_has_nothing_to_do(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("eventlet.hub._hub._SHRINK_INTERVAL", 0.001)
        self.fill()
        sleep(0.2)
        assert get_hub().stats().idle_carriers == 16
