"""HTTP over TCP or a Unix socket, with one pool of connections.

Why not a library: a chat writes a step for every message and tool call, on the
one event loop that also streams everyone's tokens. The usual asynchronous
client costs 1.5 to 2 ms of that loop per call; this costs a tenth, and needs
nothing installed. It speaks the part of HTTP/1.1 that a Go server speaks.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ._address import Address
from ._connection import Body, Connection, ConnectionFailed, Head

__all__ = ["Body", "ConnectionFailed", "Pool", "Response", "StreamedResponse"]


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class StreamedResponse:
    """An answer whose body is still on its way."""

    status: int
    headers: dict[str, str]
    chunks: AsyncIterator[bytes]


class Pool:
    """Persistent connections to one server.

    A pool belongs to the event loop that first used it; used from another one
    (tests, several ``asyncio.run``) it begins anew there.
    """

    def __init__(self, address: Address, *, limit: int = 64) -> None:
        self._address = address
        self._limit = limit
        self._idle: list[Connection] = []
        self._tls: ssl.SSLContext | None = None
        self._slots: asyncio.Semaphore | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def call(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | Body | None = None,
        *,
        quiet_seconds: float = 60.0,
    ) -> Response:
        """Sends a request and reads the whole answer. Raises ConnectionFailed."""
        head = self._head(method, target, headers, body)
        async with self._slot():
            connection, answer = await self._exchange(head, body, quiet_seconds)
            try:
                content = await connection.read(method, answer)
            except BaseException:
                connection.close()
                raise
            self._give_back(connection)
        return Response(answer[0], answer[1], content)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        quiet_seconds: float = 60.0,
    ) -> AsyncIterator[StreamedResponse]:
        """Sends a request and hands out the answer before its body was read."""
        head = self._head(method, target, headers, body)
        async with self._slot():
            connection, answer = await self._exchange(head, body, quiet_seconds)
            done = False

            async def chunks() -> AsyncIterator[bytes]:
                nonlocal done
                async for chunk in connection.stream(method, answer):
                    yield chunk
                done = True

            try:
                yield StreamedResponse(answer[0], answer[1], chunks())
            finally:
                if done:
                    self._give_back(connection)
                else:
                    connection.close()

    async def close(self) -> None:
        """Closes the idle connections. The pool may be used again afterwards."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _slot(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._slots is None:
            self._loop = loop
            self._idle = []  # they belong to a loop that may be closed: just let go
            self._slots = asyncio.Semaphore(self._limit)
        return self._slots

    async def _exchange(
        self, head: bytes, body: bytes | Body | None, quiet_seconds: float
    ) -> tuple[Connection, Head]:
        while True:
            connection, reused = await self._take()
            try:
                return connection, await connection.ask(head, body, quiet_seconds)
            except ConnectionFailed:
                connection.close()
                # The server may have closed an idle connection just now, which
                # says nothing about how it is: a new one tells.
                if not reused or connection.expired:
                    raise
            except BaseException:
                connection.close()
                raise

    async def _take(self) -> tuple[Connection, bool]:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection, True
            connection.close()
        if self._address.tls and self._tls is None:
            self._tls = ssl.create_default_context()  # slow: it reads every root
        return await Connection.open(self._address, self._tls), False

    def _give_back(self, connection: Connection) -> None:
        if connection.usable:
            self._idle.append(connection)
        else:
            connection.close()

    def _head(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | Body | None,
    ) -> bytes:
        lines = [
            f"{method} {self._address.base}{target} HTTP/1.1",
            f"Host: {self._address.authority}",
        ]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None:
            length = len(body) if isinstance(body, bytes) else body.length
            lines.append(f"Content-Length: {length}")
        elif method not in ("GET", "HEAD"):
            lines.append("Content-Length: 0")
        # A line break in a value would begin a header of its own.
        if any("\r" in line or "\n" in line or "\0" in line for line in lines):
            raise ValueError("a header value holds a line break")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
