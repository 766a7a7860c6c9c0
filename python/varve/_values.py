"""Values on their way into a table and back: exact, or refused.

What JSON has no words for travels as the types of columns say: bytes as
base64, times as text in RFC 3339, arrays as lists. A value that would arrive as
another is an InvalidError that names its row and column.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Optional

from .errors import InvalidError

Row = dict[str, Any]

# A value for JSON, and the type that its column needs if that cannot be seen there.
_Cell = tuple[Any, Optional[str]]

# What numpy calls numbers, and of what a tensor of them is made.
_ELEMENTS = {
    **dict.fromkeys(("float16", "float32"), "f32"),
    "float64": "f64",
    **dict.fromkeys(("int8", "int16", "uint16", "int32"), "int32"),
    **dict.fromkeys(("uint32", "int64"), "int64"),
    **dict.fromkeys(("bool", "uint8"), "uint8"),
}


# Most values are of these, for which there is nothing to do.
_AS_IT_IS = frozenset((str, int, bool, type(None)))


def dump(question: Any) -> bytes:
    """A question as JSON, strictly: what JSON or Unicode does not have is an
    InvalidError."""
    try:
        text = json.dumps(
            question, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidError("text holds half a character (a lone surrogate)") from None
    except RecursionError:
        raise InvalidError("the question nests too deeply for JSON") from None


def rows(given: Any) -> tuple[list[Any], dict[str, str]]:
    """The rows of an insert for JSON, and the types of columns that it cannot
    show: of dicts, of bare values, of a data frame or of an Arrow table."""
    types: dict[str, str] = {}
    out: list[Any] = []
    for at, row in enumerate(_listed(given)):
        if not isinstance(row, Mapping):
            out.append(cell(row, f"rows[{at}]")[0])
            continue
        values = {}
        for name, value in row.items():
            if not isinstance(name, str):
                raise InvalidError("a column's name is text", field=f"rows[{at}]")
            if type(value) in _AS_IT_IS:
                values[name] = value
                continue
            values[name], kind = cell(value, f"rows[{at}].{name}")
            if kind and _known(out, name):
                types.setdefault(name, kind)
        out.append(values)
    return out, types


def _known(before: Sequence[Any], name: str) -> bool:
    # The first row says which columns there are; the types of others are none.
    return not before or (isinstance(before[0], dict) and name in before[0])


def _listed(given: Any) -> Iterable[Any]:
    if isinstance(given, (Mapping, str, bytes, bytearray)):
        return [given]
    if hasattr(given, "to_pylist"):  # Arrow
        return list(given.to_pylist())
    if hasattr(given, "to_dict") and hasattr(given, "columns"):  # pandas
        return [
            {name: _present(value) for name, value in row.items()}
            for row in given.to_dict("records")
        ]
    if isinstance(given, Iterable):
        return given
    return [given]


def _present(value: Any) -> Any:
    """A data frame's NULL is a NaN."""
    return None if isinstance(value, float) and math.isnan(value) else value


def cell(value: Any, place: str) -> _Cell:
    """One value for JSON, with the type of a column for it where that cannot be
    seen there."""
    if value is None or isinstance(value, (bool, str)):
        return value, None
    if isinstance(value, int):
        return int(value), None
    if isinstance(value, float):
        return _finite(float(value), place), None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode("ascii"), "bytes"
    if isinstance(value, datetime.datetime):
        return (None, None) if value != value else (_moment(value), "time")
    if isinstance(value, decimal.Decimal):
        return _decimal(value, place), "real"
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return _array(value, place)
    if type(value).__name__ == "NAType":  # pandas
        return None, None
    return document(value, place, 0), None


def document(value: Any, place: str, depth: int) -> Any:
    """A value for a column of JSON. What has no exact form there is refused."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return _finite(float(value), place)
    if depth > 100:
        raise InvalidError("nests deeper than 100", field=place)
    if isinstance(value, Mapping):
        out = {}
        for name, inner in value.items():
            if not isinstance(name, str):
                raise InvalidError("a key in JSON is text", field=place)
            out[name] = document(inner, f"{place}.{name}", depth + 1)
        return out
    if isinstance(value, (list, tuple)):
        return [
            document(inner, f"{place}[{i}]", depth + 1) for i, inner in enumerate(value)
        ]
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return document(value.tolist(), place, depth + 1)
    raise InvalidError(
        f"a value of Python's type {type(value).__name__} has no exact form here",
        field=place,
    )


def scalar(value: Any, place: str) -> Any:
    """A value to compare with: what documents have, and times, bytes and decimals."""
    return cell(value, place)[0]


def _finite(value: float, place: str) -> float:
    if not math.isfinite(value):
        raise InvalidError(
            f"{value} is no number that databases agree on; use None", field=place
        )
    return value


def _decimal(value: decimal.Decimal, place: str) -> float:
    near = float(value)
    if math.isfinite(near) and decimal.Decimal(repr(near)) == value:
        return near
    raise InvalidError(
        "has more digits than a column of reals keeps; keep str(value) as text",
        field=place,
    )


def _moment(value: datetime.datetime) -> str:
    if value.tzinfo is not None:
        value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return value.isoformat(timespec="microseconds") + "Z"


def _array(value: Any, place: str) -> _Cell:
    """A value of numpy's: a scalar, a vector, a tensor."""
    if str(value.dtype).startswith("datetime64"):
        value = value.astype("datetime64[us]")  # finer ones are integers to Python
    if not getattr(value, "shape", ()):
        return cell(value.item(), place)
    element = _ELEMENTS.get(str(value.dtype))
    if element is None:
        raise InvalidError(
            f"an array of {value.dtype} has no exact form here", field=place
        )
    if element == "uint8":
        value = value.astype("uint8")
    listed = document(value.tolist(), place, 0)
    if element == "f32" and len(value.shape) == 1:
        return listed, f"vector[{len(listed)}]"
    axes = ",".join(str(axis) for axis in value.shape)
    return listed, f"tensor[{element}:{axes}]"


Reader = Callable[[Any], Any]


def reader(kind: str, real: Callable[[Any], Any] = float) -> Reader | None:
    """How a value of a column's type is read; None: as it is."""
    if kind == "time":
        return moment
    if kind == "bytes":
        return base64.b64decode
    if kind == "real":
        return real
    if kind.startswith(("vector", "tensor[f")):
        return _reals
    return None


def moment(text: str) -> datetime.datetime:
    """A time of the server's, which says that it is UTC."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    at = datetime.datetime.fromisoformat(whole)
    return at.replace(
        microsecond=int(fraction.ljust(6, "0")[:6] or 0), tzinfo=datetime.timezone.utc
    )


def _reals(value: Any) -> Any:
    return [_reals(v) for v in value] if isinstance(value, list) else float(value)
