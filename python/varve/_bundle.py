"""What ``varve export`` wrote, read where there need be no server."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import stat
import zipfile
from collections.abc import Iterator, Mapping
from typing import IO, Any

from ._component import Artifact, Component
from .errors import InvalidError, NotFoundError, UnsupportedError

_MANIFEST, _COMPONENTS = "manifest.json", "component.json"
_MOST_TEXT = 64 << 20  # bytes of each of the two
_MOST_FILES = 250_000
_PIECE = 1 << 20


class Export:
    """An export in a folder or a .zip, every byte of which was held against its
    manifest. It may be moved or go once its components were added."""

    def __init__(self, place: str | os.PathLike[str], digest: str | None) -> None:
        self.place = os.fspath(place)
        try:
            sizes = self._sizes()
            text = self._text(_MANIFEST, sizes.pop(_MANIFEST, -1))
            if digest is not None and hashlib.sha256(text).hexdigest() != digest:
                raise self._bad("it is another export than the one of this digest")
            self.manifest = self._manifest(text)
            self._verify(sizes)
        except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError) as err:
            if isinstance(err, FileNotFoundError):
                raise NotFoundError(f"there is no export {self.place}") from None
            raise self._bad(f"it is damaged, or cannot be read: {err}") from None

    def component(self) -> Component:
        """What was exported, with the components inside it. Their artifacts are
        read when somebody asks for them, or adds them to a datalayer."""
        text = self._text(_COMPONENTS, self.files[_COMPONENTS]["size"])
        docs = _json(text)
        if not isinstance(docs, list) or not docs:
            raise self._bad(f"{_COMPONENTS} is no list of declarations")
        made: dict[str, Component] = {}
        for doc in docs:
            one: Component = Component.from_json(doc, self._blob)
            _nest(one, made)
            made[one.link] = one
        root = "&:component:{type_id}:{identifier}".format(**self.manifest)
        if root not in made:
            raise self._bad(f"{_COMPONENTS} lacks what {_MANIFEST} names")
        return made[root]

    def _sizes(self) -> dict[str, int]:
        sizes: dict[str, int] = {}
        if not os.path.isdir(self.place):
            with zipfile.ZipFile(self.place) as archive:
                for entry in archive.infolist():
                    if entry.filename in sizes:
                        raise self._bad(f"{entry.filename!r} stands twice")
                    sizes[entry.filename] = entry.file_size
            return sizes
        for folder, _, names in os.walk(self.place):
            for name in names:
                path = os.path.join(folder, name)
                found = os.lstat(path)
                within = os.path.relpath(path, self.place).replace(os.sep, "/")
                if not stat.S_ISREG(found.st_mode):
                    raise self._bad(f"{within!r} is no file")
                sizes[within] = found.st_size
        return sizes

    def _manifest(self, text: bytes) -> dict[str, Any]:
        told = _json(text)
        if not isinstance(told, dict) or told.get("version") != 1:
            raise self._bad(f"{_MANIFEST} is damaged, or of a version not known here")
        listed = told.get("files")
        if not isinstance(listed, list) or len(listed) > _MOST_FILES:
            raise self._bad(f"{_MANIFEST} is damaged")
        self.files: dict[str, Any] = {}
        for file in listed:
            path = file["path"]
            if path.startswith("files/"):
                raise UnsupportedError(
                    f"{self.place} has a folder among its artifacts, which `varve "
                    "apply` reads and this does not"
                )
            blob = re.fullmatch("blobs/([0-9a-f]{64})", path)
            if path in self.files or not (path == _COMPONENTS or blob):
                raise self._bad(f"{path!r} stands twice, or has no place in an export")
            if blob and blob[1] != file["digest"]:
                raise self._bad(f"{path!r} is not named by its digest")
            self.files[path] = file
        return told

    def _verify(self, sizes: dict[str, int]) -> None:
        if _COMPONENTS not in self.files or sizes != {
            path: file["size"] for path, file in self.files.items()
        }:
            raise self._bad(f"its files are not those, or as large as {_MANIFEST} says")
        for path, file in self.files.items():
            seen = hashlib.sha256()
            with self._open(path) as source:
                while piece := source.read(_PIECE):
                    seen.update(piece)
            if seen.hexdigest() != file["digest"]:
                raise self._bad(f"{path!r} is not what was exported")

    @contextlib.contextmanager
    def _open(self, path: str) -> Iterator[IO[bytes]]:
        if os.path.isdir(self.place):
            with open(os.path.join(self.place, *path.split("/")), "rb") as file:
                yield file
            return
        with zipfile.ZipFile(self.place) as archive, archive.open(path) as entry:
            yield entry

    def _text(self, path: str, size: int) -> bytes:
        if not 0 <= size <= _MOST_TEXT:
            raise self._bad(f"{path} is missing, or far too large")
        with self._open(path) as source:
            return source.read(size + 1)

    def _blob(self, digest: str) -> bytes:
        if f"blobs/{digest}" not in self.files:
            raise self._bad(f"the artifact {digest} is missing")
        with self._open(f"blobs/{digest}") as source:
            content = source.read()
        if hashlib.sha256(content).hexdigest() != digest:
            raise self._bad(f"the artifact {digest} is not what was exported")
        return content

    def _bad(self, why: str) -> InvalidError:
        return InvalidError(f"{why} (in {self.place})")


def _json(text: bytes) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            raise InvalidError("a key stands twice")
        return made

    try:
        return json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as err:
        if isinstance(err, InvalidError):
            raise
        raise InvalidError("it is no JSON") from None


def _nest(one: Component, made: Mapping[str, Component]) -> None:
    """Puts components in the place of references to them, and has artifacts go
    with what they belong to."""
    for f in dataclasses.fields(one):  # type: ignore[arg-type]
        held = getattr(one, f.name)
        holds = f.metadata.get("holds")
        if holds == "component" and isinstance(held, str):
            setattr(one, f.name, made.get(held, held))
        elif holds == "components":
            setattr(one, f.name, [_made(made, v) for v in held])
        elif holds == "types":
            setattr(one, f.name, {n: _made(made, v) for n, v in held.items()})
        for content in held.values() if holds == "blobs" else [held]:
            if isinstance(content, Artifact):
                content.travels = True


def _made(made: Mapping[str, Component], value: Any) -> Any:
    return made.get(value, value) if isinstance(value, str) else value
