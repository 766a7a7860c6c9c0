"""The data layer: each of Chainlit's methods is one call to the server."""

from __future__ import annotations

import os
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Callable, cast

from chainlit.data.base import BaseDataLayer
from chainlit.logger import logger
from chainlit.types import (
    Feedback,
    PageInfo,
    PaginatedResponse,
    Pagination,
    ThreadDict,
    ThreadFilter,
)
from chainlit.user import PersistedUser, User

from .. import _json, errors
from .._client import Client, path
from .elements import Elements
from .order import CallOrder, queued
from .route import Route
from .session import acting_user, current_thread
from .steps import Step, step_snapshot

if TYPE_CHECKING:
    from chainlit.element import Element, ElementDict
    from chainlit.step import StepDict

    from .storage import BaseStorageClient

_DRAIN_SECONDS = 10.0
_Missing = (errors.NotFoundError, errors.InvalidError)
_Gone = (errors.GoneError,)


class VarveDataLayer(BaseDataLayer):
    """Keeps an app's conversations in Varve.

    ``url`` is the server, ``http://host:port`` or ``unix:/path``; without it
    ``VARVE_SERVER`` is asked, and else a server is started on the folder
    ``data`` (default ``./varve-data``) and supervised. ``storage_provider`` is
    any storage client of Chainlit's, for elements' bytes; without it the server
    keeps them. ``api_key`` falls back to ``VARVE_API_KEY``.

    Reads of what does not exist give ``None`` or ``""``. Writes are repeated
    while the server is away, for half a minute; then they raise and are logged.
    """

    def __init__(
        self,
        url: str | None = None,
        storage_provider: BaseStorageClient | None = None,
        *,
        api_key: str | None = None,
        data: str | os.PathLike[str] | None = None,
        binary: str | None = None,
    ) -> None:
        self._log = logger.getChild("Varve")
        self._client = Client(
            url, api_key=api_key, data=data, binary=binary, logger=self._log
        )
        self._storage = storage_provider
        self._route = Route(self._client)
        self._elements = Elements(
            self._client, self._route, storage_provider, self._log
        )
        self._order = CallOrder()
        self._route.mount()

    # Users.

    async def get_user(self, identifier: str) -> PersistedUser | None:
        answer = await self._read("users", identifier)
        return _user(answer) if answer else None

    async def create_user(self, user: User) -> PersistedUser | None:
        body = {"metadata": user.metadata or {}, "display_name": user.display_name}
        target = path("users", user.identifier)
        answer = await self._write(
            "create_user", lambda: self._client.json("PUT", target, body)
        )
        return _user(answer)

    # Feedback.

    async def upsert_feedback(self, feedback: Feedback) -> str:
        body = {
            "forId": feedback.forId,
            "value": int(feedback.value),
            "id": feedback.id or None,
            "threadId": feedback.threadId or None,
            "comment": feedback.comment,
        }
        # The step it is about may still be on its way.
        await self._order.settled(_step_key(feedback.forId))
        user = acting_user()
        answer = await self._write(
            "upsert_feedback",
            lambda: self._client.json("PUT", "/v1/feedback", body, user=user),
        )
        return answer["id"] if answer else ""

    async def delete_feedback(self, feedback_id: str) -> bool:
        if not feedback_id:
            return False
        await self._delete("delete_feedback", "feedback", feedback_id)
        return True

    # Elements.

    @queued()
    async def create_element(self, element: Element) -> None:
        if not element.for_id:
            return  # Chainlit's task list, which is not kept
        user = acting_user()
        await self._in_turn(
            f"element {element.id}",
            "create_element",
            lambda: self._elements.put(element, user),
        )

    async def get_element(self, thread_id: str, element_id: str) -> ElementDict | None:
        row = await self._read("threads", thread_id, "elements", element_id)
        if row is None:
            return None
        await self._elements.readable([row])
        return cast("ElementDict", row)

    @queued()
    async def delete_element(
        self, element_id: str, thread_id: str | None = None
    ) -> None:
        user = acting_user()
        await self._in_turn(
            f"element {element_id}",
            "delete_element",
            lambda: self._elements.delete(element_id, thread_id, user),
            _Gone + _Missing,
        )

    # Steps.

    @queued(step_snapshot)
    async def create_step(self, step_dict: StepDict) -> None:
        await self._put_step("create_step", cast(Step, step_dict))

    @queued(step_snapshot)
    async def update_step(self, step_dict: StepDict) -> None:
        await self._put_step("update_step", cast(Step, step_dict))

    @queued()
    async def delete_step(self, step_id: str) -> None:
        user, thread_id = acting_user(), current_thread()

        async def delete() -> None:
            keys = await self._elements.keys(thread_id, step_id)
            query = {"threadId": thread_id}
            target = path("steps", step_id)
            await self._client.json("DELETE", target, query=query, user=user)
            await self._elements.forget(keys)

        key = _step_key(step_id)
        await self._in_turn(key, "delete_step", delete, _Gone + _Missing)

    async def get_step(self, step_id: str) -> StepDict | None:
        return cast("StepDict | None", await self._read("steps", step_id))

    async def get_favorite_steps(self, user_id: str) -> list[StepDict]:
        if not user_id:
            return []
        # Whose the thread of this visit is may still be on its way.
        await self._order.settled(_thread_key(current_thread()))
        answer = await self._client.json(
            "GET", "/v1/favorites", query={"userId": user_id}
        )
        return cast("list[StepDict]", answer["data"])

    # Threads.

    async def get_thread_author(self, thread_id: str) -> str:
        """The owner's identifier; ``""`` if there is no such thread or owner,
        which Chainlit answers with 404."""
        answer = await self._read("threads", thread_id, "author")
        return (answer or {}).get("author") or ""

    async def get_thread(self, thread_id: str) -> ThreadDict | None:
        thread = await self._read("threads", thread_id)
        if thread:
            thread["elements"] = await self._elements.readable(thread.get("elements"))
        return cast("ThreadDict | None", thread)

    async def list_threads(
        self, pagination: Pagination, filters: ThreadFilter
    ) -> PaginatedResponse[ThreadDict]:
        """A page without steps, the thread with the newest activity first.
        Raises InvalidError for a cursor that is none."""
        query = {
            "userId": filters.userId,
            "search": filters.search or None,
            "feedback": filters.feedback,
            "first": pagination.first,
            "cursor": pagination.cursor or None,
        }
        self._route.mount()
        answer = await self._client.json("GET", "/v1/threads", query=query)
        return PaginatedResponse(
            pageInfo=PageInfo.from_dict(answer["pageInfo"]), data=answer["data"]
        )

    async def update_thread(
        self,
        thread_id: str,
        name: str | None = None,
        user_id: str | None = None,
        metadata: dict[str, Any] | None = None,
        tags: list[str] | None = None,
    ) -> None:
        given = {"name": name, "userId": user_id, "metadata": metadata, "tags": tags}
        # Encoded now: the metadata may change while the call waits.
        body = _json.encode({k: v for k, v in given.items() if v is not None})
        user = acting_user()

        async def patch() -> None:
            answer = await self._client.call(
                "PATCH",
                path("threads", thread_id),
                body,
                content_type="application/json",
                user=user,
            )
            self._warn("update_thread", thread_id, answer.body)

        await self._write(
            "update_thread", lambda: self._order.turn(_thread_key(thread_id), patch)
        )

    async def delete_thread(self, thread_id: str) -> None:
        try:
            keys = await self._elements.keys(thread_id)
        except _Missing:
            return
        await self._delete("delete_thread", "threads", thread_id)
        await self._elements.forget(keys)

    # The rest.

    async def build_debug_url(self) -> str:
        return ""

    async def close(self) -> None:
        """Waits for writes on their way, then closes the connections, the
        storage, and the server if this layer started it."""
        left = await self._order.drain(_DRAIN_SECONDS)
        if left:
            self._log.error("closing with %d writes unfinished", left)
        close = getattr(self._storage, "close", None)
        try:
            if close is not None:
                await close()
        except Exception as err:  # some storage clients cannot close
            self._log.debug("the storage client did not close: %s", err)
        await self._client.close()

    # How calls are made.

    async def _put_step(self, name: str, step: Step) -> None:
        user = acting_user()
        query = None if step.has_thread else {"threadId": current_thread()}

        async def put() -> None:
            answer = await self._client.call(
                "PUT",
                path("steps", step.id),
                step.body,
                content_type="application/json",
                query=query,
                user=user,
            )
            self._warn(name, step.id, answer.body)

        await self._in_turn(_step_key(step.id), name, put)

    async def _in_turn(
        self,
        key: str,
        name: str,
        call: Callable[[], Awaitable[Any]],
        fine: tuple[type[Exception], ...] = _Gone,
    ) -> None:
        await self._order.turn(key, lambda: self._write(name, call, fine))

    async def _read(self, *segments: str) -> Any:
        """What stands at a path; None if nothing does or the id cannot be one."""
        self._route.mount()
        try:
            return await self._client.json("GET", path(*segments))
        except _Missing:
            return None

    async def _delete(self, name: str, *segments: str) -> None:
        user = acting_user()

        async def delete() -> None:
            await self._client.json("DELETE", path(*segments), user=user)

        await self._write(name, delete, _Gone + _Missing)

    async def _write(
        self,
        name: str,
        call: Callable[[], Awaitable[Any]],
        fine: tuple[type[Exception], ...] = _Gone,
    ) -> Any:
        """Runs a write. What is in ``fine``, above all a late write to a deleted
        thread, is no error; anything else is logged here, since Chainlit mostly
        drops what its tasks raise."""
        self._route.mount()
        try:
            return await call()
        except fine as err:
            self._log.debug("%s found nothing: %s", name, err)
            return None
        except Exception as err:
            request = getattr(err, "request_id", None)
            self._log.error("%s failed: %s (request %s)", name, err, request)
            raise

    def _warn(self, name: str, about: str, body: bytes) -> None:
        """Logs what the server changed, such as a NUL in a text."""
        if b'"warnings"' in body:
            for warning in _json.decode(body).get("warnings") or ():
                self._log.warning("%s %s: %s", name, about, warning)


def _user(answer: Any) -> PersistedUser:
    return PersistedUser(
        id=answer["id"],
        createdAt=answer["createdAt"],
        identifier=answer["identifier"],
        display_name=answer.get("display_name"),
        metadata=answer.get("metadata") or {},
    )


def _thread_key(thread_id: str | None) -> str:
    return f"thread {thread_id}"


def _step_key(step_id: str) -> str:
    return f"step {step_id}"
