"""Questions, built in Python: what ``db["docs"]`` begins.

::

    t = db["docs"]
    t.insert([{"n": 4, "y": 1}, {"n": 6, "y": 1}]).execute()
    t.filter(t.y == 1, t.n > 5).select("n").order_by("-n").limit(10).execute()
    t.update({"y": 0}).filter(t.n == 4).execute()
    t.delete().filter(t.y == 0).execute()

A question is a value: each verb returns another and leaves it as it is. Nothing
is asked before ``execute`` or ``stream``. ``json()`` is the question as data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, Union

from . import _conditions, _values
from ._conditions import Column, Condition, Given, Output, Term, all_of, any_of, col
from .errors import InvalidError

if TYPE_CHECKING:
    from ._answers import Cursor

__all__ = [
    "Change", "Column", "Condition", "Insert", "Predict", "Question", "Select",
    "all_of", "any_of", "col", "raw",
]  # fmt: skip

Q = TypeVar("Q", bound="Question")
Name = Union[str, Column]

# Names of columns that begin with an underscore and are meant as such.
_OURS = ("_fold", "_source", "_seq", "_version", "_at", "_actor")


class Asker(Protocol):
    """What can be asked: a Datalayer."""

    def execute(self, *args: Any, **options: Any) -> Any: ...


class Question:
    """Something that can be asked, of the datalayer that it belongs to."""

    def __init__(self, db: Asker | None, says: Mapping[str, Any]) -> None:
        self._db = db
        self._says = dict(says)

    def json(self) -> dict[str, Any]:
        """The question in its JSON form."""
        raise NotImplementedError

    def execute(self, db: Asker | None = None, **options: Any) -> Any:
        """Asks; see Datalayer.execute."""
        return self._asked(db).execute(self, **options)

    def stream(self, db: Asker | None = None) -> Cursor:
        """Asks, and reads the rows as they are needed; see Datalayer.execute."""
        cursor: Cursor = self._asked(db).execute(self, stream=True)
        return cursor

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.json()})"

    def _asked(self, db: Asker | None) -> Asker:
        db = db or self._db
        if db is None:
            raise ValueError("the question belongs to no datalayer: execute(db)")
        return db

    def _with(self: Q, **says: Any) -> Q:
        made = object.__new__(type(self))
        Question.__init__(made, self._db, {**self._says, **says})
        return made


class Select(Question):
    """Asks for rows of a table. ``t.n`` and ``t["n"]`` are its columns."""

    def __init__(self, table: str, db: Asker | None = None) -> None:
        super().__init__(db, {"from": table})

    def __getattr__(self, name: str) -> Column:
        if name.startswith("_") and name not in _OURS:
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Column:
        return Column(name, self._scope)

    def __iter__(self) -> Any:
        raise TypeError("a question has no rows before it is executed")

    def as_(self, name: str) -> Select:
        """The table under another name, for joins with itself."""
        return self._with(**{"as": name})

    def select(self, *columns: Name | Output) -> Select:
        """Names columns to return, beside those named before; all without any."""
        return self._with(columns=(*self._says.get("columns", ()), *columns))

    def filter(self, *conditions: Given) -> Select:
        """Adds conditions that must all hold."""
        more = [_conditions.condition(c) for c in conditions]
        return self._with(where=_conditions.both(self._says.get("where"), more))

    def order_by(self, *terms: str | Column | Term) -> Select:
        """Adds terms to the order: names, with ``-`` before one when descending."""
        return self._with(order=(*self._says.get("order", ()), *terms))

    def limit(self, n: int) -> Select:
        """At most so many rows; 0: all."""
        return self._with(limit=n)

    def offset(self, n: int) -> Select:
        """Leaves out the first rows."""
        return self._with(offset=n)

    def join(self, other: str | Select, *on: Any, left: bool = False) -> Select:
        """Adds the columns of a table, of rows where columns are equal:
        ``books.join(authors, books.author == authors.id)``, or pairs of names, the
        first of a table before, the second of this one."""
        table = Select(other) if isinstance(other, str) else other
        if not isinstance(table, Select):
            raise InvalidError(
                f"is a table or its name, and no {type(other).__name__}", field="join"
            )
        if set(table._says) - {"from", "as"}:
            raise InvalidError("join a table, and filter the whole", field="join")
        joined = {**table._says, "left": left, "on": on, "scope": table._scope}
        return self._with(join=(*self._says.get("join", ()), joined))

    def left_join(self, other: str | Select, *on: Any) -> Select:
        """``join`` that keeps rows without a partner, with None for its columns."""
        return self.join(other, *on, left=True)

    def outputs(self, *listeners: str, required: bool = False) -> Select:
        """Adds the outputs of listeners; rows without stay, unless ``required``."""
        names = (*self._says.get("outputs", ()), *listeners)
        return self._with(outputs=names, outputsRequired=required)

    def like(
        self,
        document: Any,
        vector_index: str,
        n: int = 100,
        *,
        native_order: bool = False,
    ) -> Select:
        """The rows nearest to a document in a vector index, the best first. Before
        ``filter`` the nearest of all are searched, and filtered then; behind it,
        the nearest among the rows that it lets through."""
        says = {"document": document, "index": vector_index, "n": n}
        if self._says.get("where") is None:
            says["searchThenFilter"] = True
        if native_order:
            says["nativeOrder"] = True
        return self._with(like=says)

    def add_fold(self, fold: str) -> Select:
        """The rows of one part of the data: ``train`` or ``valid``."""
        return self.filter(self["_fold"] == fold)

    def select_using_ids(self, ids: Iterable[Any], key: str = "id") -> Select:
        """The rows of these keys."""
        return self.filter(self[key].isin(ids))

    def insert(
        self,
        rows: Any,
        *,
        types: Mapping[str, str] | None = None,
        strict: bool = False,
        refresh: bool = True,
    ) -> Insert:
        """New rows: a dict, a list of dicts, a data frame or an Arrow table. A
        table that is not there is made, unless ``strict``; ``types`` says what
        its columns shall be where that cannot be seen, as in
        ``{"v": "vector[3]"}``."""
        self._bare("insert")
        if types is not None and not isinstance(types, Mapping):
            raise InvalidError(
                f"is a dict of columns and types, and no {type(types).__name__}",
                field="types",
            )
        return Insert(self, rows, dict(types or {}), strict, refresh)

    def update(
        self, values: Mapping[str, Any], *, all: bool = False, refresh: bool = True
    ) -> Change:
        """New values for the rows of the filter; ``all`` means every row."""
        self._bare("update", "where")
        if not isinstance(values, Mapping):
            raise InvalidError(
                f"is a dict of columns and values, and no {type(values).__name__}",
                field="set",
            )
        return Change(self, values, all, refresh)

    def delete(self, *, all: bool = False, refresh: bool = True) -> Change:
        """Removes the rows of the filter; ``all`` means every row."""
        self._bare("delete", "where")
        return Change(self, None, all, refresh)

    def predict(self, datum: Any) -> Predict:
        """What the model of this name says about a datum."""
        self._bare("predict")
        return Predict(self, datum)

    def json(self) -> dict[str, Any]:
        says, scope = self._says, self._scope
        out: dict[str, Any] = {"from": says["from"]}
        if says.get("as"):
            out["as"] = says["as"]
        joins = says.get("join", ())
        # Where tables are joined, a column is written with its own.
        named: str | None = None if joins else scope
        if says.get("columns"):
            out["columns"] = [_output(c, named) for c in says["columns"]]
        if joins:
            out["join"] = [_join(j) for j in joins]
        if says.get("where") is not None:
            out["where"] = says["where"].members(named)
        if says.get("order"):
            out["order"] = [_term(t, named) for t in says["order"]]
        for name in ("limit", "offset", "outputsRequired"):
            if says.get(name):
                out[name] = says[name]
        if says.get("outputs"):
            out["outputs"] = list(says["outputs"])
        if says.get("like"):
            found = says["like"]["document"]
            out["like"] = {
                **says["like"],
                "document": _values.cell(found, "like.document")[0],
            }
        return {"select": out}

    @property
    def _scope(self) -> str:
        name: str = self._says.get("as") or self._says["from"]
        return name

    def _bare(self, verb: str, *but: str) -> None:
        more = set(self._says) - {"from", *but}
        if more:
            raise InvalidError(
                f"{verb} goes with no {', '.join(sorted(more))}", field=verb
            )


class Insert(Question):
    """Adds rows; executing it returns their keys."""

    def __init__(
        self,
        table: Select,
        rows: Any,
        types: dict[str, str],
        strict: bool,
        refresh: bool,
    ) -> None:
        if not isinstance(rows, (Mapping, list, tuple)) and not hasattr(
            rows, "columns"
        ):
            rows = list(rows) if hasattr(rows, "__next__") else rows
        says = {"rows": rows, "types": types, "strict": strict, "refresh": refresh}
        super().__init__(table._db, {"into": table._says["from"], **says})

    def json(self) -> dict[str, Any]:
        says = self._says
        rows, seen = _values.rows(says["rows"])
        out: dict[str, Any] = {"into": says["into"], "rows": rows}
        types = {**seen, **says["types"]}
        if types:
            out["types"] = types
        if says["strict"]:
            out["strict"] = True
        if not says["refresh"]:
            out["noRefresh"] = True
        return {"insert": out}


class Change(Question):
    """Updates rows or deletes them; executing it returns their keys. Without a
    filter nothing is changed, unless ``all`` says that every row is meant."""

    def __init__(
        self, table: Select, values: Mapping[str, Any] | None, all: bool, refresh: bool
    ) -> None:
        says = {"set": values, "all": all, "refresh": refresh}
        super().__init__(table._db, {**table._says, **says})

    def filter(self, *conditions: Given) -> Change:
        """Adds conditions that must all hold."""
        more = [_conditions.condition(c) for c in conditions]
        return self._with(where=_conditions.both(self._says.get("where"), more))

    def all(self) -> Change:
        """Every row is meant."""
        return self._with(all=True)

    def json(self) -> dict[str, Any]:
        says = self._says
        deletes = says["set"] is None
        table = says["from"]
        out: dict[str, Any] = {"from" if deletes else "table": table}
        if not deletes:
            out["set"] = {
                name: _values.cell(value, f"set.{name}")[0]
                for name, value in says["set"].items()
            }
        if says.get("where") is not None:
            out["where"] = says["where"].members(table)
        if says["all"]:
            out["all"] = True
        if not says["refresh"]:
            out["noRefresh"] = True
        return {"delete" if deletes else "update": out}


class Predict(Question):
    """Asks a model about one datum."""

    def __init__(self, model: Select, datum: Any) -> None:
        super().__init__(model._db, {"model": model._says["from"], "input": datum})

    def json(self) -> dict[str, Any]:
        datum = _values.cell(self._says["input"], "predict.input")[0]
        return {"predict": {"model": self._says["model"], "input": datum}}


def raw(sql: str, *args: Any) -> dict[str, Any]:
    """A question in the database's own language; it reads. See Datalayer.execute."""
    asked: dict[str, Any] = {"sql": sql}
    if args:
        asked["args"] = [_values.scalar(a, f"args[{i}]") for i, a in enumerate(args)]
    return {"raw": asked}


