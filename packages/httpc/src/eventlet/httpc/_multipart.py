"""Forms as request bodies: fields alone, or with files (RFC 7578), which are streamed."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, TypeAlias
from urllib.parse import urlencode

from ._body import Body, BytesBody, Content, make_body
from ._headers import Headers
from .errors import InvalidRequest

FileContent: TypeAlias = "bytes | str | IO[bytes]"
FileTypes: TypeAlias = (
    "FileContent | tuple[str | None, FileContent] | tuple[str | None, FileContent, str]"
)
FilesTypes: TypeAlias = "Mapping[str, FileTypes] | Sequence[tuple[str, FileTypes]]"
FormTypes: TypeAlias = "Mapping[str, Any] | Sequence[tuple[str, Any]]"

# HTML's rule for names in this place; a quote or a line break would end the name.
_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


def encode_form(fields: FormTypes) -> Body:
    """Return the body of a form without files."""
    return BytesBody(urlencode(list(_flat(fields)), doseq=False).encode("ascii"))


class Multipart(Body):
    """The body of a form with files.

    Arguments:
        fields: names and values; a list or tuple of values stands for several fields.
        files: names and contents; a content may come with a file name and a media type.

    Attributes:
        content_type: what the ``Content-Type`` header must say.

    Raises:
        InvalidRequest: a file is none, or there are no names.
    """

    __slots__ = ("_boundary", "_parts", "content_type")

    def __init__(self, fields: FormTypes, files: FilesTypes) -> None:
        if not _is_form(files):
            raise InvalidRequest(
                f"files is a mapping, or a sequence of pairs, of names and contents, not {files!r}"
            )
        self._boundary = os.urandom(16).hex()
        self.content_type = f"multipart/form-data; boundary={self._boundary}"
        self._parts = [self._field(name, value) for name, value in _flat(fields)]
        pairs = files.items() if isinstance(files, Mapping) else files
        self._parts += [self._file(name, file) for name, file in pairs]
        bodies = [body for _, body in self._parts]
        super().__init__(self._length(), is_repeatable=all(body.is_repeatable for body in bodies))

    def pieces(self) -> Iterator[bytes]:
        """Yield the body in pieces."""
        for head, body in self._parts:
            yield head
            yield from body.pieces()
            yield b"\r\n"
        yield self._end()

    def _length(self) -> int | None:
        length = len(self._end())
        for head, body in self._parts:
            if body.length is None:
                return None
            length += len(head) + body.length + 2
        return length

    def _end(self) -> bytes:
        return f"--{self._boundary}--\r\n".encode("ascii")

    def _head(self, disposition: str, content_type: str | None) -> bytes:
        lines = [f"--{self._boundary}", f"Content-Disposition: form-data; {disposition}"]
        if content_type is not None:
            Headers({"Content-Type": content_type})  # raises if it could not be sent
            lines.append(f"Content-Type: {content_type}")
        return "\r\n".join([*lines, "", ""]).encode("utf-8")

    def _field(self, name: str, value: str) -> tuple[bytes, Body]:
        return self._head(f'name="{name.translate(_ESCAPES)}"', None), make_body(value)

    def _file(self, name: str, file: FileTypes) -> tuple[bytes, Body]:
        content: Content
        content_type = None
        if isinstance(file, tuple):
            filename, content = file[0], file[1]
            content_type = file[2] if len(file) == 3 else None
        else:
            filename, content = _name_of(file) or name, file
        disposition = f'name="{name.translate(_ESCAPES)}"'
        if filename is not None:
            disposition += f'; filename="{filename.translate(_ESCAPES)}"'
            guessed = mimetypes.guess_type(filename)[0]
            content_type = content_type or guessed or "application/octet-stream"
        return self._head(disposition, content_type), make_body(content)


def _name_of(file: object) -> str | None:
    name = getattr(file, "name", None)
    return os.path.basename(name) if isinstance(name, str) else None


def _is_form(fields: object) -> bool:
    if isinstance(fields, Mapping):
        return True
    return isinstance(fields, Sequence) and all(
        isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in fields
    )


def _flat(fields: FormTypes) -> Iterable[tuple[str, str]]:
    if not _is_form(fields):
        raise InvalidRequest(
            f"data is a mapping, or a sequence of pairs, not {fields!r}; for bytes use content"
        )
    pairs = fields.items() if isinstance(fields, Mapping) else fields
    for name, value in pairs:
        for each in value if isinstance(value, (list, tuple)) else (value,):
            if each is not None:
                yield str(name), _as_text(each)


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def encode_query(params: FormTypes | str) -> str:
    """Return parameters as the query of a URL; text is taken as it is."""
    return params if isinstance(params, str) else urlencode(list(_flat(params)))
