"""The versioned tables of one server, for code that is not asynchronous."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from . import _json, _values
from ._calls import Calls
from ._client import Client, path
from ._place import split
from .errors import InvalidError

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
        body = _values.dump({"writes": [_exact(write) for write in writes]})
        answer = self.call(
            "POST",
            path("state", name, "versions"),
            body,
            content_type="application/json",
            repeatable=False,
        )
        return _json.decode(answer.body)["data"]

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
            _values.dump(body),
            content_type="application/json",
        )
        return answer.body

    def json_of(self, method: str, target: str, body: bytes) -> Any:
        """A call that takes bytes and gives JSON."""
        kind = "application/octet-stream"
        answer = self.call(method, target, body, content_type=kind, repeatable=False)
        return _json.decode(answer.body)


def _exact(write: Row) -> Row:
    """A write whose values are as JSON has them, without a loss."""
    given = write.get("values")
    if not given:
        return write
    return {**write, "values": {n: _one(v, str(n)) for n, v in given.items()}}


def _one(value: Any, place: str) -> Any:
    if isinstance(value, str):
        return _values.whole(value, place)
    return _values.cell(value, place)[0]


_lock = threading.Lock()
_open: dict[str, Tables] = {}


def tables_of(dbpath: str | os.PathLike[str]) -> Tables:
    """The tables in a database file, of which one server runs a process: it is
    started at the first use and ends with this process. ``dbpath`` may also be
    the address of a server that runs already."""
    name = _named(dbpath)
    with _lock:
        if name not in _open:
            made = Tables(_client(name))
            try:
                made.reach("GET", path("state"))
            except BaseException:
                made.close()  # nothing is left that starts it again and again
                raise
            _open[name] = made
        return _open[name]


def _named(dbpath: str | os.PathLike[str]) -> str:
    """The address of a server, or the path of a file."""
    if not isinstance(dbpath, (str, os.PathLike)):
        raise InvalidError(
            f"is the path of a file, and no {type(dbpath).__name__}", field="dbpath"
        )
    name = os.fsdecode(dbpath)
    if name.startswith(("http://", "https://", "unix:")):
        return name
    kind, file = split(name, "sqlite")
    if "://" in name and kind != "sqlite":
        raise InvalidError(
            f"is a file here, and no database of the kind {kind}; start `varve serve` "
            "on that one, and give its address",
            field="dbpath",
        )
    plain = name if ":" not in name or kind != "sqlite" else file
    return os.path.abspath(os.path.expanduser(plain))


def _client(name: str) -> Client:
    if not os.path.isabs(name):
        return Client(name)
    # The server's socket and the bytes that are too large for the database
    # stand beside the file, under its name.
    return Client(
        data=name + ".varve",
        arguments=("--url", "sqlite:" + quote(name), "--log", "warn"),
        # One that is only starting will answer, on however busy a machine.
        retry_seconds=60.0,
        read_retry_seconds=60.0,
    )
