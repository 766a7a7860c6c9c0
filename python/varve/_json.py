"""JSON that always goes through.

What an app puts into metadata is not always JSON: a NaN, a datetime, a set, a
key that is no string. A message must not be lost for that, so what JSON cannot
say is replaced: NaN and infinities by null, other objects by their text.
Lone surrogates leave as ``\\udXXX`` escapes; the server decides about them.
"""

from __future__ import annotations

import json
import math
from typing import Any

from .errors import InvalidError, UnavailableError

_LONGEST_INTEGER = 13_000  # bits; Python writes no integer of 4,300 digits and more
_DEEPEST = 500  # the server refuses far less; this only keeps Python's stack whole


def encode(value: Any) -> bytes:
    """The value as ASCII JSON. Raises InvalidError if it is nested too deeply."""
    try:
        return json.dumps(value, allow_nan=False, default=_text).encode("ascii")
    except RecursionError:
        raise InvalidError("the value is nested too deeply for JSON") from None
    except (TypeError, ValueError):
        # A NaN, a circular reference or a key that is no string: rare, so only
        # then is the whole value walked in Python.
        return json.dumps(_clean(value, 0, set()), allow_nan=False).encode("ascii")


def decode(body: bytes) -> Any:
    """Raises UnavailableError for what is no JSON, which Varve never answers."""
    try:
        return json.loads(body)
    except ValueError:
        raise UnavailableError(
            "the answer is no JSON; something else than Varve answers at this address"
        ) from None


def _text(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    if isinstance(value, (set, frozenset)):
        return list(value)
    try:
        return str(value)
    except Exception:
        return None


def _clean(value: Any, depth: int, above: set[int]) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if value.bit_length() < _LONGEST_INTEGER else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth > _DEEPEST:
        raise InvalidError("the value is nested too deeply for JSON")
    if not isinstance(value, (dict, list, tuple, set, frozenset)):
        return _text(value)
    if id(value) in above:
        return None  # a circle; there is no end to write
    above.add(id(value))
    try:
        if isinstance(value, dict):
            return {_key(k): _clean(v, depth + 1, above) for k, v in value.items()}
        return [_clean(v, depth + 1, above) for v in value]
    finally:
        above.discard(id(value))


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, bool):
        return json.dumps(key)
    return str(key)
