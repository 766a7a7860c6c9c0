"""Stored bytes for the browser, through Chainlit's own address.

The browser talks to Chainlit; the Varve server may stand on a Unix socket or
behind a firewall. So signed references of the server, ``/v1/objects/…?…``,
become ``/varve/v1/objects/…?…`` on Chainlit's address, and a route there hands
the request on. The signature is what admits the reader: the route adds no key,
and passes on nothing but signed reads.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette import routing

from .._client import Client
from .._http import ConnectionFailed

_OBJECTS = "/v1/objects/"
_MOUNT = "/varve"
_NAME = "varve-objects"
_SIGNED = {"expires", "name", "type", "database", "signature"}
_ASKED = ("range", "if-range", "if-none-match", "if-modified-since")
_ANSWERED = (
    "content-type",
    "content-length",
    "content-range",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-security-policy",
    "accept-ranges",
    "etag",
    "last-modified",
    "cache-control",
    "x-content-type-options",
    "referrer-policy",
    "cross-origin-resource-policy",
    "x-request-id",
)


def is_reference(url: str | None) -> bool:
    """Whether the URL is a signed reference that this package handed out."""
    return url is not None and _OBJECTS in url and "signature=" in url


class Route:
    """The route of one client; a later one takes the place of an earlier one."""

    def __init__(self, client: Client) -> None:
        self._relay = _Relay(client)
        self._mounted: _First | None = None

    def mount(self) -> None:
        """Puts the route in front of Chainlit's, once its server exists: an app
        is read before, and a script has none."""
        if self._mounted is not None:
            return
        server = sys.modules.get("chainlit.server")
        app, router = getattr(server, "app", None), getattr(server, "router", None)
        if app is None or router is None:
            return
        pattern = f"{router.prefix}{_MOUNT}{_OBJECTS}{{key:path}}"
        methods = ["GET", "HEAD"]
        self._mounted = _First(pattern, self._relay, methods=methods, name=_NAME)
        routes = app.router.routes
        routes[:] = [r for r in routes if getattr(r, "name", None) != _NAME]
        # First, since Chainlit answers every unknown path with its page.
        routes.insert(0, self._mounted)

    def url(self, url: str | None) -> str | None:
        """A reference relative to the server, as one that the browser can
        follow. Other URLs stay as they are."""
        self.mount()
        if self._mounted is None or not url or not url.startswith(_OBJECTS):
            return url
        return (_told_root() or self._mounted.seen_root) + _MOUNT + url


class _First(routing.Route):
    """Is asked about every request, and so learns under which path Chainlit was
    mounted where Chainlit does not tell (2.0)."""

    seen_root = ""

    def matches(self, scope: Any) -> tuple[routing.Match, Any]:
        self.seen_root = scope.get("root_path", "").rstrip("/")
        return super().matches(scope)


def _told_root() -> str:
    """The path under which the browser sees Chainlit, as Chainlit tells."""
    parent = os.environ.get("CHAINLIT_PARENT_ROOT_PATH", "")
    return parent.rstrip("/") + os.environ.get("CHAINLIT_ROOT_PATH", "").rstrip("/")


class _Relay:
    """An ASGI application: one signed read, handed on as a stream."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        target = _target(scope["path_params"]["key"], scope["query_string"])
        if target is None:
            return await _refuse(send, 404)
        headers = {
            name: value
            for name, value in (
                (k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]
            )
            if name in _ASKED
        }
        gone = asyncio.ensure_future(_disconnected(receive))
        started = False
        try:
            async with self._client.fetch(scope["method"], target, headers) as answer:
                started = True
                await _start(send, answer.status, answer.headers)
                async for chunk in answer.chunks:
                    if gone.done():
                        return
                    await send(_body(chunk, more=True))
                await send(_body(b"", more=False))
        except ConnectionFailed:
            if started:
                raise  # the browser must see a broken answer, not a short one
            await _refuse(send, 503)
        finally:
            gone.cancel()


def _target(key: str, query: bytes) -> str | None:
    """The server's path for a signed read; None for anything else."""
    if any(segment in ("", ".", "..") for segment in key.split("/")):
        return None
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names) or not set(names) <= _SIGNED:
        return None
    if "signature" not in names or "expires" not in names:
        return None
    return _OBJECTS + quote(key, safe="/") + "?" + urlencode(pairs)


async def _disconnected(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _start(send: Any, status: int, given: dict[str, str]) -> None:
    headers = {name: given[name] for name in _ANSWERED if name in given}
    headers.setdefault("x-content-type-options", "nosniff")
    if status == 206:
        # Compressing a part of a file would break the range; this stops the
        # middleware that would.
        headers.setdefault("content-encoding", "identity")
    raw: list[tuple[bytes, bytes]] = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in headers.items()
    ]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _refuse(send: Any, status: int) -> None:
    await _start(send, status, {"content-type": "text/plain", "content-length": "0"})
    await send(_body(b"", more=False))


def _body(chunk: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": chunk, "more_body": more}
