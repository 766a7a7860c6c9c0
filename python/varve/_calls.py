"""Calls to one server from code that is not asynchronous."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import errors
from ._blocking import Loop
from ._client import Client
from ._http import ConnectionFailed


class Calls:
    """A client and the event loop it runs on."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._loop = Loop()

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """A call whose answer is not JSON; see Client.call."""
        return self._loop.run(self.client.call(*args, **kwargs))

    def json(self, *args: Any, **kwargs: Any) -> Any:
        """A call that takes and gives JSON; see Client.json."""
        return self._loop.run(self.client.json(*args, **kwargs))

    def open(self, *args: Any, **kwargs: Any) -> Answer:
        """A call whose answer is read piece by piece; see Client.open."""
        return Answer(self._loop, self._loop.run(self.client.open(*args, **kwargs)))

    def close(self) -> None:
        """Closes connections, and stops the server if this process started it."""
        self._loop.run(self.client.close())
        self._loop.close()


class Answer:
    """An answer on its way. To be closed; closing twice is no error."""

    def __init__(self, loop: Loop, stream: Any) -> None:
        self._loop = loop
        self._stream = stream
        self._open = True
        self.headers: dict[str, str] = stream.headers

    def read(self) -> bytes:
        """The next piece; empty at the end. Raises UnavailableError when the
        answer breaks off."""
        if not self._open:
            return b""
        try:
            return self._loop.run(self._next())
        except ConnectionFailed as err:
            self.close()
            raise errors.UnavailableError(f"the answer broke off: {err}") from err

    def lines(self) -> Iterator[bytes]:
        """The answer line by line, without the ends of lines."""
        rest = b""
        while piece := self.read():
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
        if rest:
            yield rest

    def close(self) -> None:
        if self._open:
            self._open = False
            self._loop.run(self._stream.close())

    async def _next(self) -> bytes:
        async for piece in self._stream.chunks:
            return bytes(piece)
        return b""
