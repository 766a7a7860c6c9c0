"""Small state that keeps every version it ever had.

::

    from varve.state import State, ibis

    state = State("data.db")       # a file; no server needs to run
    state.wcon.create_table("notes", schema={"idx": "timestamp", "id": "string", "text": "string"})
    state.wcon.insert("notes", {"idx": [now], "id": ["a"], "text": ["hello"]})
    state.rcon.table("notes")      # every version: an ibis table, or Arrow without ibis

A subclass makes its tables in ``_cons``, writes through ``wcon`` and reads
through ``rcon``. ``ibis.sqlite.connect`` and ``ibis.duckdb.connect`` of this
module give these connections, so that code that was written for ibis alone
runs as it is; everything else of ``ibis`` is ibis's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import _frames
from ._tables import Tables, tables_of
from .errors import ExistsError, InvalidError, NotFoundError

__all__ = ["ReadConnection", "State", "WriteConnection", "dt", "ibis"]


class MissingError(NotFoundError, ValueError):
    """There is no such item or file."""


class TakenError(ExistsError, ValueError):
    """There is an item or file of this name."""


def text(**given: Any) -> None:
    """Raises InvalidError for what is given and is no text."""
    for name, value in given.items():
        if value is not None and not isinstance(value, str):
            raise InvalidError(f"is text, and no {type(value).__name__}", field=name)


def labelled(labels: Any) -> None:
    """Raises InvalidError for labels that are no list of text: what else would be
    stored, the tables of the others could not show."""
    if labels is None:
        return
    if not isinstance(labels, (list, tuple)):
        raise InvalidError(
            f"is a list of text, and no {type(labels).__name__}", field="labels"
        )
    for at, label in enumerate(labels):
        if not isinstance(label, str):
            raise InvalidError(
                f"is text, and no {type(label).__name__}", field=f"labels[{at}]"
            )


class State:
    """A database of versioned tables in a file."""

    def __init__(self, dbpath: str | os.PathLike[str] = "data.db") -> None:
        self.dbpath = dbpath
        self.wcon, self.rcon = self._cons()

    def _cons(self) -> tuple[WriteConnection, ReadConnection]:
        """Makes the tables and both connections. To be overridden."""
        wcon = WriteConnection(self.dbpath)
        return wcon, ReadConnection(self.dbpath)

    def sql(self, query: str, *args: Any) -> Any:
        """Asks one SELECT about everything in the database, ``?`` for the
        arguments: an Arrow table where pyarrow is installed, otherwise a list
        of dicts. In it ``todos`` are the rows as they are, ``todos_history``
        every version, and ``todos_as_of('2026-11-21 12:00')`` the rows as they
        were, then or at a position. Raises InvalidError for anything that is
        no SELECT, and TooLargeError above a million rows or 64 MiB."""
        return _frames.answer(self.wcon.tables, query, args)

    def _clear(self, table_names: str | Sequence[str] | None = None) -> None:
        """Forgets all rows of the named tables, or of all, with their history.
        Conversations are no tables of these, and stay."""
        if table_names is None:
            table_names = self.wcon.list_tables()
        if isinstance(table_names, str):
            table_names = [table_names]
        for name in table_names:
            self.rcon.drop_view(name)
            self.wcon.drop_table(name)
        self.wcon, self.rcon = self._cons()


class WriteConnection:
    """What is appended goes through here."""

    def __init__(self, dbpath: str | os.PathLike[str]) -> None:
        self.tables: Tables = tables_of(dbpath)
        self._known: dict[str, dict[str, Any]] = {}

    def list_tables(self) -> list[str]:
        """The names of the tables that have been declared, in order."""
        return [table["name"] for table in self.tables.list()]

    def create_table(
        self,
        name: str,
        schema: Any = None,
        *,
        key: Sequence[str] = ("id",),
        owner: str = "",
    ) -> None:
        """Declares a table. ``schema`` is ibis's, or a mapping of names to types.
        ``key`` names the columns by which a row is the same row; where the
        table has none of these, each row inserted is a row of its own."""
        columns = _frames.columns(schema)
        names = [column["name"] for column in columns]
        if not set(key) <= set(names):
            columns, key = [*columns, {"name": _ROW, "type": "text"}], [_ROW]
        self._known[name] = self.tables.declare(name, columns, key, owner)

    def insert(self, name: str, data: Any, **_: Any) -> None:
        """Writes one version for each row: of a dict of lists, a list of dicts,
        a data frame or an Arrow table. All are written, or none."""
        table = self._table(name)
        own = table["key"] == [_ROW]
        writes = [
            {"op": "put", "whole": True, "values": row}
            for row in _rows(table, data, own)
        ]
        self.tables.write(name, writes)

    def table(self, name: str) -> Any:
        """Every version of every row, in the order in which they were written.
        Where the table has no column ``idx``, the time of writing is there."""
        columns = [c for c in self._table(name)["columns"] if c["name"] != _ROW]
        if all(column["name"] != "idx" for column in columns):
            columns.insert(0, _frames.WRITTEN)
        return _frames.frame(columns, self.tables.log(name))

    def drop_table(self, name: str, **_: Any) -> None:
        """Forgets all rows of a table with their history; it stays declared."""
        self.tables.clear([name])
        self._known.pop(name, None)

    def _table(self, name: str) -> dict[str, Any]:
        if name not in self._known:
            found = {table["name"]: table for table in self.tables.list()}
            self._known.update(found)
        try:
            return self._known[name]
        except KeyError:
            raise NotFoundError(
                f"there is no table {name!r}; create it first", field="table"
            ) from None


class ReadConnection:
    """What is read goes through here; it is never behind what was written."""

    def __init__(self, dbpath: str | os.PathLike[str] | None = None) -> None:
        self._all = None if dbpath is None else WriteConnection(dbpath)
        self._views: dict[str, WriteConnection] = {}

    def read_sqlite(
        self, dbpath: str | os.PathLike[str], table_name: str | None = None
    ) -> Any:
        """Makes a table of a file known under its name."""
        if table_name is None:
            raise InvalidError(
                "is missing: read_sqlite(path, table_name=…)", field="table_name"
            )
        self._views[table_name] = WriteConnection(dbpath)
        return self.table(table_name)

    def list_tables(self) -> list[str]:
        names = set(self._views)
        if self._all is not None:
            names.update(self._all.list_tables())
        return sorted(names)

    def table(self, name: str) -> Any:
        """Every version of every row of a table, as it is now."""
        source = self._views.get(name, self._all)
        if source is None:
            raise NotFoundError(
                f"there is no table {name!r}; read_sqlite names it", field="table"
            )
        return source.table(name)

    def sql(self, query: str, *args: Any, **_: Any) -> Any:
        """Asks one SELECT, as State.sql does: an ibis table where ibis is
        installed, otherwise an Arrow table."""
        sources = {id(w.tables): w.tables for w in self._views.values()}
        if self._all is not None:
            sources[id(self._all.tables)] = self._all.tables
        if len(sources) != 1:
            raise InvalidError(
                f"a question is about one database, and here are {len(sources)}",
                field="sql",
            )
        return _frames.shown(_frames.answer(sources.popitem()[1], query, args))

    def drop_view(self, name: str, **_: Any) -> None:
        self._views.pop(name, None)


# The column that tells rows apart where a table has no key of its own.
_ROW = "row_id"


def _rows(table: Mapping[str, Any], data: Any, own: bool) -> Iterator[dict[str, Any]]:
    types = {column["name"]: column["type"] for column in table["columns"]}
    for row in _frames.rows(data):
        values = {
            name: _frames.value(types.get(name), v, str(name))
            for name, v in row.items()
        }
        if own:
            values[_ROW] = os.urandom(12).hex()
        yield values


class _Backend:
    """``ibis.sqlite`` or ``ibis.duckdb``, whose ``connect`` is ours."""

    def __init__(self, name: str, connect: Any) -> None:
        self._name = name
        self.connect = connect

    def __getattr__(self, name: str) -> Any:
        return getattr(getattr(_frames.ibis(), self._name), name)


class _Ibis:
    """ibis, with connections to Varve."""

    sqlite = _Backend("sqlite", WriteConnection)
    duckdb = _Backend("duckdb", ReadConnection)

    def __getattr__(self, name: str) -> Any:
        return getattr(_frames.ibis(), name)


ibis = _Ibis()


class _Types:
    """``ibis.expr.datatypes``, looked up when it is used."""

    def __getattr__(self, name: str) -> Any:
        _frames.ibis()
        import ibis.expr.datatypes

        return getattr(ibis.expr.datatypes, name)


dt = _Types()
