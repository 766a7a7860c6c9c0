"""Rows of an answer as tables of Arrow and pandas."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ._values import Row

_ELEMENTS = {
    "f32": "float32",
    "f64": "float64",
    "int32": "int32",
    "int64": "int64",
    "uint8": "uint8",
}


@dataclass(frozen=True)
class OutputColumn:
    """A column of an answer. ``type`` is as in the page about questions; it is
    empty where the database was asked in its own language."""

    name: str
    type: str = ""


def arrow(rows: Sequence[Row], columns: Sequence[OutputColumn]) -> Any:
    """An Arrow table. Raises ImportError, saying how to get it."""
    try:
        import pyarrow as pa
    except ImportError:
        raise ImportError("pyarrow is not installed: pip install pyarrow") from None
    names, arrays = [], []
    for column in columns:
        values = [row[column.name] for row in rows]
        if column.type == "json":
            values = [None if v is None else _text(v) for v in values]
        kind = _arrow_type(pa, column.type)
        names.append(column.name)
        arrays.append(pa.array(values) if kind is None else pa.array(values, kind))
    return pa.table(arrays, names=names)


def _arrow_type(pa: Any, kind: str) -> Any:
    known = {
        "text": pa.string(),
        "file": pa.string(),
        "json": pa.string(),
        "integer": pa.int64(),
        "real": pa.float64(),
        "boolean": pa.bool_(),
        "time": pa.timestamp("us", "UTC"),
        "bytes": pa.binary(),
    }
    if kind in known:
        return known[kind]
    name, _, shape = kind.removesuffix("]").partition("[")
    if name == "vector":
        return pa.list_(pa.float32(), int(shape))
    if name == "tensor":
        element, _, axes = shape.partition(":")
        nested = getattr(pa, _ELEMENTS[element])()
        for axis in reversed(axes.split(",")):
            nested = pa.list_(nested, int(axis))
        return nested
    return None  # what it looks like


def pandas(rows: Sequence[Row], columns: Sequence[OutputColumn]) -> Any:
    """A data frame. Raises ImportError, saying how to get it."""
    try:
        import pandas as pd
    except ImportError:
        raise ImportError("pandas is not installed: pip install pandas") from None
    series = {}
    for column in columns:
        values = [row[column.name] for row in rows]
        if column.type == "time":
            made = pd.Series(
                pd.to_datetime(values, utc=True), dtype="datetime64[us, UTC]"
            )
        else:
            made = pd.Series(values, dtype=_pandas_types.get(column.type, "object"))
        series[column.name] = made
    return pd.DataFrame(series, columns=[c.name for c in columns])


_pandas_types = {"integer": "Int64", "boolean": "boolean", "real": "float64"}


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
