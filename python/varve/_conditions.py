"""Columns and conditions: what a question says about rows.

A condition is written in its shortest JSON form, the same that the server
would write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

from . import _values
from .errors import InvalidError

_GROUPS = ("and", "or", "not")

# How a column is called inside one question.
Scope = Optional[str]


class Column:
    """A column, or a place in JSON behind it: ``t.n``, ``t["odd name"]``,
    ``t.meta.size``. Comparisons of it are conditions."""

    __slots__ = ("_name", "_table")

    def __init__(self, name: str, table: str | None = None) -> None:
        self._name = name
        self._table = table

    def __getattr__(self, name: str) -> Column:
        if name.startswith("_"):
            raise AttributeError(name)
        return Column(f"{self._name}.{name}", self._table)

    def __getitem__(self, name: str | int) -> Column:
        return Column(f"{self._name}.{name}", self._table)

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return Compare("is" if other is None else "=", self, other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return Compare("is not" if other is None else "!=", self, other)

    def __lt__(self, other: Any) -> Condition:
        return Compare("<", self, other)

    def __le__(self, other: Any) -> Condition:
        return Compare("<=", self, other)

    def __gt__(self, other: Any) -> Condition:
        return Compare(">", self, other)

    def __ge__(self, other: Any) -> Condition:
        return Compare(">=", self, other)

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Any:
        raise TypeError(f"{self._name!r} is a column, and has no items here")

    def __bool__(self) -> bool:
        raise TypeError(f"{self._name!r} is a column; compare it: t.{self._name} == …")

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            f"{self._name!r} is a column, and no verb of a question; verbs are select, "
            "filter, outputs, join, left_join, order_by, limit, offset, like, insert, "
            "update, delete, predict, execute and stream"
        )

    def __repr__(self) -> str:
        return f"Column({self._name!r})"

    def isin(self, values: Iterable[Any]) -> Condition:
        """It equals one of the values."""
        if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
            raise InvalidError(
                f"is one of a list of values, and no {type(values).__name__}",
                field=self._name,
            )
        return Compare("in", self, list(values))

    def matches(self, pattern: str) -> Condition:
        """A text is like a pattern: % is any text, _ one character."""
        return Compare("like", self, pattern)

    def contains(self, value: Any) -> Condition:
        """A list in JSON has the value, a text has the text in it."""
        return Compare("contains", self, value)

    def differs(self, value: Any) -> Condition:
        """It is NULL or another value."""
        return Compare("is not", self, value)

    def is_null(self) -> Condition:
        return Compare("is", self, None)

    def not_null(self) -> Condition:
        return Compare("is not", self, None)

    def desc(self) -> Term:
        """The column in an order, the greatest first."""
        return Term(self, True)

    def as_(self, name: str) -> Output:
        """The column in an answer, under another name."""
        return Output(self, name)

    def named(self, scope: Scope) -> str:
        """The column's name, with its table's where there are several."""
        if self._table is None or self._table == scope:
            return self._name
        return f"{self._table}.{self._name}"


def col(name: str) -> Column:
    """A column by its name as questions write it, as in ``col("authors.name")``."""
    return Column(name)


@dataclass(frozen=True)
class Term:
    """A term of an order."""

    column: Column
    descending: bool = False

    def json(self, scope: Scope) -> Any:
        name = self.column.named(scope)
        if name.startswith("-"):
            down = {"descending": True} if self.descending else {}
            return {"column": name, **down}
        return "-" + name if self.descending else name


@dataclass(frozen=True)
class Output:
    """A column of an answer under another name."""

    column: Column
    name: str = ""

    def json(self, scope: Scope) -> Any:
        column = self.column.named(scope)
        return {"column": column, "as": self.name} if self.name else column


class Condition:
    """What holds for a row or not. ``&``, ``|`` and ``~`` combine conditions."""

    op: str

    def __and__(self, other: Condition) -> Condition:
        return Group("and", (*_of("and", self), *_of("and", other)))

    def __or__(self, other: Condition) -> Condition:
        return Group("or", (*_of("or", self), *_of("or", other)))

    def __invert__(self) -> Condition:
        return Group("not", (self,))

    def __bool__(self) -> bool:
        raise TypeError("combine conditions with & | ~, not with and, or, not")

    def members(self, scope: Scope) -> dict[str, Any]:
        """The condition as members of a JSON object."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Compare(Condition):
    op: str
    column: Column
    value: Any

    def key(self, scope: Scope) -> str:
        name = self.column.named(scope)
        if name in _GROUPS:
            raise InvalidError(
                f'a column of this name is written with its table, as in "docs.{name}"',
                field=name,
            )
        return name

    def operand(self, scope: Scope) -> Any:
        if isinstance(self.value, Column):
            return {"column": self.value.named(scope)}
        place = self.column.named(scope)
        if self.op == "in":
            return [_values.scalar(v, place) for v in self.value]
        return _values.scalar(self.value, place)

    def members(self, scope: Scope) -> dict[str, Any]:
        value = self.operand(scope)
        if self.op == "=" or (self.op == "is" and value is None):
            return {self.key(scope): value}
        return {self.key(scope): {self.op: value}}


