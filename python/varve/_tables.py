"""The versioned tables of one server, for code that is not asynchronous."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from . import _json
from ._calls import Calls
from ._client import Client, path

_PAGE = 1000  # versions a call brings, the most there are

Row = dict[str, Any]


class Tables(Calls):
    """The calls under ``/v1/state``. A version is a dict of the table's columns
    and of what Varve keeps: ``_seq``, ``_version``, ``_at``, ``_op``, ``_actor``."""

    def list(self) -> list[Row]:
        return self.json("GET", path("state"))["data"]

    def declare(
        self, name: str, columns: Sequence[Row], key: Sequence[str], owner: str = ""
    ) -> Row:
        """Makes a table, or brings it up to a newer declaration."""
        schema = {"name": name, "columns": list(columns), "key": list(key)}
        if owner:
            schema["owner"] = owner
        return self.json("PUT", path("state", name), schema)

    def clear(self, names: Sequence[str]) -> None:
        """Forgets all rows of the tables with their history."""
        for name in names:
            self.json("DELETE", path("state"), query={"table": name})

    def write(self, name: str, writes: Sequence[Row]) -> list[Row]:
        """Makes one version for each write, in order: all or none."""
        body = {"writes": list(writes)}
        target = path("state", name, "versions")
        return self.json("POST", target, body, repeatable=False)["data"]

    def get(self, name: str, key: str) -> Row:
        """The newest version of a row, a deletion too. Raises NotFoundError."""
        return self.json("GET", path("state", name, "row"), query={"key": key})

    def scan(
        self, name: str, where: Sequence[Row] = (), order: Sequence[Row] = ()
    ) -> list[Row]:
        """The newest version of every row that the conditions hold for."""
        rows: list[Row] = []
        query = {"where": list(where), "order": list(order), "first": _PAGE}
        while True:
            data = self.json("POST", path("state", name, "scan"), query)["data"]
            rows += data
            if len(data) < _PAGE:
                return rows
            last = data[-1]
            query["after"] = [last[term["column"]] for term in order] + [
                last["_entity"]
            ]

    def log(self, name: str) -> Iterator[Row]:
        """Every version of every row, in the order in which they were written."""
        after = 0
        while True:
            query = {"after": after, "first": _PAGE}
            data = self.json("GET", path("state", name, "versions"), query=query)[
                "data"
            ]
            yield from data
            if len(data) < _PAGE:
                return
            after = data[-1]["_seq"]

    def sql(self, query: str, args: Sequence[Any], format: str) -> bytes:
        """What one SELECT about everything in the database answers, in a form:
        ``arrow`` or ``json``. Raises TooLargeError above a million rows."""
        body = {"sql": query, "args": list(args), "format": format, "rows": 1_000_000}
        answer = self.call(
            "POST",
            path("sql"),
            _json.encode(body),
            content_type="application/json",
        )
        return answer.body

    def json_of(self, method: str, target: str, body: bytes) -> Any:
        """A call that takes bytes and gives JSON."""
        kind = "application/octet-stream"
        answer = self.call(method, target, body, content_type=kind, repeatable=False)
        return _json.decode(answer.body)


_lock = threading.Lock()
_open: dict[str, Tables] = {}


def tables_of(dbpath: str | os.PathLike[str]) -> Tables:
    """The tables in a database file, of which one server runs a process: it is
    started at the first use and ends with this process. ``dbpath`` may also be
    the address of a server that runs already."""
    name = os.fspath(dbpath)
    if not name.startswith(("http://", "https://", "unix:")):
        name = os.path.abspath(os.path.expanduser(name))
    with _lock:
        if name not in _open:
            _open[name] = Tables(_client(name))
        return _open[name]


def _client(name: str) -> Client:
    if not os.path.isabs(name):
        return Client(name)
    # The server's socket and the bytes that are too large for the database
    # stand beside the file, under its name.
    return Client(
        data=name + ".varve", arguments=("--url", "sqlite:" + name, "--log", "warn")
    )
