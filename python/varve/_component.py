"""What the classes of components have in common: their JSON form.

A field that holds components takes a component, or a reference to one that was
applied before, ``"&:component:model:words"``; bytes are bytes, text, or an
Artifact; a question is one of ``varve.query``, or its JSON form.
"""

from __future__ import annotations

import base64
import dataclasses
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Union

from . import _values
from .errors import InvalidError
from .query import Question

Object = dict[str, Any]
Child = Union["Component", str, None]
Bytes = Union[bytes, str, "Artifact", None]

_BLOB = "&:blob:"


class Artifact:
    """Bytes in an artifact store, by their SHA-256. They are read when somebody
    asks for them: ``read()``, ``bytes(a)``, or by calling it."""

    def __init__(self, digest: str, read: Callable[[str], bytes] | None = None) -> None:
        self.digest = digest.removeprefix(_BLOB)
        self._read = read
        # Its bytes lie beside a declaration, and go with that.
        self.travels = False

    def read(self) -> bytes:
        """The bytes, verified. Raises NotFoundError when nobody has them."""
        if self._read is None:
            raise ValueError("this artifact belongs to no datalayer")
        return self._read(self.digest)

    __call__ = read
    __bytes__ = read

    @property
    def link(self) -> str:
        """How records refer to it."""
        return _BLOB + self.digest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Artifact) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Artifact({self.digest!r})"


def child() -> Any:
    return dataclasses.field(default=None, metadata={"holds": "component"})


def children() -> Any:
    return dataclasses.field(default_factory=list, metadata={"holds": "components"})


def fields() -> Any:
    return dataclasses.field(default_factory=dict, metadata={"holds": "types"})


def blob() -> Any:
    return dataclasses.field(default=None, metadata={"holds": "bytes"})


def blobs() -> Any:
    return dataclasses.field(default_factory=dict, metadata={"holds": "blobs"})


def listed() -> Any:
    return dataclasses.field(default_factory=list)


def mapped() -> Any:
    return dataclasses.field(default_factory=dict)


class Component:
    """Something that an application declares, under its type and identifier.

    ``version`` and ``uuid`` are those of a stored one, and None and empty before;
    ``description`` is for people; ``upstream`` are components that must be there
    first. ``extra`` are fields that a newer server stored.
    """

    type_id: ClassVar[str] = ""
    types: ClassVar[dict[str, type[Component]]] = {}

    identifier: str
    version: int | None
    uuid: str
    upstream: list[Child]

    def __init_subclass__(cls, type_id: str = "", **more: Any) -> None:
        super().__init_subclass__(**more)
        if type_id:
            cls.type_id = type_id
            Component.types[type_id] = cls

    @property
    def extra(self) -> Object:
        found: Object = self.__dict__.setdefault("_extra", {})
        return found

    @property
    def link(self) -> str:
        """How others refer to it: to the newest version there is."""
        return f"&:component:{self.type_id}:{self.identifier}"

    def children(self) -> list[Component]:
        """The components that stand inside it."""
        found: list[Component] = []
        for f in dataclasses.fields(self):  # type: ignore[arg-type]
            held = getattr(self, f.name)
            if f.metadata.get("holds") == "component":
                held = [held]
            elif f.metadata.get("holds") == "types":
                held = held.values()
            elif f.metadata.get("holds") != "components":
                continue
            found += [c for c in held if isinstance(c, Component)]
        return found

    def replace(self, **changes: Any) -> Any:
        """A copy with other values. It has no version and no uuid unless given."""
        changes = {"version": None, "uuid": "", **changes}
        copy = dataclasses.replace(self, **changes)  # type: ignore[type-var]
        copy.extra.update(self.extra)
        return copy

    def json(self, put: Callable[[bytes], str] | None = None) -> Object:
        """The declaration in its JSON form; fields that say nothing are left out.
        ``put`` takes bytes, and gives the JSON form in which they go."""
        out: Object = {"type_id": self.type_id}
        here = f"{self.type_id}/{self.identifier}"
        if len(_open.above) > _DEEPEST or any(self is one for one in _open.above):
            raise InvalidError(
                "stands inside itself, or in too many others", field=here
            )
        _open.above.append(self)
        try:
            return self._json(out, here, put)
        finally:
            _open.above.pop()

    def _json(self, out: Object, here: str, put: Any) -> Object:
        for f in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, f.name)
            if f.name == "identifier" or not _says_nothing(value):
                place = f"{here}.{f.name}"
                out[f.name] = _written(value, f.metadata.get("holds"), place, put)
        return {**self.extra, **out}

    @staticmethod
    def read(place: str | os.PathLike[str], digest: str | None = None) -> Any:
        """What `varve export` wrote to a folder or a .zip, with the components
        inside it; ``db.add(Component.read("app.zip"))`` brings it elsewhere. Every
        byte is held against the manifest: an export that was changed, has more
        files, or paths that lead out of it is an InvalidError. ``digest`` is the
        SHA-256 that the export told; another export is then refused."""
        from ._bundle import Export  # which knows components

        return Export(place, digest).component()

    @classmethod
    def from_json(
        cls, given: Mapping[str, Any], read: Callable[[str], bytes] | None = None
    ) -> Any:
        """The component that a declaration says, with those inside it. ``read`` is
        how bytes are read that lie in an artifact store."""
        typ = given.get("type_id")
        of = Component.types.get("datatype" if typ == "encoder" else str(typ))
        if of is None:
            known = ", ".join(sorted(Component.types))
            raise InvalidError(
                f"{typ!r} is no type of component; types are {known}", field="type_id"
            )
        known_fields = {f.name: f for f in dataclasses.fields(of)}  # type: ignore[arg-type]
        values, extra = {}, {}
        for name, value in given.items():
            if name not in known_fields:
                extra[name] = value
            elif value is not None:
                holds = known_fields[name].metadata.get("holds")
                values[name] = _read(value, holds, read)
        extra.pop("type_id")
        made = of(**values)
        made.extra.update(extra)
        return made


