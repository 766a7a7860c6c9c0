"""Runs Chainlit's DynamoDB layer on command, and counts what it asks of the table.

    dynamo_peer.py TABLE REGION ENDPOINT

Each line of the input is one JSON object: `do` an operation, `id` what it is about, `times` how often. Each line of the
output is one: `seconds` that the runs took, and of one run `requests` and `capacity`, the units that DynamoDB counts.
"""

import asyncio
import json
import logging
import os
import sys

import boto3
from chainlit.context import init_http_context
from chainlit.data.dynamodb import DynamoDBDataLayer
from chainlit.types import Feedback, Pagination, ThreadFilter

import chainlit_peer
from chainlit_peer import ANSWER, timed

PAGE = 35


def thread_id(n):
    """As the benchmarks in Go name their threads."""
    return f"7b1c6d5e-0000-4000-8000-0000{n:08d}"


class Counted:
    """A client of DynamoDB whose requests and units are counted."""

    def __init__(self, region, endpoint):
        keys = {"aws_access_key_id": "varve", "aws_secret_access_key": "varve"}
        self.client = boto3.client("dynamodb", region_name=region, endpoint_url=endpoint, **keys)
        self.client.meta.events.register("provide-client-params.dynamodb.*", self.ask)
        self.client.meta.events.register("after-call.dynamodb.*", self.note)
        self.reset()

    def reset(self):
        self.requests, self.units = 0, 0.0

    def ask(self, params, **_):
        return params | {"ReturnConsumedCapacity": "TOTAL"}

    def note(self, parsed, **_):
        used = parsed.get("ConsumedCapacity", [])
        self.requests += 1
        self.units += sum(one["CapacityUnits"] for one in (used if isinstance(used, list) else [used]))


class Operations:
    def __init__(self, table, region, endpoint):
        self.table, self.counted = table, Counted(region, endpoint)
        # The layer does not look at how many threads are asked for.
        self.layer = DynamoDBDataLayer(table, client=self.counted.client, user_thread_limit=PAGE)
        self.last = None

    async def fill(self, shape):
        """Threads as the layer writes them, every tenth with a verdict, every hundredth with a star."""
        user, threads, steps = shape.split(":")
        items = []
        for t in range(int(threads)):
            thread = thread_id(t)
            at = f"2026-01-{1 + t // 1440:02d}T{t // 60 % 24:02d}:{t % 60:02d}:00.000001Z"
            head = {"PK": f"THREAD#{thread}", "SK": "THREAD", "id": thread, "createdAt": at, "name": f"thread {t}", "userId": user}
            head |= {"userIdentifier": user, "metadata": {}, "UserThreadPK": f"USER#{user}", "UserThreadSK": f"TS#{at}"}
            items.append(head)
            for n in range(int(steps)):
                step = chainlit_peer.step(thread)
                key = {"PK": f"THREAD#{thread}", "SK": f"STEP#{step['id']}"}
                if n == 0 and t % 10 == 0:
                    step["feedback"] = {"forId": step["id"], "value": 1, "threadId": thread, "comment": None}
                    step["feedback"]["id"] = f"THREAD#{thread}::STEP#{step['id']}"
                if n == 0 and t % 100 == 0:
                    step["metadata"] = {"favorite": True}
                items.append(key | step)
        for at in range(0, len(items), 25):
            puts = [{"PutRequest": {"Item": self.layer._serialize_item(item)}} for item in items[at : at + 25]]
            left = {self.table: puts}
            while left:
                left = self.counted.client.batch_write_item(RequestItems=left).get("UnprocessedItems")
        return 0.0

    async def user(self, user):
        return await timed(self.layer.get_user(user))

    async def step(self, thread_id):
        self.last = chainlit_peer.step(thread_id)
        return await timed(self.layer.create_step(self.last))

    async def again(self, thread_id):
        """The same step, grown, as a stream sends it."""
        self.last["output"] = ANSWER + "."
        return await timed(self.layer.update_step(self.last))

    async def feedback(self, thread_id):
        return await timed(self.layer.upsert_feedback(Feedback(forId=self.last["id"], threadId=thread_id, value=1)))

    async def rename(self, thread_id):
        return await timed(self.layer.update_thread(thread_id, name="another name"))

    async def list(self, user):
        found = self.layer.list_threads(Pagination(first=PAGE), ThreadFilter(userId=user))
        return await timed(found, lambda page: len(page.data) == PAGE)

    async def open(self, thread_id):
        return await timed(self.layer.get_thread(thread_id), lambda thread: len(thread["steps"]) >= 10)

    async def favorites(self, user):
        return await timed(self.layer.get_favorite_steps(user), bool)


async def serve(table, region, endpoint):
    init_http_context(thread_id="not-used")
    operations = Operations(table, region, endpoint)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        run = getattr(operations, asked["do"])
        operations.counted.reset()
        seconds = [await run(asked["id"])]
        answer = {"requests": operations.counted.requests, "capacity": operations.counted.units}
        seconds += [await run(asked["id"]) for _ in range(asked["times"] - 1)]
        print(json.dumps(answer | {"seconds": seconds}), flush=True)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    asyncio.run(serve(*sys.argv[1:]))
