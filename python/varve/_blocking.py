"""Calls from code that is not asynchronous: an event loop in a thread."""

from __future__ import annotations

import asyncio
import os
import selectors
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """A selector that belongs to one process. A forked one shares the kernel's with
    its parent, and what it took out of it while it lets go of connections that are
    not its own, the parent would wait for without end."""

    def __init__(self) -> None:
        super().__init__()
        self._owner = os.getpid()

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        if os.getpid() != self._owner:
            return self.get_key(fileobj)
        return super().unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> Any:
        if os.getpid() != self._owner:
            return self.get_key(fileobj)
        return super().modify(fileobj, events, data)


class Loop:
    """An event loop of its own, started at the first call and again after a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Waits for the result, on any thread, also one that has a running loop."""
        future = asyncio.run_coroutine_threadsafe(work, self._running())
        try:
            return future.result()
        except BaseException:
            future.cancel()  # a Ctrl-C: nobody waits for the call any more
            raise

    def close(self) -> None:
        """Ends the thread; a later call starts another."""
        with self._lock:
            loop, self._loop = self._loop, None
            if loop is not None and self._pid == os.getpid():
                loop.call_soon_threadsafe(loop.stop)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                self._pid = os.getpid()
                self._loop = asyncio.SelectorEventLoop(_Selector())
                threading.Thread(
                    target=_serve, args=(self._loop,), name="varve-calls", daemon=True
                ).start()
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()
