"""Where a server is: ``http://host:port``, ``https://…`` or ``unix:/path``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from .errors import InvalidError


@dataclass(frozen=True)
class Address:
    """One server. Either ``socket`` or ``host`` and ``port`` are set."""

    host: str
    port: int = 0
    socket: str | None = None
    tls: bool = False
    base: str = ""  # a path prefix, for a server behind a proxy

    @property
    def authority(self) -> str:
        """The Host header. A Unix socket has no name; localhost is the one
        that the server's check of hosts accepts."""
        if self.socket is not None:
            return "localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


def parse(url: str) -> Address:
    """The address a URL names. Raises InvalidError, saying what would be right."""
    if not isinstance(url, str):
        raise _wrong(f"is text, and no {type(url).__name__}")
    if "\0" in url:
        raise _wrong("holds the character NUL")
    scheme, colon, rest = url.partition(":")
    if scheme == "unix" and colon:
        path = unquote(rest.removeprefix("//"))
        if not path:
            raise _wrong(f"{url!r} names no socket; write unix:/path/to/varve.sock")
        return Address("localhost", socket=os.path.abspath(path))
    if scheme not in ("http", "https"):
        raise _wrong(
            f"{_redacted(url)!r} is not a server's address; write http://127.0.0.1:8484 or "
            "unix:/path/to/varve.sock (a database's URL belongs to the server: VARVE_URL)"
        )
    return _parse_http(url)


def _wrong(why: str) -> InvalidError:
    return InvalidError(why, field="url")


def _parse_http(url: str) -> Address:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _wrong(f"{_redacted(url)!r} has no port from 1 to 65535") from None
    if not parts.hostname:
        raise _wrong(f"{_redacted(url)!r} names no host")
    if parts.username or parts.password:
        raise _wrong("the address carries a user or password; pass api_key instead")
    tls = parts.scheme == "https"
    return Address(
        parts.hostname,
        port or (443 if tls else 80),
        tls=tls,
        base=parts.path.rstrip("/"),
    )


def _redacted(url: str) -> str:
    """The URL without what stands before an ``@``, since that may be a password."""
    scheme, sep, rest = url.partition("://")
    return f"{scheme}{sep}…@{rest.rpartition('@')[2]}" if "@" in rest else url
