"""Header fields: names without regard to case, any number of values for one name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import TypeAlias

from .errors import InvalidRequest

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2
# Of the control characters only the tab may stand in a value (RFC 9110, section 5.5).
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

# What a request that is redirected to another origin leaves behind...
CREDENTIALS = ("authorization", "cookie", "proxy-authorization", "host")
# ...and one that loses its body.
ABOUT_BODY = (
    "content-type", "content-encoding", "content-language", "content-location", "expect",
)  # fmt: skip

HeaderTypes: TypeAlias = "Headers | Mapping[str, str] | Iterable[tuple[str, str]] | None"


class Headers(MutableMapping[str, str]):
    """A list of header fields that is also a mapping.

    Reading ``headers[name]`` joins several values with ``", "``; `get_list` keeps them apart,
    which is the only right way to read ``Set-Cookie``. Assigning replaces all values; `add` keeps
    them. Iteration yields each name once, as first written.

    Arguments:
        fields: a mapping, an iterable of pairs, or None for an empty list.

    Attributes:
        version: grows with each change.

    Raises:
        InvalidRequest: a name or value that could not be sent safely.
    """

    __slots__ = ("_fields", "version")

    def __init__(self, fields: HeaderTypes = None) -> None:
        self._fields: list[tuple[str, str]] = []
        self.version = 0
        if fields:
            self.extend(fields)

    @classmethod
    def received(cls, raw: Iterable[tuple[bytes, bytes]]) -> Headers:
        """Make one of what a parser has found in an answer, and has checked."""
        headers = cls()
        headers._fields = [
            (name.decode("latin-1"), value.decode("latin-1").strip(" \t")) for name, value in raw
        ]
        return headers

    def add(self, name: str, value: str) -> None:
        """Append a field, beside those of the same name.

        Raises:
            InvalidRequest: a name or value that could not be sent safely.
        """
        self._fields.append(checked(name, value))
        self.version += 1

    def extend(self, fields: HeaderTypes) -> None:
        """Append the fields of a mapping, or of an iterable of pairs.

        Raises:
            InvalidRequest: a name or value that could not be sent safely.
        """
        if fields is not None:
            self._fields.extend([checked(name, value) for name, value in pairs_of(fields)])
            self.version += 1

    def replace(self, fields: HeaderTypes) -> None:
        """Append the fields, dropping first what is here under any of their names.

        Raises:
            InvalidRequest: a name or value that could not be sent safely.
        """
        new = Headers(fields)
        names = {name.lower() for name, _ in new._fields}
        self._fields = [field for field in self._fields if field[0].lower() not in names]
        self._fields.extend(new._fields)
        self.version += 1

    def get_list(self, name: str) -> list[str]:
        """Return all values of a name, in their order; an empty list if there are none."""
        wanted = name.lower()
        return [value for key, value in self._fields if key.lower() == wanted]

    def multi_items(self) -> list[tuple[str, str]]:
        """Return all fields in their order, names as written."""
        return list(self._fields)

    def copy(self) -> Headers:
        """Return another list with the same fields."""
        twin = Headers()
        twin._fields = list(self._fields)
        return twin

    def __getitem__(self, name: str) -> str:
        values = self.get_list(name)
        if not values:
            raise KeyError(name)
        return ", ".join(values)

    def __setitem__(self, name: str, value: str) -> None:
        field = checked(name, value)
        wanted = name.lower()
        self._fields = [pair for pair in self._fields if pair[0].lower() != wanted]
        self._fields.append(field)
        self.version += 1

    def __delitem__(self, name: str) -> None:
        wanted = name.lower()
        kept = [field for field in self._fields if field[0].lower() != wanted]
        if len(kept) == len(self._fields):
            raise KeyError(name)
        self._fields = kept
        self.version += 1

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        wanted = name.lower()
        return wanted in [key.lower() for key, _ in self._fields]

    def __iter__(self) -> Iterator[str]:
        seen = set()
        for name, _ in self._fields:
            lowered = name.lower()
            if lowered not in seen:
                seen.add(lowered)
                yield name

    def __len__(self) -> int:
        return len({name.lower() for name, _ in self._fields})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (Headers, Mapping)):
            return NotImplemented
        theirs = {name.lower(): value for name, value in other.items()}
        return {name.lower(): value for name, value in self.items()} == theirs

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"Headers({self._fields!r})"


def pairs_of(fields: HeaderTypes) -> Iterable[tuple[str, str]]:
    """Return the fields of whatever stands for a list of headers.

    Raises:
        InvalidRequest: it stands for none.
    """
    if fields is None:
        return ()
    if isinstance(fields, Headers):
        return fields.multi_items()
    if isinstance(fields, Mapping):
        return fields.items()
    if isinstance(fields, (str, bytes)) or not isinstance(fields, Iterable):
        raise InvalidRequest(f"headers are a mapping, or pairs of name and value, not {fields!r}")
    return fields


def checked(name: str, value: str) -> tuple[str, str]:
    """Return a field that can be sent: nothing in it ends a line, or is lost on the way.

    Raises:
        InvalidRequest: this one cannot.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidRequest(f"a header name is a word in ASCII, not {name!r}")
    if not isinstance(value, str):
        raise InvalidRequest(f"the value of header {name!r} must be text, not {value!r}")
    if _FORBIDDEN.search(value):
        raise InvalidRequest(f"the value of header {name!r} has control characters: {value!r}")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        raise InvalidRequest(
            f"the value of header {name!r} has characters beyond Latin-1: {value!r};"
            " encode it, for example with urllib.parse.quote"
        ) from None
    return name, value.strip(" \t")
