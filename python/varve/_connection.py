"""One HTTP/1.1 connection: writes a request, reads the answer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import Protocol

from ._address import Address
from .errors import VarveError

_CHUNK = 64 * 1024
_HEAD_LIMIT = 256 * 1024
_CONNECT_SECONDS = 5.0

Head = tuple[int, dict[str, str]]


class ConnectionFailed(Exception):
    """There was no answer, or only a part of one. Whether the server acted is
    unknown, so only a call that may be repeated is repeated; unless nobody
    listened, when nothing was ``sent``."""

    sent = True


class Body(Protocol):
    """A request body that is sent piece by piece and can be sent again. The
    pieces are ``length`` bytes together, or ``chunks`` raises."""

    length: int

    def chunks(self) -> AsyncIterator[bytes]: ...


class Connection:
    """A connection carries one exchange at a time; who closes it after a
    failure is the caller."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._alarm: asyncio.TimerHandle | None = None
        self._quiet = 0.0
        self._expired = False
        self._reusable = True

    @classmethod
    async def open(cls, address: Address, tls: ssl.SSLContext | None) -> Connection:
        """Raises ConnectionFailed if nobody listens."""
        try:
            if address.socket is not None:
                opening = asyncio.open_unix_connection(
                    address.socket, limit=_HEAD_LIMIT
                )
            else:
                opening = asyncio.open_connection(
                    address.host,
                    address.port,
                    ssl=tls,
                    limit=_HEAD_LIMIT,
                )
            reader, writer = await asyncio.wait_for(opening, _CONNECT_SECONDS)
        except (OSError, asyncio.TimeoutError) as err:
            failed = ConnectionFailed(f"cannot connect: {err or 'timed out'}")
            failed.sent = False
            raise failed from err
        return cls(reader, writer)

    @property
    def usable(self) -> bool:
        """Whether another request may be sent: nothing is left to read and the
        server has not hung up."""
        return (
            self._reusable
            and not self._reader.at_eof()
            and not self._writer.is_closing()
        )

    def close(self) -> None:
        self._disarm()
        self._reusable = False
        self._writer.close()

    async def ask(
        self, head: bytes, body: bytes | Body | None, quiet_seconds: float
    ) -> Head:
        """Sends a request and returns the head of its answer.

        ``quiet_seconds`` is how long neither side may stay silent; it goes on
        counting while the answer's body is read.
        """
        self._quiet = quiet_seconds
        self._touch()
        try:
            if body is None or isinstance(body, bytes):
                self._writer.write(head + body if body else head)
                return await self._read_head()
            return await self._send(head, body)
        except VarveError:
            raise  # the body's own, with which no other try ends otherwise
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as err:
            raise self._failed(err) from err

    async def read(self, method: str, head: Head) -> bytes:
        """The whole body of the answer."""
        length = _length(method, head)
        try:
            if length is not None:
                body = await self._reader.readexactly(length) if length else b""
                self._finish(head)
                return body
        except (OSError, EOFError) as err:
            raise self._failed(err) from err
        return b"".join([chunk async for chunk in self.stream(method, head)])

    async def stream(self, method: str, head: Head) -> AsyncIterator[bytes]:
        """The body of the answer, piece by piece."""
        length = _length(method, head)
        try:
            if length is not None:
                pieces = self._sized(length)
            elif "chunked" in head[1].get("transfer-encoding", "").lower():
                pieces = self._chunked()
            else:
                self._reusable = False
                pieces = self._rest()
            async for piece in pieces:
                self._disarm()  # who reads may take its time
                yield piece
                self._touch()
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as err:
            raise self._failed(err) from err
        self._finish(head)

    # Sending.

    async def _send(self, head: bytes, body: Body) -> Head:
        # The answer is awaited while the body is sent, since a server that
        # refuses an upload answers early and then hangs up.
        answer = asyncio.ensure_future(self._read_head())
        try:
            self._writer.write(head)
            sent_all = await self._send_chunks(body, answer)
            self._reusable = self._reusable and sent_all
            return await answer
        finally:
            if not answer.done():
                answer.cancel()

    async def _send_chunks(self, body: Body, answer: asyncio.Future[Head]) -> bool:
        async for chunk in body.chunks():
            if answer.done():
                return False
            self._touch()
            self._writer.write(chunk)
            try:
                await self._writer.drain()
            except ConnectionError:
                return False  # the answer, or why there is none, comes from the reader
        return True

    # Reading.

    async def _read_head(self) -> Head:
        while True:
            raw = await self._reader.readuntil(b"\r\n\r\n")
            lines = raw.decode("latin-1").split("\r\n")
            version, status, *_ = lines[0].split(" ", 2)
            if not version.startswith("HTTP/1."):
                raise ValueError(f"not an HTTP answer: {version[:20]!r}")
            if int(status) >= 200:
                return int(status), _headers(lines[1:])

    async def _sized(self, left: int) -> AsyncIterator[bytes]:
        while left > 0:
            piece = await self._reader.read(min(left, _CHUNK))
            if not piece:
                raise EOFError("the answer ends early")
            left -= len(piece)
            yield piece

    async def _chunked(self) -> AsyncIterator[bytes]:
        while True:
            line = await self._reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            if size == 0:
                break
            async for piece in self._sized(size):
                yield piece
            await self._reader.readexactly(2)
        while await self._reader.readuntil(b"\r\n") != b"\r\n":
            pass  # trailers say nothing here

    async def _rest(self) -> AsyncIterator[bytes]:
        while piece := await self._reader.read(_CHUNK):
            yield piece

    # Ends.

    def _finish(self, head: Head) -> None:
        self._disarm()
        if head[1].get("connection", "").lower() == "close":
            self._reusable = False

    def _failed(self, err: BaseException) -> ConnectionFailed:
        self._disarm()
        self._reusable = False
        if self._expired:
            return ConnectionFailed(f"no answer within {self._quiet:g} s")
        return ConnectionFailed(f"the connection broke: {err or type(err).__name__}")

    def _touch(self) -> None:
        self._disarm()
        self._alarm = asyncio.get_running_loop().call_later(self._quiet, self._expire)

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _expire(self) -> None:
        self._expired = True
        self._writer.transport.abort()

    @property
    def expired(self) -> bool:
        return self._expired


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            key, value = name.strip().lower(), value.strip()
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def _length(method: str, head: Head) -> int | None:
    """How long the body is; None if only its end will tell."""
    status, headers = head
    if method == "HEAD" or status in (204, 304):
        return 0
    if "transfer-encoding" in headers:
        return None
    length = headers.get("content-length")
    return int(length) if length is not None else None
