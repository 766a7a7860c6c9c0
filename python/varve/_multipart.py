"""``multipart/form-data`` that is streamed: an element's row, then its bytes."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from typing import BinaryIO, Union

from .errors import InvalidError

_CHUNK = 1024 * 1024


class Bytes:
    """Content that is in memory already."""

    def __init__(self, data: bytes | bytearray | memoryview | str) -> None:
        if isinstance(data, str):
            # What is no valid text still has to be stored, not refused.
            data = data.encode("utf-8", "replace")
        self._data = bytes(data)
        self.length = len(self._data)

    async def chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, self.length, _CHUNK):
            yield self._data[start : start + _CHUNK]

    def close(self) -> None:
        pass


class File:
    """Content of a local file. It is opened once, so that it can be sent again
    even after its path is gone: Chainlit removes uploads with their session."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            self._file: BinaryIO = open(path, "rb")
        except OSError as err:
            raise InvalidError(f"the file cannot be read: {err}") from err
        self.length = os.fstat(self._file.fileno()).st_size

    async def chunks(self) -> AsyncIterator[bytes]:
        self._file.seek(0)
        left = self.length
        while left > 0:
            try:
                chunk = await asyncio.to_thread(self._file.read, min(left, _CHUNK))
            except OSError as err:
                raise InvalidError(f"the file cannot be read: {err}") from err
            if not chunk:
                raise InvalidError("the file became shorter while it was sent")
            left -= len(chunk)
            yield chunk

    def close(self) -> None:
        self._file.close()


Content = Union[Bytes, File]


class Form:
    """The two parts ``element`` and ``content``, in this order."""

    def __init__(self, element: bytes, content: Content, mime: str | None) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._content = content
        self._before = (
            f"--{boundary}\r\n"
            'Content-Disposition: form-data; name="element"\r\n'
            "Content-Type: application/json\r\n\r\n"
        ).encode() + element
        self._before += (
            f"\r\n--{boundary}\r\n"
            'Content-Disposition: form-data; name="content"; filename="content"\r\n'
            f"Content-Type: {_safe(mime)}\r\n\r\n"
        ).encode()
        self._after = f"\r\n--{boundary}--\r\n".encode()
        self.length = len(self._before) + content.length + len(self._after)

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self._before
        async for chunk in self._content.chunks():
            yield chunk
        yield self._after


def _safe(mime: str | None) -> str:
    """The type as a header value; the row carries it as it was given."""
    if mime and mime.isascii() and mime.isprintable():
        return mime
    return "application/octet-stream"
