"""Answers to questions: rows as dicts, and what a write did."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import _tabular, _values, errors
from ._calls import Answer
from ._tabular import OutputColumn
from ._values import Row


class Rows(list[Row]):
    """The rows of an answer: a list of dicts that knows its columns."""

    def __init__(self, rows: Sequence[Row], columns: Sequence[OutputColumn]) -> None:
        super().__init__(rows)
        self.columns = tuple(columns)

    def to_arrow(self) -> Any:
        """The rows as an Arrow table: JSON is text there, times are in UTC."""
        return _tabular.arrow(self, self.columns)

    def to_pandas(self) -> Any:
        """The rows as a data frame; its integers and booleans may be NULL."""
        return _tabular.pandas(self, self.columns)


@dataclass(frozen=True)
class Written(Sequence[str]):
    """What a write did: a list of the keys of its rows, as text."""

    ids: list[str] = field(default_factory=list)
    created: dict[str, Any] | None = None  # the table that the insert made

    def __getitem__(self, at: Any) -> Any:
        return self.ids[at]

    def __len__(self) -> int:
        return len(self.ids)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Written):
            return self.ids == other.ids and self.created == other.created
        return self.ids == other


class Cursor(Iterator[Row]):
    """Rows as they are read from the server, all of one moment. It is gone
    through once, and closed then or by ``close``; ``with`` does that too."""

    def __init__(
        self, answer: Answer, *, real: Any = float, plain: bool = False
    ) -> None:
        self._answer = answer
        self._lines = answer.lines()
        self.written: Written | None = None
        self.columns: tuple[OutputColumn, ...] = ()
        self._real = real
        head = self._json(self._line())
        if "columns" in head:
            self.columns = tuple(
                OutputColumn(c["name"], c.get("type", "")) for c in head["columns"]
            )
        else:
            self.written = Written(head.get("ids", []), head.get("created"))
        self._names = [c.name for c in self.columns]
        if len({*self._names}) < len(self._names):
            self.close()
            twice = next(n for n in self._names if self._names.count(n) > 1)
            raise errors.InvalidError(
                f"two columns of the answer have the name {twice!r}; give one "
                "another with AS",
                field="columns",
            )
        readers = [_values.reader(c.type, real) for c in self.columns]
        self._readers = [
            (i, r) for i, r in enumerate(readers) if r is not None and not plain
        ]

    def __iter__(self) -> Cursor:
        return self

    def __next__(self) -> Row:
        if self._answer is None:
            raise StopIteration
        line = self._line()
        if line.startswith(b"{"):
            self._end(self._json(line))
            raise StopIteration
        values = self._json(line)
        for at, read in self._readers:
            if values[at] is not None:
                values[at] = read(values[at])
        return dict(zip(self._names, values))

    def all(self) -> Rows:
        """The rows that are left, in a list."""
        with self:
            return Rows(list(self), self.columns)

    def close(self) -> None:
        """Ends the reading; what was not read is not sent."""
        answer, self._answer = self._answer, None  # type: ignore[assignment]
        if answer is not None:
            answer.close()

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end(self, last: dict[str, Any]) -> None:
        self._answer.read()  # so that the connection can be used again
        self.close()
        problem = last.get("problem")
        if problem:
            raise errors.from_problem(problem)

    def _line(self) -> bytes:
        try:
            line = next(self._lines, None)
        except BaseException:
            self.close()
            raise
        if line is None:
            self.close()
            raise errors.UnavailableError("the answer was cut off; ask again")
        return line

    def _json(self, line: bytes) -> Any:
        if self._real is float:
            return json.loads(line)
        return json.loads(line, parse_float=self._real)
