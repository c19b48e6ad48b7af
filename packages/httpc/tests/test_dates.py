from __future__ import annotations

import time

import pytest

from eventlet import httpc

MOMENT = 784111777


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        " Sun, 06 Nov 1994 08:49:37 GMT ",
    ],
)
def test_reads_the_three_forms(text: str) -> None:
    assert httpc.from_http_time(text) == MOMENT


def test_writes_the_first_form() -> None:
    assert httpc.to_http_time(MOMENT) == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert httpc.to_http_time(MOMENT + 0.9) == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert time.strftime(httpc.HTTP_TIME_FORMAT, time.gmtime(MOMENT)) == httpc.to_http_time(MOMENT)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "0",
        "yesterday",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nox 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 08.49.37 GMT",
    ],
)
def test_what_is_no_date_is_the_default(text: str | None) -> None:
    assert httpc.from_http_time(text) is None
    assert httpc.from_http_time(text, 7) == 7


def test_two_digits_of_a_year_mean_a_year_around_now() -> None:
    now = time.gmtime().tm_year
    for distance in (-49, 0, 50):
        year = now + distance
        read = httpc.from_http_time(f"Sunday, 06-Nov-{year % 100:02} 08:49:37 GMT")
        assert read is not None
        assert time.gmtime(read).tm_year == year
    read = httpc.from_http_time(f"Sunday, 06-Nov-{(now + 51) % 100:02} 08:49:37 GMT")
    assert read is not None
    assert time.gmtime(read).tm_year == now - 49
