"""Calls to one server from code that is not asynchronous."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from . import errors
from ._blocking import Loop
from ._client import Client
from ._http import ConnectionFailed


def _nothing() -> None:
    pass


class Calls:
    """A client and the event loop it runs on. They end with ``close``, or when
    nobody has this any more; ``clean`` is called behind them, once."""

    def __init__(self, client: Client, clean: Callable[[], None] = _nothing) -> None:
        self.client = client
        self._loop = Loop()
        self._end = weakref.finalize(
            self, _forgotten, os.getpid(), client, self._loop, clean
        )
        self._end.atexit = False  # the server ends with the process anyway

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """A call whose answer is not JSON; see Client.call."""
        self._check()
        return self._loop.run(self.client.call(*args, **kwargs))

    def json(self, *args: Any, **kwargs: Any) -> Any:
        """A call that takes and gives JSON; see Client.json."""
        self._check()
        return self._loop.run(self.client.json(*args, **kwargs))

    def reach(self, *args: Any, **kwargs: Any) -> Any:
        """``json`` as the first call: where the server does not start, the error is
        what that one says."""
        try:
            return self.json(*args, **kwargs)
        except errors.UnavailableError as err:
            server = self.client.server
            said = server.why() if server is not None and server.failure else None
            raise (errors.from_problem(said) if said else err) from None

    def open(self, *args: Any, **kwargs: Any) -> Answer:
        """A call whose answer is read piece by piece; see Client.open."""
        self._check()
        return Answer(self, self._loop.run(self.client.open(*args, **kwargs)))

    def close(self) -> None:
        """Closes connections, and stops the server if this process started it.
        Closing twice is no error, and calls are an UnavailableError then."""
        found = self._end.detach()
        if found is not None:
            _end(*found[2])

    def _check(self) -> None:
        if not self._end.alive:
            raise errors.UnavailableError("this was closed; open another")


def _end(owner: int, client: Client, loop: Loop, clean: Callable[[], None]) -> None:
    loop.run(client.close())
    loop.close()
    if owner == os.getpid():  # what a forked process lets go of, its parent has
        clean()


def _forgotten(owner: int, *what: Any) -> None:
    """Ends what nobody has any more, in a thread of its own: memory is cleaned up
    in any, also in one that what is to be ended waits for."""
    if owner == os.getpid():
        threading.Thread(target=_end, args=(owner, *what), daemon=True).start()


class Answer:
    """An answer on its way. To be closed; closing twice is no error."""

    def __init__(self, calls: Calls, stream: Any) -> None:
        self._calls = calls  # which stay open while there is more to read
        self._loop = calls._loop
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
