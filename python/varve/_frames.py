"""Rows as tables of ibis and Arrow, and the other way."""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from . import _values
from .errors import InvalidError, UnsupportedError

_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")

# The column with the time at which a version was written.
WRITTEN = {"name": "idx", "type": "time", "from": "_at"}

# What ibis and Python call a type, and what a column of a table is then.
_TYPES = {
    "string": "text",
    "str": "text",
    **dict.fromkeys((*_INTEGERS, "int"), "integer"),
    **dict.fromkeys(("float16", "float32", "float64", "float"), "real"),
    "boolean": "boolean",
    "bool": "boolean",
    "timestamp": "time",
    "datetime": "time",
    "binary": "bytes",
    "bytes": "bytes",
    "json": "json",
}


def ibis() -> Any:
    """ibis itself. Raises ImportError, saying how to get it."""
    try:
        import ibis
    except ImportError:
        raise ImportError(
            "ibis is not installed: pip install 'ibis-framework[duckdb]'"
        ) from None
    return ibis


def columns(schema: Any) -> list[dict[str, Any]]:
    """The columns of a table for a schema of ibis, or a mapping of names to
    types: Python's, ibis's, or their names."""
    if not schema or not hasattr(schema, "items"):
        raise InvalidError("a table needs {'id': 'string', …}", field="schema")
    return [{"name": name, "type": _type(name, kind)} for name, kind in schema.items()]


def _type(name: str, kind: Any) -> str:
    text = kind.__name__ if isinstance(kind, type) else str(kind)
    text = text.lstrip("!").lower()  # ibis marks what cannot be NULL
    plain = text.partition("(")[0].partition("<")[0]
    if plain in ("array", "struct", "map", "list", "dict"):
        return "json"
    if plain not in _TYPES:
        known = ", ".join(sorted({*_TYPES} - {*_INTEGERS}))
        raise InvalidError(
            f"{kind} is a type that no table keeps; there are {known}, integers of "
            "ibis, and lists and dicts as json",
            field=str(name),
        )
    return _TYPES[plain]


def rows(data: Any) -> Iterator[dict[str, Any]]:
    """The rows of a dict of lists, a list of dicts, a data frame, an Arrow
    table or an ibis table."""
    if hasattr(data, "to_pyarrow"):
        data = data.to_pyarrow()
    if hasattr(data, "to_pylist"):
        yield from data.to_pylist()
    elif hasattr(data, "to_dict") and hasattr(data, "columns"):
        yield from data.to_dict("records")
    elif isinstance(data, Mapping):
        lists = {name: _listed(name, values) for name, values in data.items()}
        if len({len(values) for values in lists.values()}) > 1:
            raise InvalidError("has columns that differ in length", field="data")
        for values in zip(*lists.values()):
            yield dict(zip(lists, values))
    elif isinstance(data, Iterable) and not isinstance(data, (str, bytes)):
        for at, row in enumerate(data):
            if not isinstance(row, Mapping):
                raise InvalidError(
                    f"is a dict, and no {type(row).__name__}", field=f"data[{at}]"
                )
            yield dict(row)
    else:
        raise InvalidError(
            "is a dict of lists, a list of dicts, a data frame or a table of Arrow or "
            f"ibis, and no {type(data).__name__}",
            field="data",
        )


def _listed(name: Any, values: Any) -> list[Any]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise InvalidError(
            f"is a list of values, one for each row, and no {type(values).__name__}",
            field=f"data.{name}",
        )
    return list(values)


def value(kind: str | None, v: Any, place: str) -> Any:
    """A value as JSON carries it to a column of a type. A NaN is NULL, as in a
    data frame and in SQLite; what has no exact form is an InvalidError."""
    if isinstance(v, float) and v != v:
        return None
    if kind == "text" and isinstance(v, (list, dict, bytes, bytearray, memoryview)):
        raise InvalidError(
            "keeps text; declare it as json for lists, as binary for bytes", field=place
        )
    if isinstance(v, datetime.date) and not isinstance(v, datetime.datetime):
        return v.isoformat()
    return _values.cell(v, place)[0]


def native(kind: str, v: Any) -> Any:
    """A value of a version, as Python has it: times without a zone, in UTC."""
    if v is None:
        return None
    if kind == "time":
        return moment(v)
    if kind == "bytes":
        return base64.b64decode(v)
    return v


def moment(text: str) -> datetime.datetime:
    """A time of the server's: UTC, and without saying so."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    at = datetime.datetime.fromisoformat(whole)
    return at.replace(microsecond=int(fraction.ljust(6, "0")[:6] or 0))


def frame(cols: list[dict[str, Any]], versions: Iterable[Mapping[str, Any]]) -> Any:
    """The columns of versions: an ibis table where ibis is installed, otherwise
    an Arrow table."""
    return shown(arrow(cols, versions))


def shown(table: Any) -> Any:
    """An Arrow table as an ibis table where ibis is installed."""
    try:
        import ibis
    except ImportError:
        return table
    return ibis.memtable(table)


def answer(tables: Any, query: str, args: Sequence[Any]) -> Any:
    """What a question in SQL answers: an Arrow table where pyarrow is
    installed, otherwise a list of dicts."""
    given = [value(None, arg, f"args[{i}]") for i, arg in enumerate(args)]
    try:
        import pyarrow as pa
    except ImportError:
        return json.loads(tables.sql(query, given, "json"))
    try:
        return pa.ipc.open_stream(tables.sql(query, given, "arrow")).read_all()
    except UnsupportedError as err:
        if err.field != "format":
            raise  # the answer, not the server
        # A server without DuckDB has rows, and no columns with types.
        return pa.Table.from_pylist(json.loads(tables.sql(query, given, "json")))


def arrow(cols: list[dict[str, Any]], versions: Iterable[Mapping[str, Any]]) -> Any:
    """The columns of versions as an Arrow table; nested values are text in JSON,
    lists of text are lists."""
    try:
        import pyarrow as pa
    except ImportError:
        raise ImportError(
            "pyarrow is not installed: pip install pyarrow, or ibis-framework[duckdb]"
        ) from None
    kinds = {
        "text": pa.string(),
        "integer": pa.int64(),
        "real": pa.float64(),
        "boolean": pa.bool_(),
        "time": pa.timestamp("us"),
        "bytes": pa.binary(),
        "json": pa.string(),
        "list": pa.list_(pa.string()),
    }
    lists: dict[str, list[Any]] = {column["name"]: [] for column in cols}
    for version in versions:
        for column in cols:
            v = native(column["type"], version[column.get("from", column["name"])])
            if column["type"] == "json" and v is not None:
                v = json.dumps(v, separators=(",", ":"))
            lists[column["name"]].append(v)
    fields = [pa.field(c["name"], kinds[c["type"]]) for c in cols]
    return pa.table(
        [pa.array(lists[f.name], f.type) for f in fields], schema=pa.schema(fields)
    )
