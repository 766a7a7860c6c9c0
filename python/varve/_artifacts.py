"""The artifact store: large bytes under their SHA-256."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from typing import Any, Union

from . import _json, errors
from ._calls import Calls
from ._client import path
from ._component import Artifact, inline
from ._multipart import Bytes, File
from ._parts import Part
from .errors import InvalidError

Content = Union[bytes, bytearray, memoryview, str, "os.PathLike[str]"]


class ArtifactStore(Part):
    """Where large bytes lie. What no component and no row names is freed an hour
    after it was put."""

    _calls: Calls
    _user: str | None

    def __init__(self, part: Part, calls: Calls, user: str | None) -> None:
        super().__init__(part.kind, part.url)
        self.__dict__.update(_calls=calls, _user=user)

    def put(
        self, content: Content, media_type: str = "application/octet-stream"
    ) -> Artifact:
        """Keeps bytes, or those of a file: ``put(pathlib.Path("weights.bin"))``."""
        if not (
            isinstance(media_type, str)
            and media_type.isascii()
            and media_type.isprintable()
        ):
            raise InvalidError(
                "is no type of media, such as text/plain", field="media_type"
            )
        body: Bytes | File
        if isinstance(content, (bytes, bytearray, memoryview)):
            body = Bytes(content)
        elif isinstance(content, (str, os.PathLike)):
            body = File(content)
        else:  # a number would be a file that is open
            raise InvalidError(
                f"is bytes or a path, and no {type(content).__name__}", field="content"
            )
        try:
            answer = self._calls.call(
                "POST",
                path("artifacts"),
                body,
                content_type=media_type,
                user=self._user,
            )
        finally:
            body.close()
        return self.get(_json.decode(answer.body)["digest"])

    def get(self, digest: str) -> Artifact:
        """The artifact of a digest, whose bytes are read when they are asked for."""
        _checked(digest)
        return Artifact(digest, self.read)

    def read(self, digest: str) -> bytes:
        """The bytes, verified. Raises NotFoundError."""
        return b"".join(self.pieces(digest))

    def save(self, artifact: Artifact | str, to: str | os.PathLike[str]) -> None:
        """Writes the bytes to a file, which is there whole or not at all."""
        digest = artifact.digest if isinstance(artifact, Artifact) else artifact
        partial = os.fspath(to) + ".part"
        try:
            with open(partial, "wb") as file:
                for piece in self.pieces(digest):
                    file.write(piece)
            os.replace(partial, to)
        except BaseException:
            if os.path.exists(partial):
                os.remove(partial)
            raise

    def exists(self, digest: str) -> bool:
        try:
            target = path("artifacts", _checked(digest))
            self._calls.call("HEAD", target, user=self._user)
        except errors.NotFoundError:
            return False
        return True

    def pieces(self, digest: str) -> Iterator[bytes]:
        """The bytes piece by piece. Bytes that are not those of the digest end in
        an InternalError; what came before it is not to be used."""
        target = path("artifacts", _checked(digest))
        answer = self._calls.open("GET", target, user=self._user)
        seen = hashlib.sha256()
        try:
            while piece := answer.read():
                seen.update(piece)
                yield piece
        finally:
            answer.close()
        if seen.hexdigest() != digest:
            raise errors.InternalError("the bytes are not those of this digest")


def _checked(digest: str) -> str:
    if isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest):
        return digest
    raise InvalidError(
        "is no SHA-256: it has 64 digits, 0 to 9 and a to f", field="digest"
    )


def put_large(store: ArtifactStore) -> Any:
    """How content goes with a declaration: small as it is, large before it."""

    def put(content: bytes) -> Any:
        if len(content) <= _INLINE:
            return inline(content)
        return store.put(content).link

    return put


_INLINE = 64 * 1024  # bytes that go with a declaration, as from Go
