"""Varve is killed in the middle of a turn: what it had confirmed is there, and the app goes on."""

import threading
import uuid

import httpx
import pytest

from conftest import chosen
from harness.wait import until
from test_app import has_output, outputs, turns_done
from test_second_user import without_urls


def test_a_turn_survives_the_death_of_the_store(backend, alice, chat):
    chat.send("ask me before you answer")
    chat.wait("ask")
    thread_id = chat.thread_id
    before = alice.thread_when(
        thread_id,
        lambda t: has_output("Are you sure?")(t)
        and any(s["type"] == "tool" and s["output"] for s in t["steps"])
        and any(s["name"] == "on_chat_start" and s["end"] for s in t["steps"]),
        "everything up to the question",
    )
    backend.kill_store()
    backend.start_store()
    after = until(lambda: alice.thread(thread_id), "the thread is readable again")
    assert without_urls(after) == without_urls(before)

    chat.reply("quite sure")
    chat.wait("new_message", lambda step: step["output"].startswith("Echo: ask me"))
    said = [
        "ask me before you answer",
        "Are you sure?",
        "quite sure",
        "You are: quite sure",
        "Echo: ask me before you answer",
    ]
    alice.thread_when(
        thread_id,
        lambda t: turns_done(t) == 1 and outputs(t, "user_message", "assistant_message")[1:] == said,
        "the turn is complete",
    )
    chat.say("and on we go")
    alice.thread_when(thread_id, lambda t: turns_done(t) == 2, "the next turn is saved")


def test_a_turn_without_the_store_is_saved_when_it_is_back(backend, alice, chat):
    chat.say("while you are there")
    thread_id = chat.thread_id
    alice.thread_when(thread_id, lambda t: turns_done(t) == 1, "the first turn is saved")
    backend.kill_store()
    chat.say("while you are gone")
    backend.start_store()
    chat.say("now you are back")
    # Each write is repeated by itself, so a message may come after its answer.
    thread = alice.thread_when(
        thread_id,
        lambda t: turns_done(t) == 3 and len(outputs(t, "user_message")) == 3,
        "all three turns are saved",
    )
    said = outputs(thread, "user_message")
    assert said == ["while you are there", "while you are gone", "now you are back"]


# The supervised server has no address to write to from here; it is the same binary.
@pytest.mark.parametrize("backend", [name for name in chosen() if name != "supervised"], indirect=True)
def test_what_was_acknowledged_is_there_after_a_kill(backend):
    """Four writers, killed at full speed: each step that was answered with 200 is found again, whole."""
    varve = backend.varve
    threads = [str(uuid.uuid4()) for _ in range(4)]
    acknowledged = {thread: [] for thread in threads}
    enough = threading.Event()

    def write(thread):
        with httpx.Client(base_url=varve.url, timeout=5) as http:
            for number in range(100_000):
                step_id = str(uuid.uuid4())
                step = {
                    "threadId": thread,
                    "type": "assistant_message",
                    "name": "writer",
                    "streaming": False,
                    "output": f"{number} " + "x" * 1000,
                    "createdAt": f"2026-01-02T03:04:05.{number:06}Z",
                }
                try:
                    if http.put(f"/v1/steps/{step_id}", json=step).status_code != 200:
                        return
                except httpx.HTTPError:
                    return  # killed
                acknowledged[thread].append((step_id, step["output"]))
                if sum(map(len, acknowledged.values())) > 400:
                    enough.set()

    writers = [threading.Thread(target=write, args=(thread,)) for thread in threads]
    for writer in writers:
        writer.start()
    assert enough.wait(60), "400 acknowledged writes"
    varve.kill()
    for writer in writers:
        writer.join(30)
    varve.start()
    for thread in threads:
        steps = varve.get(f"/v1/threads/{thread}")["steps"]
        found = {step["id"]: step["output"] for step in steps}
        assert len(found) == len(steps)
        missing = [step_id for step_id, output in acknowledged[thread] if found.get(step_id) != output]
        assert not missing, f"{len(missing)} of {len(acknowledged[thread])} acknowledged steps are gone"
