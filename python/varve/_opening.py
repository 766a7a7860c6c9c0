"""``varve.connect`` and ``varve.superduper``."""

from __future__ import annotations

import difflib
import os
import warnings
from typing import Any, Union

from ._parts import Part
from ._place import place
from .datalayer import Datalayer
from .errors import InvalidError

Named = Union[str, "os.PathLike[str]", Part]

# The parts that a caller may place elsewhere: what the settings call them, and
# what they are called here and by Superduper.
_PARTS = {
    "metadata": ("metadata", "metadata_store"),
    "artifacts": ("artifacts", "artifact_store"),
    "compute": ("compute", "cluster__compute", "cluster__compute__uri"),
}
_URL = ("url", "data_backend", "databackend")
_OURS = ("data", "api_key", "user", "database", "binary")

# Superduper's settings for what is not here, or not for a caller to set.
_WITHOUT_EFFECT = (
    "auto_schema", "bytes_encoding", "cluster", "downloads", "fold_probability",
    "force_apply", "lance_home", "log_level", "log_type", "logging_type",
    "output_prefix", "retries",
)  # fmt: skip


def connect(url: Named | None = None, **kwargs: Any) -> Datalayer:
    """Opens a datalayer.

    ``url`` is a data folder, the URL of a database (``sqlite:app.db``,
    ``postgres://…``, ``mysql://…``, ``duckdb:app.duckdb``, ``csv:folder``,
    ``memory:``), for which the ``varve`` binary is started, or the address of a
    server (``http://…``, ``https://…``, ``unix:…/varve.sock``). None is what the
    settings say: ``VARVE_SERVER``, ``VARVE_URL``, else the folder ``./varve-data``.

    ``metadata``, ``artifacts`` and ``compute`` place a part elsewhere, also under
    Superduper's names ``metadata_store``, ``artifact_store`` and
    ``cluster__compute__uri``; ``data`` is the folder for what is not in the
    database; ``api_key``, ``user`` (whom calls act for) and ``database`` are for a
    server; ``binary`` is the program to start.

    It raises, and never exits or prompts: InvalidError for a wrong argument and
    UnsupportedError for a database that is not known, UnavailableError when
    nobody answers, ConflictError when the folder's server serves another database.
    """
    return _open(url, kwargs, lenient=False)


def superduper(item: Named | None = None, **kwargs: Any) -> Datalayer:
    """``connect`` with Superduper's arguments: settings are keywords, nested ones
    with two underscores. Those that have no effect here are warned about, those
    that nobody knows are an InvalidError."""
    return _open(item, kwargs, lenient=True)


def _open(url: Named | None, given: dict[str, Any], *, lenient: bool) -> Datalayer:
    url, parts, rest = _sorted(url, given, lenient)
    folder = _text("data", rest.pop("data", None))
    where = place(_text("url", url), data=folder, parts=parts)
    try:
        return Datalayer(where, **rest)
    except BaseException:
        where.clean()
        raise


def _sorted(
    url: Named | None, given: dict[str, Any], lenient: bool
) -> tuple[Named | None, dict[str, str], dict[str, Any]]:
    parts: dict[str, str] = {}
    rest: dict[str, Any] = {}
    for name, value in given.items():
        part = next((p for p, names in _PARTS.items() if name in names), None)
        if name in _OURS:
            rest[name] = _text(name, value)
        elif value is None:
            _check(name, lenient)
        elif name in _URL:
            url = _once("url", url, value)
        elif part is not None:
            parts[part] = _once(name, parts.get(part), _text(name, value))
        else:
            _check(name, lenient)
    return url, parts, rest


def _once(name: str, before: Any, value: Any) -> Any:
    if before is not None and _text(name, before) != _text(name, value):
        raise InvalidError("is given twice, and differently", field=name)
    return value


def _text(name: str, value: Any) -> Any:
    if isinstance(value, Part):
        return value.url
    if value is None or isinstance(value, (str, os.PathLike)):
        text = value if value is None else os.fsdecode(value)
        if text and "\0" in text:
            raise InvalidError("holds the character NUL", field=name)
        return text
    raise InvalidError(f"is text, and no {type(value).__name__}", field=name)


def _check(name: str, lenient: bool) -> None:
    """A name that does nothing: known, or not."""
    known = [*_OURS, *_URL, *(n for names in _PARTS.values() for n in names)]
    if name in known:
        return
    if lenient and name.partition("__")[0] in _WITHOUT_EFFECT:
        warnings.warn(f"{name} has no effect here", stacklevel=5)
        return
    near = difflib.get_close_matches(name, known, 1)
    hint = f"; do you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"
    raise InvalidError(f"there is no such argument{hint}", field=name)
