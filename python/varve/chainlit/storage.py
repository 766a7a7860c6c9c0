"""Bytes only: Varve as the storage of Chainlit's own data layers."""

from __future__ import annotations

import os
from typing import Any

from chainlit.logger import logger

from .. import _json, errors
from .._client import Client, path
from .._multipart import Bytes
from .route import Route

try:
    from chainlit.data.storage_clients.base import BaseStorageClient
except ImportError:  # Chainlit 1.x
    from chainlit.data.base import (  # type: ignore[attr-defined, no-redef]
        BaseStorageClient,
    )

__all__ = ["BaseStorageClient", "VarveStorageClient"]


class VarveStorageClient(BaseStorageClient):
    """Stores elements' bytes in Varve::

        SQLAlchemyDataLayer(conninfo, storage_provider=VarveStorageClient(url))

    The arguments are those of ``VarveDataLayer``.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        data: str | os.PathLike[str] | None = None,
        binary: str | None = None,
    ) -> None:
        self._client = Client(
            url,
            api_key=api_key,
            data=data,
            binary=binary,
            logger=logger.getChild("Varve"),
        )
        self._route = Route(self._client)
        self._route.mount()

    async def upload_file(
        self,
        object_key: str,
        data: bytes | str,
        mime: str = "application/octet-stream",
        overwrite: bool = True,
        content_disposition: str | None = None,
    ) -> dict[str, Any]:
        """Returns at least ``object_key`` and a signed ``url``. Raises
        ExistsError if the key is taken and ``overwrite`` is false."""
        query = {
            "disposition": content_disposition,
            "overwrite": None if overwrite else "false",
        }
        answer = await self._client.call(
            "PUT", _object(object_key), Bytes(data), content_type=mime, query=query
        )
        return self._readable(_json.decode(answer.body))

    async def delete_file(self, object_key: str) -> bool:
        """Whether the object is gone; true too if it never was."""
        try:
            await self._client.call("DELETE", _object(object_key))
        except errors.NotFoundError:
            pass
        except errors.VarveError as err:
            self._client.log.warning("cannot delete an object: %s", err)
            return False
        return True

    async def get_read_url(self, object_key: str) -> str:
        """A signed URL that the browser can follow for a while."""
        ttl = os.environ.get("STORAGE_EXPIRY_TIME")
        answer = await self._client.json(
            "GET", _object(object_key), query={"sign": "true", "ttl": ttl}
        )
        return str(self._readable(answer)["url"])

    async def close(self) -> None:
        await self._client.close()

    def _readable(self, answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "url": self._route.url(answer.get("url"))}


def _object(key: str) -> str:
    return path("objects", *key.split("/"))