def _output(given: Name | Output, scope: str | None) -> Any:
    if isinstance(given, Output):
        return given.json(scope)
    return given.named(scope) if isinstance(given, Column) else _named(given, "select")


def _term(given: str | Column | Term, scope: str | None) -> Any:
    if isinstance(given, Term):
        return given.json(scope)
    if isinstance(given, Column):
        return Term(given).json(scope)
    return _named(given, "order_by")


def _named(given: Any, verb: str) -> Any:
    if isinstance(given, (str, Mapping)):
        return given
    raise InvalidError(
        f"takes columns or their names, one after the other, and no "
        f"{type(given).__name__}",
        field=verb,
    )


def _join(says: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"table": says["from"]}
    if says.get("as"):
        out["as"] = says["as"]
    if says["left"]:
        out["left"] = True
    out["on"] = [_pair(p, says["scope"]) for p in _pairs(says["on"])]
    return out


def _pairs(on: tuple[Any, ...]) -> tuple[Any, ...]:
    # Two names alone are one pair.
    if len(on) == 2 and all(isinstance(o, str) for o in on):
        return (on,)
    return on


def _pair(on: Any, joined: str) -> list[str]:
    if isinstance(on, _conditions.Compare):
        if on.op != "=" or not isinstance(on.value, Column):
            raise InvalidError("tables are joined where columns are equal", field="on")
        first, second = on.column, on.value
        if first._table == joined and second._table != joined:
            first, second = second, first
        return [first.named(None), second.named(joined)]
    try:
        first, second = on
    except (TypeError, ValueError):
        raise InvalidError(
            "is pairs of columns, or t.a == other.b", field="on"
        ) from None
    return [
        first.named(None) if isinstance(first, Column) else first,
        second.named(joined) if isinstance(second, Column) else second,
    ]