@dataclass(frozen=True, eq=False)
class Group(Condition):
    op: str
    of: tuple[Condition, ...]

    def members(self, scope: Scope) -> dict[str, Any]:
        if self.op == "not":
            return {"not": self.of[0].members(scope)}
        if self.op == "and" and self._flat(scope):
            return self._merged(scope)
        return {self.op: [of.members(scope) for of in self.of]}

    def _flat(self, scope: Scope) -> bool:
        """Whether the conditions can be members of one object: there are none or
        several, each about another column or beside its like."""
        seen: dict[str, set[str]] = {}
        before = None
        for of in self.of:
            if of.op == "and":
                return False
            name = of.key(scope) if isinstance(of, Compare) else of.op
            if name in seen and (
                before != name or of.op in seen[name] or name in _GROUPS
            ):
                return False
            seen.setdefault(name, set()).add(of.op)
            before = name
        return len(self.of) != 1

    def _merged(self, scope: Scope) -> dict[str, Any]:
        out: dict[str, Any] = {}
        by_column: dict[str, list[Compare]] = {}
        for of in self.of:
            if isinstance(of, Compare):
                by_column.setdefault(of.key(scope), []).append(of)
            else:
                out.update(of.members(scope))
        for name, compared in by_column.items():
            if len(compared) == 1:
                out.update(compared[0].members(scope))
            else:
                out[name] = {c.op: c.operand(scope) for c in compared}
        return out


@dataclass(frozen=True, eq=False)
class Said(Condition):
    """A condition that was given as JSON."""

    said: Mapping[str, Any]
    op: str = "and"

    def members(self, scope: Scope) -> dict[str, Any]:
        return {name: _values.operand(v, name) for name, v in self.said.items()}


Given = Union[Condition, Mapping[str, Any]]


def condition(given: Given) -> Condition:
    if isinstance(given, Condition):
        return given
    if isinstance(given, Mapping):
        return Said(given)
    raise InvalidError(
        f"{given!r} is no condition; write t.n == 1, or an object of JSON's form",
        field="where",
    )


def both(where: Condition | None, more: Sequence[Condition]) -> Condition | None:
    """What held before, and more."""
    of = tuple(more)
    if where is not None:
        of = (*_of("and", where), *of)
    if len(of) == 1:
        return of[0]
    return Group("and", of) if of else None


def all_of(*of: Given) -> Condition:
    """All conditions hold; of none, this always does."""
    return Group("and", tuple(condition(c) for c in of))


def any_of(*of: Given) -> Condition:
    """One of the conditions holds; of none, this never does."""
    return Group("or", tuple(condition(c) for c in of))


def _of(op: str, c: Condition) -> tuple[Condition, ...]:
    return c.of if isinstance(c, Group) and c.op == op else (condition(c),)
