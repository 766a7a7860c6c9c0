"""Elements: their rows, and their bytes in the server or in the user's storage."""

from __future__ import annotations

import asyncio
import logging
import mimetypes
from collections.abc import Iterable
from typing import Any

from .. import _json
from .._client import Client, path
from .._multipart import Bytes, Content, File, Form
from .route import Route, is_reference
from .session import current_thread

Row = dict[str, Any]


class Elements:
    """With ``storage``, a ``BaseStorageClient`` of the user's, bytes go there and
    the server keeps the row; else the server keeps both."""

    def __init__(
        self, client: Client, route: Route, storage: Any, log: logging.Logger
    ) -> None:
        self._client = client
        self._route = route
        self._storage = storage
        self._log = log

    async def put(self, element: Any, user: str | None) -> None:
        """Stores an ``Element``. One that only points elsewhere is stored as it
        is: what lies at a URL is never fetched."""
        row = dict(element.to_dict())
        row["threadId"] = row.get("threadId") or current_thread()
        row["mime"] = _media_type(row)
        if is_reference(row.get("url")):
            row["url"] = None  # handed out by us on a read, and only for a while
        target = path("threads", row["threadId"] or "", "elements", element.id)
        content = _content(element)
        try:
            if content is not None and self._storage is None:
                form = Form(_json.encode(row), content, row.get("mime"))
                await self._client.call(
                    "PUT", target, form, content_type=form.content_type, user=user
                )
                return
            if content is not None:
                row.update(await self._upload(row, content))
            await self._client.json("PUT", target, row, user=user)
        finally:
            if content is not None:
                content.close()

    async def delete(
        self, element_id: str, thread_id: str | None, user: str | None
    ) -> None:
        target = path("threads", thread_id or "-", "elements", element_id)
        keys: list[str] = []
        if self._storage is not None:
            keys = _keys([await self._client.json("GET", target)])
        await self._client.json("DELETE", target, user=user)
        await self.forget(keys)

    async def keys(self, thread_id: str | None, for_id: str | None = None) -> list[str]:
        """The keys in the user's storage of a thread's elements, or of one step's."""
        if self._storage is None or not thread_id:
            return []
        thread = await self._client.json("GET", path("threads", thread_id))
        rows = thread.get("elements") or []
        return _keys(r for r in rows if for_id is None or r.get("forId") == for_id)

    async def forget(self, keys: Iterable[str]) -> None:
        """Deletes objects in the user's storage, after their rows are gone. What
        cannot be deleted is logged, for nothing points to it any more."""
        delete = getattr(self._storage, "delete_file", None)
        if delete is None:
            return
        for key in keys:
            try:
                await delete(key)
            except Exception as err:
                self._log.warning("cannot delete %s from the storage: %s", key, err)

    async def readable(self, rows: list[Row] | None) -> list[Row]:
        """The rows with URLs that the browser can follow."""
        rows = rows or []
        await asyncio.gather(*(self._sign(row) for row in rows))
        return rows

    async def _sign(self, row: Row) -> None:
        key = _key_elsewhere(row)
        sign = getattr(self._storage, "get_read_url", None)
        if sign is not None and key is not None:
            try:
                row["url"] = await sign(key)
            except Exception as err:  # one bad object must not hide a thread
                self._log.warning("the storage signs no URL for %s: %s", key, err)
        else:
            row["url"] = self._route.url(row.get("url"))

    async def _upload(self, row: Row, content: Content) -> Row:
        key = f"threads/{row['threadId']}/files/{row['id']}"
        data = b"".join([chunk async for chunk in content.chunks()])
        stored = await self._storage.upload_file(
            object_key=key,
            data=data,
            mime=row.get("mime") or "application/octet-stream",
            overwrite=True,
        )
        if not stored:
            raise OSError(f"the storage did not take element {row['id']}")
        return {"url": stored.get("url"), "objectKey": stored.get("object_key") or key}


def _content(element: Any) -> Content | None:
    if getattr(element, "path", None):
        return File(element.path)
    content = getattr(element, "content", None)
    return Bytes(content) if content else None


def _media_type(row: Row) -> str | None:
    """Chainlit 2.0 calls the type of an uploaded picture just "image"; with such
    a type no browser would be shown one, and the name tells the rest."""
    mime: str | None = row.get("mime")
    if mime and "/" not in mime:
        return mimetypes.guess_type(row.get("name") or "")[0] or mime
    return mime


def _keys(rows: Iterable[Row]) -> list[str]:
    keys = (_key_elsewhere(row) for row in rows)
    return [key for key in keys if key is not None]


def _key_elsewhere(row: Row) -> str | None:
    """The key of bytes that the server does not have: those it has, it signs."""
    key = row.get("objectKey")
    if not isinstance(key, str) or not key.strip() or is_reference(row.get("url")):
        return None
    return key
