"""Calls to a server: headers, retries, errors by kind."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, TypeVar, Union
from urllib.parse import quote, urlencode

from . import _json, errors
from ._address import parse
from ._http import Body, ConnectionFailed, Pool, Response, StreamedResponse
from ._version import __version__
from .server import Server

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
_AGENT = f"varve-python/{__version__}"

# Answers that say "not now": the store is away, or a proxy found no server.
_NOT_NOW = (502, 503, 504)


def path(*segments: str) -> str:
    """``/v1/…`` with each segment escaped, whatever characters an id has.

    Dots are escaped too where a segment is ``.`` or ``..``, which would
    otherwise be taken as directions. Raises InvalidError for an empty segment.
    """
    escaped = []
    for segment in segments:
        if not segment:
            raise errors.InvalidError("an id is empty")
        text = quote(str(segment), safe="", errors="surrogatepass")
        escaped.append(text.replace(".", "%2E") if text in (".", "..") else text)
    return "/v1/" + "/".join(escaped)


class Stream:
    """An answer that is read piece by piece, whose ``body`` is that of an error
    alone."""

    def __init__(self, stack: AsyncExitStack, answer: StreamedResponse) -> None:
        self._stack = stack
        self.status, self.headers = answer.status, answer.headers
        self.body = b""
        self.chunks: AsyncIterator[bytes] = answer.chunks

    @classmethod
    async def open(cls, pool: Pool, *request: Any) -> Stream:
        async with AsyncExitStack() as stack:
            answer = await stack.enter_async_context(pool.stream(*request))
            stream = cls(stack, answer)
            if answer.status >= 300:
                stream.body = b"".join([chunk async for chunk in answer.chunks])
            else:
                stream._stack = stack.pop_all()  # it stays open
            return stream

    async def close(self) -> None:
        """Lets the connection go; one that was not read to its end is closed."""
        await self._stack.aclose()


A = TypeVar("A", bound=Union[Response, Stream])


class Client:
    """One server, and the way to it.

    Nearly every write may be repeated safely, so a call that met no server, or
    lost it half-way, is repeated for up to ``retry_seconds`` (writes) or
    ``read_retry_seconds`` (reads); then UnavailableError is raised.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        data: str | os.PathLike[str] | None = None,
        database: str | None = None,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        binary: str | None = None,
        logger: logging.Logger | None = None,
        retry_seconds: float = 30.0,
        read_retry_seconds: float = 8.0,
    ) -> None:
        self.log = logger or logging.getLogger("varve")
        self.server: Server | None = None
        url = url or (None if data else os.environ.get("VARVE_SERVER"))
        if not url:
            self.server = Server(
                data,
                arguments=arguments,
                environment=environment,
                binary=binary,
                logger=self.log,
            )
            url = self.server.url
        self.url = url
        address = parse(url)
        self._headers = {"Varve-Client": _AGENT, "User-Agent": _AGENT}
        if database:
            self._headers["Varve-Database"] = quote(database, safe="")
        key = api_key or os.environ.get("VARVE_API_KEY")
        if key:
            if not (isinstance(key, str) and key.isascii() and key.isprintable()):
                raise errors.InvalidError(
                    "the API key holds characters no key has", field="api_key"
                )
            self._headers["Authorization"] = f"Bearer {key}"
        self._retry = {True: retry_seconds, False: read_retry_seconds}
        self._calls = Pool(address)
        # Long transfers must not keep small calls waiting for a connection.
        self._transfers = Pool(address, limit=32)
        self._closed = False
        if self.server is not None:
            self.server.start()

    async def json(
        self,
        method: str,
        target: str,
        value: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        user: str | None = None,
        repeatable: bool = True,
    ) -> Any:
        """A call that takes and gives JSON; None where the answer has no body."""
        body = None if value is None else _json.encode(value)
        kind = None if value is None else "application/json"
        answer = await self.call(
            method,
            target,
            body,
            content_type=kind,
            query=query,
            user=user,
            repeatable=repeatable,
        )
        return _json.decode(answer.body) if answer.body else None

    async def call(
        self,
        method: str,
        target: str,
        body: bytes | Body | None = None,
        *,
        content_type: str | None = None,
        query: Mapping[str, Any] | None = None,
        user: str | None = None,
        repeatable: bool = True,
    ) -> Response:
        """A call; raises the error of the kind the server answered. One that is
        not ``repeatable`` raises UnavailableError when its answer was lost:
        whether it was done, a look tells."""
        headers = self._call_headers(content_type, user)
        target += _query(query)
        pool = (
            self._calls if body is None or isinstance(body, bytes) else self._transfers
        )

        async def attempt() -> Response:
            return await pool.call(method, target, headers, body)

        return await self._repeat(attempt, method, target, headers, repeatable)

    async def open(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        *,
        content_type: str | None = None,
        accept: str | None = None,
        user: str | None = None,
        repeatable: bool = True,
    ) -> Stream:
        """A call whose answer is read piece by piece; the caller closes it.
        Errors are those of ``call``, up to the moment when the answer begins."""
        headers = self._call_headers(content_type, user)
        if accept:
            headers["Accept"] = accept

        async def attempt() -> Stream:
            return await Stream.open(self._transfers, method, target, headers, body)

        return await self._repeat(attempt, method, target, headers, repeatable)

    def fetch(self, method: str, target: str, headers: Mapping[str, str]) -> Any:
        """A streamed answer to a bare request: no key, no user, no retry. What
        it may see is what anybody may see. An asynchronous context manager."""
        return self._transfers.stream(
            method, target, {"Varve-Client": _AGENT, **headers}
        )

    async def close(self) -> None:
        """Closes connections and stops the server, if this client started it."""
        self._closed = True
        await self._calls.close()
        await self._transfers.close()
        if self.server is not None:
            await asyncio.to_thread(self.server.stop)

    def _call_headers(
        self, content_type: str | None, user: str | None
    ) -> dict[str, str]:
        headers = dict(self._headers)
        headers["X-Request-Id"] = uuid.uuid4().hex
        if content_type:
            headers["Content-Type"] = content_type
        if user is not None:
            headers["Varve-User"] = quote(user, safe="", errors="surrogatepass")
        return headers

    async def _repeat(
        self,
        attempt: Callable[[], Awaitable[A]],
        method: str,
        target: str,
        headers: dict[str, str],
        repeatable: bool,
    ) -> A:
        began = time.monotonic()
        pause = _FIRST_PAUSE
        while True:
            answer, failure = await self._once(attempt, method, target, headers)
            if answer is not None and answer.status not in _NOT_NOW:
                self._trace(method, target, headers, answer.status, began)
                break
            lost = failure is not None and failure.sent and not repeatable
            if lost or not self._may_wait(method, began, pause):
                break
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, _LONGEST_PAUSE)
        if answer is None and self.server is not None and self.server.refusal:
            raise errors.from_problem(self.server.refusal) from failure
        if answer is None:
            raise errors.UnavailableError(
                self._explained(failure), request_id=headers["X-Request-Id"]
            ) from failure
        if answer.status >= 300:
            raise errors.from_response(answer.status, answer.headers, answer.body)
        return answer

    async def _once(
        self,
        attempt: Callable[[], Awaitable[A]],
        method: str,
        target: str,
        headers: dict[str, str],
    ) -> tuple[A | None, ConnectionFailed | None]:
        try:
            return await attempt(), None
        except ConnectionFailed as err:
            self.log.debug(
                "%s %s: %s (request %s)",
                method,
                _logged(target),
                err,
                headers["X-Request-Id"],
            )
            if self.server is not None and not self._closed:
                self.server.start()  # after a fork nobody supervises yet
            return None, err

    def _may_wait(self, method: str, began: float, pause: float) -> bool:
        if self._closed or (self.server is not None and self.server.failure):
            return False
        budget = self._retry[method not in ("GET", "HEAD")]
        return time.monotonic() - began + pause < budget

    def _explained(self, failure: ConnectionFailed | None) -> str:
        text = f"no answer from {self.url}: {failure}"
        if self.server is not None and self.server.failure:
            text += f" ({self.server.failure})"
        return text

    def _trace(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        status: int,
        began: float,
    ) -> None:
        if self.log.isEnabledFor(logging.DEBUG):
            took = (time.monotonic() - began) * 1000
            self.log.debug(
                "%s %s: %d in %.1f ms (request %s)",
                method,
                _logged(target),
                status,
                took,
                headers["X-Request-Id"],
            )


def _logged(target: str) -> str:
    """The path alone: a query may hold what somebody searched for."""
    return target.partition("?")[0]


def _query(query: Mapping[str, Any] | None) -> str:
    given = {k: v for k, v in (query or {}).items() if v is not None}
    return "?" + urlencode(given, errors="surrogatepass") if given else ""
