"""Writes reach the server in the order in which they were called.

Chainlit starts ``create_step`` and ``update_step`` as tasks that nobody waits
for. Run freely, they overtake one another, and a finished answer is replaced
by the empty one it began with. Here a call becomes a task of its own at the
moment it is made, and the tasks of one step run one after the other.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Coroutine
from typing import Any, Callable, TypeVar

from chainlit.data.utils import queue_until_user_message

from .session import in_context

T = TypeVar("T")
Method = Callable[..., Coroutine[Any, Any, Any]]
Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class CallOrder:
    """Turns, one line for each key."""

    def __init__(self) -> None:
        self._last: dict[str, asyncio.Future[None]] = {}
        self._running: set[asyncio.Task[Any]] = set()

    def begin(self, call: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        """Starts the call now, and returns what waits for its end.

        The call goes on even if nobody waits or the waiting is cancelled: a
        browser that disconnects must not take a message with it. Outside of an
        event loop the call itself is returned, since nothing can start.
        """
        try:
            task = asyncio.get_running_loop().create_task(call)
        except RuntimeError:
            return call
        self._running.add(task)
        task.add_done_callback(self._ended)
        return _result(task)

    async def turn(self, key: str, call: Callable[[], Awaitable[T]]) -> T:
        """Runs the call after all earlier ones with this key have ended."""
        earlier = self._last.get(key)
        mine = self._last[key] = asyncio.get_running_loop().create_future()
        try:
            if earlier is not None:
                await asyncio.wait([earlier])
            return await call()
        finally:
            mine.set_result(None)
            if self._last.get(key) is mine:
                del self._last[key]

    async def settled(self, key: str) -> None:
        """Returns when no earlier call with this key is left."""
        await asyncio.sleep(0)  # lets calls that have just begun take their turn
        earlier = self._last.get(key)
        if earlier is not None:
            await asyncio.wait([earlier])

    async def drain(self, seconds: float) -> int:
        """Waits for everything that was called so far; how many calls were left
        when the time was over."""
        calls: set[asyncio.Future[Any]] = {*self._running, *self._last.values()}
        if not calls:
            return 0
        _, left = await asyncio.wait(calls, timeout=seconds)
        return len(left)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # it was logged; if nobody waits, that was all


async def _result(task: asyncio.Task[T]) -> T:
    return await asyncio.shield(task)


def queued(
    snapshot: Callable[..., Arguments] = lambda *args, **kwargs: (args, kwargs),
) -> Callable[[Method], Method]:
    """For the five methods that Chainlit holds back until the user's first
    message, so that opening a page leaves no empty thread.

    ``snapshot`` copies the arguments at the call, before anybody can change
    them. Without a chat session there is nothing to wait for.
    """

    def decorate(method: Method) -> Method:
        hold_back: Any = queue_until_user_message
        held_back: Method = hold_back()(method)

        @functools.wraps(method)
        def call(self: Any, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, Any]:
            args, kwargs = snapshot(*args, **kwargs)
            run = held_back if in_context() else method
            order: CallOrder = self._order
            return order.begin(run(self, *args, **kwargs))

        return call

    return decorate
