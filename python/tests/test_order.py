"""Writes reach the server in the order of the calls, as they were at the call."""

import asyncio
import logging
import random

from chats import HTTPSession, inside, message, session, tool

from varve.chainlit import VarveDataLayer
from varve.chainlit.order import CallOrder


async def test_the_last_call_wins(layer, thread_id):
    """Chainlit starts these as tasks and waits for none."""
    steps = [tool(thread_id, n=n) for n in range(1, 21)]
    tasks = []
    for turn in range(10):
        for step in random.sample(steps, len(steps)):
            method = layer.update_step if turn else layer.create_step
            tasks.append(
                asyncio.create_task(method({**step, "output": f"turn {turn}"}))
            )
    await asyncio.gather(*tasks)
    thread = await layer.get_thread(thread_id)
    assert [s["output"] for s in thread["steps"]] == ["turn 9"] * len(steps)


async def test_a_call_that_is_awaited_does_not_overtake_a_task(layer, thread_id):
    step = message(thread_id, output="first")
    task = asyncio.create_task(layer.create_step(step))
    await layer.update_step({**step, "output": "second"})
    await task
    assert (await layer.get_step(step["id"]))["output"] == "second"


async def test_a_deletion_follows_the_writes_before_it(layer, thread_id):
    step = message(thread_id)
    tasks = [asyncio.create_task(layer.create_step(step))]
    tasks += [asyncio.create_task(layer.update_step(step)) for _ in range(5)]
    tasks.append(asyncio.create_task(layer.delete_step(step["id"])))
    await asyncio.gather(*tasks)
    assert await layer.get_step(step["id"]) is None


async def test_a_step_is_written_as_it_was_at_the_call(layer, thread_id):
    step = message(thread_id, output="then", metadata={"deep": {"n": 1}})
    task = asyncio.create_task(layer.create_step(step))
    step["output"] = "now"
    step["metadata"]["deep"]["n"] = 2
    await task
    found = await layer.get_step(step["id"])
    assert (found["output"], found["metadata"]) == ("then", {"deep": {"n": 1}})


async def test_a_step_is_not_changed_by_being_written(layer, thread_id):
    step = tool(thread_id, showInput=False)
    before = dict(step)
    await layer.create_step(step)
    assert step == before


async def test_a_cancelled_session_loses_no_message(layer, thread_id):
    step = message(thread_id)
    task = asyncio.create_task(layer.create_step(step))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await layer._order.drain(10)
    assert (await layer.get_step(step["id"]))["output"] == "hello"


async def test_closing_waits_for_what_is_on_its_way(server, thread_id):
    first = VarveDataLayer(server.unix)
    steps = [message(thread_id, n=n) for n in range(1, 51)]
    tasks = [asyncio.create_task(first.create_step(step)) for step in steps]
    await asyncio.sleep(0)
    await first.close()
    second = VarveDataLayer(server.unix)
    assert len((await second.get_thread(thread_id))["steps"]) == 50
    await asyncio.gather(*tasks)
    await second.close()


async def test_a_failed_write_does_not_hold_up_the_next(layer, thread_id, caplog):
    deep = []
    for _ in range(300):
        deep = [deep]
    step = message(thread_id)
    calls = [
        asyncio.create_task(layer.create_step({**step, "metadata": {"deep": deep}})),
        asyncio.create_task(layer.update_step(step)),
    ]
    with caplog.at_level(logging.ERROR, "chainlit.Varve"):
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert [r is None for r in results] == [False, True]
    assert "create_step failed" in caplog.text
    assert (await layer.get_step(step["id"]))["output"] == "hello"


async def test_turns_leave_nothing_behind():
    order, seen = CallOrder(), []

    async def call(n):
        await asyncio.sleep(random.random() / 1000)
        seen.append(n)

    tasks = [order.begin(order.turn("k", lambda n=n: call(n))) for n in range(50)]
    await asyncio.gather(*tasks)
    assert seen == list(range(50))
    await asyncio.sleep(0)
    assert not order._last and not order._running


# Before the first message nothing is written.


async def test_a_visit_without_a_message_writes_nothing(layer, thread_id):
    chat = session(thread_id=thread_id, interacted=False)
    with inside(chat):
        await layer.create_step(message(thread_id))
        await layer.update_step(tool(thread_id))
        await layer.delete_step("x")
        await layer.delete_element("x")
    assert await layer.get_thread(thread_id) is None
    assert sorted(chat.thread_queues) == [
        "create_step",
        "delete_element",
        "delete_step",
        "update_step",
    ]


async def test_the_first_message_brings_what_waited(layer, thread_id):
    chat = session(thread_id=thread_id, interacted=False)
    greeting = message(thread_id, "hi", n=1)
    with inside(chat):
        await layer.create_step(greeting)
        await layer.update_step({**greeting, "output": "hi there"})
        chat.has_first_interaction = True
        await chat.flush_method_queue()
        await layer.create_step(message(thread_id, "question", n=2))
    thread = await layer.get_thread(thread_id)
    assert [s["output"] for s in thread["steps"]] == ["hi there", "question"]


async def test_a_session_without_a_browser_writes_at_once(layer, thread_id):
    with inside(session(kind=HTTPSession, thread_id=thread_id)):
        await layer.create_step(message(thread_id))
    assert len((await layer.get_thread(thread_id))["steps"]) == 1
