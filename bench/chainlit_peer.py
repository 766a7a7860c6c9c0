"""Runs Chainlit's own layers, and Varve's adapter for them, on command.

    chainlit_peer.py LAYER

LAYER says which: `http://…` Varve's adapter on that server, `postgres://…` the official layer, a URL of SQLAlchemy's
(`postgresql+asyncpg://…`, `sqlite+aiosqlite:///…`) the SQLAlchemy layer. Each line of the input is one JSON object:
`do` an operation, `id` what it is about, `times` how often. Each line of the output is how long the runs took, in seconds.
"""

import asyncio
import json
import logging
import os
import sys
import tempfile
import time
import uuid

from chainlit.context import init_http_context
from chainlit.types import Pagination, ThreadFilter

ANSWER = ("some words of an answer, " * 41)[:1024]


def made_by(address):
    """The layer for an address."""
    if address.startswith("http://"):
        from varve.chainlit import VarveDataLayer

        return VarveDataLayer(address)
    if address.startswith("postgres://"):
        from chainlit.data.chainlit_data_layer import ChainlitDataLayer

        return ChainlitDataLayer(address)
    from chainlit.data.sql_alchemy import SQLAlchemyDataLayer

    return SQLAlchemyDataLayer(address)


def step(thread_id, parent_id=None):
    """What `Message.to_dict` gives. The official layer takes times of one form only, with six digits that are not all zero."""
    seconds, micro = divmod(time.time_ns() // 1000, 1_000_000)
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{micro or 1:06d}Z"
    return {
        "id": str(uuid.uuid4()),
        "threadId": thread_id,
        "parentId": parent_id,
        "createdAt": at,
        "command": None,
        "start": at,
        "end": at,
        "output": ANSWER,
        "name": "assistant",
        "type": "assistant_message",
        "language": None,
        "streaming": False,
        "isError": False,
        "waitForAnswer": False,
        "metadata": {},
        "tags": None,
    }


class Operations:
    """Each runs once and returns how long the awaited call took."""

    def __init__(self, address):
        self.address = address
        self.layer = None if address == "floor" else made_by(address)
        self.connection = None
        self.file = None

    async def list(self, user_id):
        return await timed(self.layer.list_threads(Pagination(first=35), ThreadFilter(userId=user_id)), self.full_page)

    async def search(self, user_id):
        filters = ThreadFilter(userId=user_id, search="xylophone")
        return await timed(self.layer.list_threads(Pagination(first=35), filters), lambda page: not page.data)

    async def open(self, thread_id):
        return await timed(self.layer.get_thread(thread_id), lambda thread: len(thread["steps"]) >= 30)

    async def step(self, thread_id):
        return await timed(self.layer.create_step(step(thread_id)))

    async def child(self, thread_id):
        """A step under another, as all but a user's message are."""
        parent = step(thread_id)
        await self.layer.create_step(parent)
        return await timed(self.layer.create_step(step(thread_id, parent["id"])))

    async def insert(self, url):
        """The floor: one bare INSERT by asyncpg, its own transaction."""
        import asyncpg

        if self.connection is None:
            self.connection = await asyncpg.connect(url)
        sql = "INSERT INTO bare_steps (id, thread, output) VALUES ($1, $2, $3)"
        return await timed(self.connection.execute(sql, str(uuid.uuid4()), "thread", ANSWER))

    async def fdatasync(self, _):
        """The floor below it: 4 KB on the disk, for good."""
        if self.file is None:
            self.file = tempfile.TemporaryFile()
        start = time.perf_counter()
        os.write(self.file.fileno(), b"\0" * 4096)
        os.fdatasync(self.file.fileno())
        return time.perf_counter() - start

    @staticmethod
    def full_page(page):
        return len(page.data) == 35


async def timed(call, holds=lambda _: True):
    start = time.perf_counter()
    answer = await call
    took = time.perf_counter() - start
    if not holds(answer):
        raise RuntimeError(f"the answer is not what was asked for: {str(answer)[:200]}")
    return took


async def serve(address):
    # Without a session nothing is held back until a user's first message.
    init_http_context(thread_id="not-used")
    operations = Operations(address)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        run = getattr(operations, asked["do"])
        await run(asked["id"])  # connections are made and statements prepared
        answer = [await run(asked["id"]) for _ in range(asked["times"])]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    asyncio.run(serve(sys.argv[1]))
