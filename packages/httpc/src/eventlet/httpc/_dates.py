"""Dates as HTTP writes them: always in English, always in GMT (RFC 9110, section 5.6.7)."""

from __future__ import annotations

import calendar
import re
import time

#: How HTTP writes a point in time (RFC 9110, section 5.6.7), in terms of `time.strftime`.
HTTP_TIME_FORMAT = "%a, %d %b %Y %H:%M:%S GMT"

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS = {name: number for number, name in enumerate(_MONTHS, 1)}

# The three forms a recipient must take. Patterns, not `time.strptime`: that reads day and month
# names in the language of the user's locale.
_FORMS = tuple(
    re.compile(form.format(m="(?P<m>[A-Z][a-z]{2})", t="(?P<t>[0-9:]{8})"), re.ASCII)
    for form in (
        r"[A-Z][a-z]{{2}}, (?P<d>\d\d) {m} (?P<y>\d{{4}}) {t} GMT",
        r"[A-Z][a-z]{{5,8}}, (?P<d>\d\d)-{m}-(?P<y>\d\d) {t} GMT",
        r"[A-Z][a-z]{{2}} {m} (?P<d>[ \d]\d) {t} (?P<y>\d{{4}})",
    )
)
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)", re.ASCII)  # 60: a leap second

# A two-digit year that seems to be further in the future is one of the last century.
_FUTURE_YEARS = 50


def to_http_time(seconds: float) -> str:
    """Write a point in time as HTTP does: ``"Sun, 06 Nov 1994 08:49:37 GMT"``.

    Arguments:
        seconds: since 1970, as `time.time` returns.

    Raises:
        OverflowError, OSError, ValueError: out of the platform's range.
    """
    year, month, day, hour, minute, second, weekday, *_ = time.gmtime(seconds)
    return (
        f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04}"
        f" {hour:02}:{minute:02}:{second:02} GMT"
    )


def from_http_time(text: str | None, defaultdate: int | None = None) -> int | None:
    """Read a date of HTTP, in the current form or one of the two old ones.

    Arguments:
        text: None is no date.
        defaultdate: what to return if it is none.

    Returns:
        Seconds since 1970.

    Raises:
        TypeError: `text` is neither.
    """
    if text is None:
        return defaultdate
    if not isinstance(text, str):
        raise TypeError(f"a date of HTTP is text, not {text!r}; to write one use to_http_time")
    for form in _FORMS:
        match = form.fullmatch(text.strip())
        if match is not None:
            return _seconds(match, defaultdate)
    return defaultdate


def _seconds(match: re.Match[str], default: int | None) -> int | None:
    month = _MONTH_NUMBERS.get(match["m"])
    clock = _CLOCK.fullmatch(match["t"])
    year, day = int(match["y"]), int(match["d"])
    if len(match["y"]) == 2:
        year = _whole_year(year)
    if month is None or clock is None or not 0 < day <= _days_of(year, month):
        return default
    hour, minute, second = map(int, clock.groups())
    return calendar.timegm((year, month, day, hour, minute, second))


def _days_of(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1] if year else 0


def _whole_year(two_digits: int) -> int:
    this_year = time.gmtime().tm_year
    year = this_year - this_year % 100 + two_digits
    return year - 100 if year > this_year + _FUTURE_YEARS else year
