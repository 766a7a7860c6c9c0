"""Files with their history.

::

    from varve.lake import Lake

    lake = Lake("data.db")         # a file; no server needs to run
    lake.append_file(filename="test.txt", filetype="txt", data=b"hello world")
    lake("test.txt")["data"]
    lake.t()                       # the newest version of each, without bytes

The command line (``varve lake``) and Go see the same files. Bytes that are
there twice are kept once; large ones lie beside the database.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlencode

from . import _frames
from ._client import path as route
from .errors import ExistsError, InvalidError, NotFoundError
from .state import MissingError, State, TakenError, labelled, text

__all__ = ["Lake"]

_TABLE = "lake"
_COLUMNS = [
    {"name": "id", "type": "text"},
    {"name": "user_id", "type": "text"},
    {"name": "path", "type": "text"},
    {"name": "filename", "type": "text"},
    {"name": "filetype", "type": "text"},
    {"name": "size", "type": "integer"},
    {"name": "hash", "type": "text"},
    {"name": "version", "type": "integer"},
    {"name": "status", "type": "text"},
    {"name": "description", "type": "text"},
    {"name": "labels", "type": "json"},
]
_KEY = ["user_id", "path", "filename"]
_NEWEST_FIRST = [{"column": "_seq", "descending": True}]


class Lake(State):
    """The files of a database. A file is named by its ``user_id``, ``path`` and
    ``filename``; a ``user_id`` of None is nobody's file, and a ``path`` of None
    is another one than the empty path."""

    def __init__(self, dbpath: str | os.PathLike[str] | None = None) -> None:
        super().__init__("lake.db" if dbpath is None else dbpath)

    def _cons(self) -> Any:
        self.lake_table_name = _TABLE
        wcon, rcon = super()._cons()
        wcon.tables.declare(_TABLE, _COLUMNS, _KEY, "user_id")
        return wcon, rcon

    def lake_t(self, user_id: str | None = None) -> Any:
        """The newest version of each file, the newest first, with the size and
        hash of its bytes instead of them: an ibis table where ibis is
        installed, otherwise an Arrow table. None is everybody's files."""
        columns = [_frames.WRITTEN, *_COLUMNS[:-1], {"name": "labels", "type": "list"}]
        where = _where(user_id=user_id)
        return _frames.frame(
            columns, self.wcon.tables.scan(_TABLE, where, _NEWEST_FIRST)
        )

    def contains_path(self, path: str | None, user_id: str | None = None) -> bool:
        """Whether there is a file on a path, of a user or of anybody."""
        where = [{"column": "path", "op": "=", "value": path}, *_where(user_id=user_id)]
        return bool(self.wcon.tables.scan(_TABLE, where))

    def contains_file(
        self, filename: str, path: str | None = None, user_id: str | None = None
    ) -> bool:
        return self._find(filename, path, user_id) is not None

    def get_file(
        self, filename: str, path: str | None = None, user_id: str | None = None
    ) -> dict[str, Any]:
        """A file with its bytes, as ``data``. Raises ValueError when there is
        none."""
        found = self._find(filename, path, user_id)
        if found is None:
            raise MissingError(f"File {filename} does not exist")
        query = {**_query(filename, path, user_id), "version": found["_version"]}
        answer = self.wcon.tables.call("GET", _FILE + "/content", query=query)
        return _file(found, answer.body)

    def append_file(
        self,
        user_id: str | None = None,
        path: str | None = None,
        filename: str | None = None,
        filetype: str | None = None,
        data: bytes | None = None,
        version: int | None = None,
        status: str | None = None,
        description: str | None = None,
        labels: list[str] | None = None,
    ) -> dict[str, Any]:
        """Adds a file and returns it. Raises ValueError when there is one of its
        name, or no ``filename`` or ``data`` is given."""
        try:
            return self._put("append", locals())
        except ExistsError:
            raise TakenError(f"File {filename} already exists") from None

    def update_file(
        self,
        user_id: str | None,
        path: str | None,
        filename: str,
        filetype: str | None,
        data: bytes,
        version: int | None,
        status: str | None,
        description: str | None,
        labels: list[str] | None = None,
    ) -> dict[str, Any]:
        """Gives a file new bytes and new values, all of them; its id stays.
        Raises ValueError when there is no such file."""
        try:
            return self._put("replace", locals())
        except NotFoundError:
            raise MissingError(f"File {filename} does not exist") from None

    __call__ = get_file
    t = lake_t

    def _put(self, mode: str, given: dict[str, Any]) -> dict[str, Any]:
        for name in ("filename", "data"):
            if given[name] is None:
                raise InvalidError("is missing", field=name)
        data = given["data"]
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise InvalidError(
                f"is bytes, and no {type(data).__name__}; text.encode() and "
                "file.read() give them",
                field="data",
            )
        labelled(given["labels"])
        text(**{name: given[name] for name in ("filetype", "status", "description")})
        query = [("mode", mode), *_query(*(given[n] for n in reversed(_KEY))).items()]
        for name in ("filetype", "version", "status", "description"):
            if given[name] is not None:
                query.append((name, given[name]))
        query += [("label", label) for label in given["labels"] or ()]
        data = bytes(data)
        target = _FILE + "?" + urlencode(query, errors="surrogatepass")
        stored = self.wcon.tables.json_of("PUT", target, data)
        return _file(stored, data)

    def _find(
        self, filename: str, path: str | None, user_id: str | None
    ) -> dict[str, Any] | None:
        query = _query(filename, path, user_id)
        try:
            found: dict[str, Any] = self.wcon.tables.json("GET", _FILE, query=query)
        except NotFoundError:
            return None
        return found


_FILE = route("lake", "file")


def _query(filename: str, path: str | None, user_id: str | None) -> dict[str, Any]:
    query = {"filename": filename, "path": path, "user_id": user_id}
    text(**query)
    if filename is None:
        raise InvalidError("is missing", field="filename")
    return {name: value for name, value in query.items() if value is not None}


def _where(**given: str | None) -> list[dict[str, Any]]:
    return [
        {"column": name, "op": "=", "value": value}
        for name, value in given.items()
        if value is not None
    ]


def _file(stored: dict[str, Any], data: bytes) -> dict[str, Any]:
    names = [c["name"] for c in _COLUMNS if c["name"] not in ("size", "hash")]
    file = {"idx": _frames.moment(stored["_at"])}
    for name in names:
        file[name] = stored[name]
        if name == "filetype":
            file["data"] = data
    return file
