"""Where a datalayer is: a server that runs, or a database for which one is started.

A database's URL is read by the server, in every spelling that it takes; here it
is told apart, made independent of the working folder, and given the folder in
which the server's socket lies.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from .errors import InvalidError

# A scheme has two letters at least, so that C:\folder is a folder.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+]+):")
_KINDS = {"sqlite3": "sqlite", "postgresql": "postgres", "mariadb": "mysql"}

# What the name of a folder means, for each part.
PLAIN = {"url": "sqlite", "metadata": "sqlite", "artifacts": "file"}

_IN_FILES = ("sqlite", "duckdb", "csv", "file")


@dataclass
class Place:
    """``server`` is an address; otherwise one is started on the folder ``data``
    with ``asked`` as its settings. A ``temporary`` folder goes with it."""

    server: str | None = None
    data: str | None = None
    asked: dict[str, str] = field(default_factory=dict)
    temporary: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """The settings as variables, since other users of the machine can see
        arguments, and a password may be among them."""
        return {"VARVE_" + name.upper(): value for name, value in self.asked.items()}

    def clean(self) -> None:
        if self.temporary and self.data:
            shutil.rmtree(self.data, ignore_errors=True)


def place(
    url: str | None, *, data: str | None = None, parts: Mapping[str, str] | None = None
) -> Place:
    """The place that a URL names; ``parts`` are those of the datalayer that are
    not where they would be by default. None is what the settings say."""
    if url is None and data is None:
        url = os.environ.get("VARVE_SERVER") or None
    if url is not None and url.startswith(("http://", "https://", "unix:")):
        given = [*(parts or ()), *(["data"] if data else [])]
        if given:
            raise InvalidError(
                "belongs to the server, which runs already", field=given[0]
            )
        return Place(server=url)
    found = Place(data=data) if url is None else _database(url, data)
    for name, value in (parts or {}).items():
        found.asked[name] = absolute(value, PLAIN.get(name, name))
    return found


def _database(url: str, data: str | None) -> Place:
    kind, path = split(url, "sqlite")
    if kind in _IN_FILES and not path:
        raise InvalidError(f"names no file; write {kind}:FILE", field="url")
    url = absolute(url, "sqlite")
    asked = {"url": url}
    if data is not None:
        return Place(data=data, asked=asked)
    if kind == "memory":
        folder = tempfile.mkdtemp(prefix="varve-")
        return Place(data=folder, asked=asked, temporary=True)
    if not _SCHEME.match(url) and not url.endswith("*.csv"):
        return Place(data=url, asked=asked)
    if kind == "sqlite" and os.path.basename(path) == "varve.db":
        return Place(data=os.path.dirname(os.path.abspath(path)), asked=asked)
    if kind in ("sqlite", "duckdb"):  # where State has it
        return Place(data=os.path.abspath(path) + ".varve", asked=asked)
    if kind == "csv":
        return Place(data=os.path.join(os.path.abspath(path), ".varve"), asked=asked)
    return Place(asked=asked)


def split(url: str, plain: str) -> tuple[str, str]:
    """The kind of a URL, and the path of what is in files. One without a scheme is
    of the kind ``plain``, and so is a folder."""
    scheme = _SCHEME.match(url)
    if scheme is None:
        if url.endswith("*.csv"):
            return "csv", os.path.dirname(url) or "."
        return plain, os.path.expanduser(url)
    kind, plus, _ = scheme.group(1).lower().partition("+")
    kind = "file" if kind == "filesystem" else _KINDS.get(kind, kind)
    path = url[scheme.end() :].partition("?")[0]
    if path.startswith("//"):
        path = path[3:] if plus else path[2:]
    if kind == "csv" and path.endswith("*.csv"):
        path = os.path.dirname(path) or "."
    return kind, unquote(path)


def absolute(url: str, plain: str) -> str:
    """The URL, whatever the working folder will be."""
    kind, path = split(url, plain)
    if kind not in _IN_FILES or not path:
        return url
    path = os.path.abspath(path)
    if not _SCHEME.match(url):
        return os.path.join(path, "*.csv") if kind == "csv" else path
    _, mark, query = url.partition("?")
    return f"{kind}:{quote(path)}{mark}{query}"


def same(kind: str, told: str, asked: str, plain: str) -> bool:
    """Whether what a server tells, without secrets, is what was asked for."""
    want, path = split(asked, plain)
    if want != kind:
        return False
    if kind in _IN_FILES:
        folder = plain == "sqlite" and not _SCHEME.match(asked) and kind == "sqlite"
        path = os.path.join(path, "varve.db") if folder else path
        return os.path.abspath(path) == os.path.abspath(split(told, plain)[1])
    here, there = urlsplit(asked), urlsplit(told)
    return (here.hostname, here.port, here.path, here.username) == (
        there.hostname,
        there.port,
        there.path,
        there.username,
    )
