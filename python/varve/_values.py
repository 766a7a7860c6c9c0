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

_VERBS = ("select", "insert", "update", "delete", "raw", "predict")

# Python writes no integer of more digits, and no database keeps one.
_LONGEST_INTEGER = 4300
_LONGEST_PLACE = 120

# What is done with values that have no exact form, beside writing them as text.
_REMEDIES = {
    "date": "give a datetime, or value.isoformat() as text",
    "time": "give value.isoformat() as text",
    "timedelta": "give value.total_seconds()",
    "Timedelta": "give value.total_seconds()",
    "datetime": "inside JSON give value.isoformat() as text",
    "Timestamp": "inside JSON give value.isoformat() as text",
    "bytes": "inside JSON give base64 as text, or use a column of bytes",
    "set": "give a list",
    "frozenset": "give a list",
    "range": "give a list",
    "generator": "give a list",
    "Decimal": "inside JSON give str(value) as text",
    "Column": "values are given, not columns",
}


def dump(question: Any) -> bytes:
    """A question as JSON, strictly: what JSON or Unicode does not have is an
    InvalidError that names its place."""
    try:
        text = json.dumps(
            question, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
        return text.encode("utf-8")
    except RecursionError:
        raise InvalidError("the question nests too deeply for JSON") from None
    except (TypeError, ValueError):
        # Rare, so only then is the question walked for what is wrong.
        return dump(_said(question))


def _said(question: Any) -> Any:
    """A question without what numpy has its own types for. Places in it are
    written as in the server's errors, without the names of the verbs."""
    if isinstance(question, Mapping) and len(question) == 1:
        verb, body = next(iter(question.items()))
        if verb in _VERBS and isinstance(body, Mapping):
            return {verb: {n: _strict(v, str(n)) for n, v in body.items()}}
    return _strict(question, "")


def _strict(value: Any, place: str) -> Any:
    if isinstance(value, str):
        return whole(value, place)
    if isinstance(value, Mapping):
        out = {}
        for name, inner in value.items():
            if not isinstance(name, str):
                raise InvalidError("a key in JSON is text", field=_short(place) or None)
            within = f"{place}.{name}" if place else name
            out[whole(name, ascii(within))] = _strict(inner, within)
        return out
    if isinstance(value, (list, tuple)):
        return [_strict(v, f"{place}[{i}]") for i, v in enumerate(value)]
    return document(value, place, 0)


def whole(text: str, place: str) -> str:
    """Text as it is; with half a character in it, an InvalidError."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidError(
            "holds half a character (a lone surrogate); "
            'text.encode("utf-8", "replace").decode() is without',
            field=_short(place) or None,
        ) from None
    return text


def rows(given: Any) -> tuple[list[Any], dict[str, str]]:
    """The rows of an insert for JSON, and the types of columns that it cannot
    show: of dicts, of bare values, of a data frame or of an Arrow table."""
    if given is None:
        raise InvalidError("are None; give a dict, or a list of dicts", field="rows")
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
        return _integer(value, place), None
    if isinstance(value, float):
        return _finite(float(value), place), None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode("ascii"), "bytes"
    if isinstance(value, datetime.datetime):
        return (None, None) if value != value else (_moment(value, place), "time")
    if isinstance(value, decimal.Decimal):
        return _decimal(value, place), "real"
    if _is_array(value):
        return _array(value, place)
    if type(value).__name__ == "NAType":  # pandas
        return None, None
    return document(value, place, 0), None


def document(value: Any, place: str, depth: int) -> Any:
    """A value for a column of JSON. What has no exact form there is refused."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return _integer(value, place)
    if isinstance(value, float):
        return _finite(float(value), place)
    if depth > 100:
        raise InvalidError("nests deeper than 100", field=_short(place))
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
    if _is_array(value) and type(listed := value.tolist()) is not type(value):
        return document(listed, place, depth + 1)
    name = type(value).__name__
    remedy = _REMEDIES.get(name, "give text, numbers, lists or dicts")
    raise InvalidError(
        f"a value of Python's type {name} has no exact form here; {remedy}",
        field=_short(place) or None,
    )


def scalar(value: Any, place: str) -> Any:
    """A value to compare with: what documents have, and times, bytes and decimals."""
    return cell(value, place)[0]


def operand(value: Any, place: str) -> Any:
    """A condition in its JSON form, in which values may be those of Python."""
    if isinstance(value, Mapping):
        return {n: operand(v, f"{place}.{n}" if place else n) for n, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [operand(v, f"{place}[{i}]") for i, v in enumerate(value)]
    return scalar(value, place)


def _integer(value: int, place: str) -> int:
    if value.bit_length() > _LONGEST_INTEGER * 3:
        raise InvalidError(
            "is an integer too long for any column; keep its digits as text",
            field=_short(place) or None,
        )
    return int(value)


def _short(place: str) -> str:
    return place if len(place) <= _LONGEST_PLACE else place[:_LONGEST_PLACE] + "…"


def _is_array(value: Any) -> bool:
    """Whether it is of numpy or its like; a column that has any name is not."""
    return hasattr(type(value), "dtype") and hasattr(value, "tolist")


def _finite(value: float, place: str) -> float:
    if not math.isfinite(value):
        raise InvalidError(
            f"{value} is no number that databases agree on; use None", field=place
        )
    return value


def _decimal(value: decimal.Decimal, place: str) -> float:
    if not value.is_finite():
        raise InvalidError(
            f"{value} is no number that databases agree on; use None", field=place
        )
    near = float(value)
    if math.isfinite(near) and decimal.Decimal(repr(near)) == value:
        return near
    raise InvalidError(
        "has more digits than a column of reals keeps; keep str(value) as text",
        field=place,
    )


def _moment(value: datetime.datetime, place: str) -> str:
    if getattr(value, "nanosecond", 0):  # of pandas
        raise InvalidError(_NANOSECONDS, field=place)
    if value.tzinfo is not None:
        try:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        except OverflowError:
            raise InvalidError(
                "is before the year 1 or behind 9999 in UTC", field=place
            ) from None
    return value.isoformat(timespec="microseconds") + "Z"


def _array(value: Any, place: str) -> _Cell:
    """A value of numpy's: a scalar, a vector, a tensor."""
    if str(value.dtype).startswith("datetime64"):
        exact, value = value, value.astype("datetime64[us]")  # finer are integers
        if not getattr(value, "shape", ()) and value == value and value != exact:
            raise InvalidError(_NANOSECONDS, field=place)
    if not getattr(value, "shape", ()):
        if type(single := value.item()) is type(value):  # a longdouble
            return document(single, place, 0), None
        return cell(single, place)
    # Whatever the order of its bytes.
    element = _ELEMENTS.get(getattr(value.dtype, "name", str(value.dtype)))
    if element is None:
        raise InvalidError(
            f"an array of {value.dtype} has no exact form here; give value.tolist(), "
            "or an array of floats or integers",
            field=place,
        )
    if 0 in value.shape:
        raise InvalidError("is an array of nothing; use None", field=place)
    if element == "uint8":
        value = value.astype("uint8")
    listed = document(value.tolist(), place, 0)
    if element == "f32" and len(value.shape) == 1:
        return listed, f"vector[{len(listed)}]"
    axes = ",".join(str(axis) for axis in value.shape)
    return listed, f"tensor[{element}:{axes}]"


_NANOSECONDS = (
    "has nanoseconds, and times are kept to the microsecond; round it, as with "
    '.floor("us") in pandas'
)

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
