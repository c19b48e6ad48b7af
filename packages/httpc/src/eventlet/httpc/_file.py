"""``file:`` URLs behind the interface of an HTTP connection."""

from __future__ import annotations

import os
from typing import NoReturn
from urllib.parse import urlsplit
from urllib.request import url2pathname

from eventlet.hub import tpool

from ._classic import ClassicResponse
from ._headers import Headers, HeaderTypes
from ._params import Params
from ._status import ConnectionError, status_to_error_map
from .errors import InvalidRequest, InvalidURL

_LOCAL_HOSTS = ("", "localhost")
_REASONS = {200: "OK", 404: "Not Found", 500: "Internal Server Error"}


class FileScheme:
    """Answers GET, HEAD, PUT and DELETE from the file system; it has no connection to make.

    The files are read and written in native threads, so that a slow disk holds up nobody else.

    Arguments:
        location: the host of the URL: "" or "localhost".

    Raises:
        InvalidURL: it is another host.
    """

    def __init__(self, location: str) -> None:
        if location.lower() not in _LOCAL_HOSTS:
            raise InvalidURL(f"file://{location}/", "a file URL names no host but localhost")
        self._response: ClassicResponse | None = None
        self._params = Params(f"file://{location}", "GET")

    def connect(self) -> None:
        """Do nothing; there is nothing to connect to."""

    def close(self) -> None:
        """Do nothing; there is nothing to close."""

    def request(
        self, method: str, fullpath: str, body: bytes | str = b"", headers: HeaderTypes = None
    ) -> None:
        """Do what the method says to a file.

        Arguments:
            fullpath: the path of the URL, percent-encoded.
            body: for PUT: what the file shall contain.

        Raises:
            InvalidRequest: another method than GET, HEAD, PUT and DELETE.
        """
        actions = {"GET": _read, "HEAD": _read, "PUT": _write, "DELETE": _delete}
        if method not in actions:
            raise InvalidRequest(f"a file can be read, written and deleted, but not {method!r}")
        path = url2pathname(urlsplit(fullpath).path)
        data = body.encode("utf-8") if isinstance(body, str) else body
        self._params = Params(f"file://{fullpath}", method, body, dict(Headers(headers)))
        try:
            content = tpool.execute(actions[method], path, data)
        except FileNotFoundError as error:
            self._answer(404, _words(error))
        except (OSError, ValueError) as error:
            self._answer(500, _words(error))
        else:
            self._answer(200, content, is_head=method == "HEAD")

    def getresponse(self) -> ClassicResponse:
        """Return the answer to the last request.

        Raises:
            InvalidRequest: there was none.
        """
        if self._response is None:
            raise InvalidRequest("ask with request() before you ask for the response")
        return self._response

    def getheader(self, header: str) -> str | None:
        """Return a header of the answer; there is only ``Content-Length``."""
        return self.getresponse().getheader(header)

    def read(self, howmuch: int | None = None) -> bytes:
        """Return the content of the answer, or the next `howmuch` bytes of it."""
        return self.getresponse().read(howmuch)

    def raise_connection_error(self, klass: type[ConnectionError] | None = None) -> NoReturn:
        """Raise the answer as an exception, of the class that belongs to its status."""
        response = self.getresponse()
        params = self._params
        params.response, params.response_body = response, response.content
        kind = klass or status_to_error_map.get(response.status, ConnectionError)
        raise kind(params)

    def _answer(self, status: int, content: bytes, *, is_head: bool = False) -> None:
        headers = Headers({"Content-Length": str(len(content))})
        self._response = ClassicResponse(
            status, _REASONS[status], headers, b"" if is_head else content
        )


def _read(path: str, _data: bytes) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _write(path: str, data: bytes) -> bytes:
    with open(path, "wb") as file:
        file.write(data)
    return b""


def _delete(path: str, _data: bytes) -> bytes:
    os.remove(path)
    return b""


def _words(error: Exception) -> bytes:
    return str(error).encode("utf-8", "replace")