def _says_nothing(value: Any) -> bool:
    if isinstance(value, (str, bytes, list, tuple, dict, int)):
        return not value
    return value is None


class _Open(threading.local):
    """The components that are being written, each inside the one before."""

    def __init__(self) -> None:
        self.above: list[Component] = []


_open = _Open()
_DEEPEST = 100  # the server takes fewer


def _written(value: Any, holds: str | None, place: str, put: Any) -> Any:
    if holds == "components" and not isinstance(value, (list, tuple)):
        raise InvalidError(f"is a list, and no {type(value).__name__}", field=place)
    if holds in ("types", "blobs") and not isinstance(value, Mapping):
        raise InvalidError(f"is a dict, and no {type(value).__name__}", field=place)
    if holds == "component":
        return _component(value, place, put)
    if holds == "components":
        return [_component(v, f"{place}[{i}]", put) for i, v in enumerate(value)]
    if holds == "types":
        return {n: _component(v, f"{place}.{n}", put) for n, v in value.items()}
    if holds == "bytes":
        return _content(value, place, put)
    if holds == "blobs":
        return {n: _content(v, f"{place}.{n}", put) for n, v in value.items()}
    if isinstance(value, Question):
        return value.json()
    return _values.document(value, place, 0)


def _component(value: Any, place: str, put: Any) -> Any:
    if isinstance(value, Component):
        return value.json(put)
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return _values.document(value, place, 0)
    raise InvalidError(
        f"is a component or a reference to one, and no {type(value).__name__}",
        field=place,
    )


def _content(value: Any, place: str, put: Any) -> Any:
    if isinstance(value, Artifact):
        if put is None or not value.travels:
            return value.link
        value = value.read()
    if isinstance(value, str):
        value = value.encode("utf-8")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return (put or inline)(bytes(value))
    raise InvalidError(f"is bytes, and no {type(value).__name__}", field=place)


def inline(content: bytes) -> Any:
    """Bytes as they stand in JSON."""
    return {"base64": base64.b64encode(content).decode("ascii")}


def _read(value: Any, holds: str | None, read: Any) -> Any:
    if holds in ("component", "components", "types"):
        if isinstance(value, list):
            return [_read(v, holds, read) for v in value]
        if isinstance(value, Mapping):
            if "type_id" in value:
                return Component.from_json(value, read)
            return {n: _read(v, holds, read) for n, v in value.items()}
        return value
    if holds == "blobs":
        return {n: _read(v, "bytes", read) for n, v in value.items()}
    if holds != "bytes":
        return value
    if isinstance(value, Mapping):
        return base64.b64decode(value["base64"])
    if value.startswith(_BLOB):
        return Artifact(value, read)
    return value.encode("utf-8")
