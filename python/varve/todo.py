"""A to-do list that keeps every version of every item.

::

    from varve.todo import Todo

    todo = Todo("data.db")         # a file; no server needs to run
    todo.append_todo(id="test", user_id=None, subject=None, body="do your homework")
    todo.update_todo(id="test", user_id=None, subject=None, body="do your homework!")
    todo.t()                       # the newest version of each

The command line (``varve todo``) and Go see the same items.
"""

from __future__ import annotations

import os
from typing import Any

from . import _frames
from .errors import ExistsError, InvalidError, NotFoundError
from .state import MissingError, State, TakenError, labelled, text

__all__ = ["Todo"]

_TABLE = "todos"
_COLUMNS = [
    {"name": "id", "type": "text"},
    {"name": "user_id", "type": "text"},
    {"name": "subject", "type": "text"},
    {"name": "body", "type": "text"},
    {"name": "priority", "type": "integer"},
    {"name": "status", "type": "text"},
    {"name": "description", "type": "text"},
    {"name": "labels", "type": "json"},
]
# The most urgent first, and among them the newest.
_ORDER = [{"column": "priority"}, {"column": "_seq", "descending": True}]


class Todo(State):
    """The items of a file. A ``user_id`` of None is nobody's item; where a
    method reads, None means everybody's. An empty ``user_id`` is one like any
    other."""

    def __init__(self, dbpath: str | os.PathLike[str] | None = None) -> None:
        super().__init__("todo.db" if dbpath is None else dbpath)

    def _cons(self) -> Any:
        self.todos_table_name = _TABLE
        wcon, rcon = super()._cons()
        wcon.tables.declare(_TABLE, _COLUMNS, ["id"], "user_id")
        return wcon, rcon

    def todos_t(self, user_id: str | None = None) -> Any:
        """The newest version of each item, in the order of the list: an ibis
        table where ibis is installed, otherwise an Arrow table."""
        columns = [_frames.WRITTEN, *_COLUMNS[:-1], {"name": "labels", "type": "list"}]
        return _frames.frame(columns, self._newest(user_id))

    def contains_todo(self, id: str, user_id: str | None = None) -> bool:
        return self._find(id, user_id) is not None

    def get_todos(self, user_id: str | None = None) -> list[dict[str, Any]]:
        """The items in the order of the list."""
        return [_item(version) for version in self._newest(user_id)]

    def get_todo(self, id: str, user_id: str | None = None) -> dict[str, Any]:
        """An item. Raises ValueError when there is none."""
        found = self._find(id, user_id)
        if found is None:
            raise MissingError(f"todo {id} does not exist")
        return _item(found)

    def append_todo(
        self,
        id: str,
        user_id: str | None,
        subject: str | None,
        body: str | None,
        priority: int | None = 100,
        status: str | None = None,
        description: str | None = None,
        labels: list[str] | None = None,
    ) -> dict[str, Any]:
        """Adds an item and returns it. Raises ValueError when there is one with
        this id; of several callers at once one succeeds."""
        try:
            return self._write("append", locals())
        except ExistsError:
            raise TakenError(f"todo {id} already exists") from None

    def update_todo(
        self,
        id: str,
        user_id: str | None,
        subject: str | None,
        body: str | None,
        priority: int | None = 100,
        status: str | None = None,
        description: str | None = None,
        labels: list[str] | None = None,
    ) -> dict[str, Any]:
        """Gives an item new values, all of them: what is not given becomes what
        it is by default. Raises ValueError when there is no such item."""
        try:
            return self._write("update", locals())
        except NotFoundError:
            raise MissingError(f"todo {id} does not exist") from None

    __call__ = get_todos
    t = todos_t

    def _write(self, op: str, given: dict[str, Any]) -> dict[str, Any]:
        text(**{c["name"]: given[c["name"]] for c in _COLUMNS if c["type"] == "text"})
        labelled(given["labels"])
        values = {column["name"]: given[column["name"]] for column in _COLUMNS}
        write = {"op": op, "whole": True, "values": values}
        return _item(self.wcon.tables.write(_TABLE, [write])[0])

    def _newest(self, user_id: str | None) -> list[dict[str, Any]]:
        where = []
        text(user_id=user_id)
        if user_id is not None:
            where = [{"column": "user_id", "op": "=", "value": user_id}]
        return self.wcon.tables.scan(_TABLE, where, _ORDER)

    def _find(self, id: str, user_id: str | None) -> dict[str, Any] | None:
        if id is None:
            raise InvalidError("is missing", field="id")
        text(id=id, user_id=user_id)
        try:
            found = self.wcon.tables.get(_TABLE, id)
        except NotFoundError:
            return None
        if found["_op"] == "delete" or user_id not in (None, found["user_id"]):
            return None
        return found


def _item(version: dict[str, Any]) -> dict[str, Any]:
    item = {"idx": _frames.moment(version["_at"])}
    for column in _COLUMNS:
        item[column["name"]] = version[column["name"]]
    return item
