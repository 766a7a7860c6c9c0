"""Each of Chainlit's methods, against the real server."""

import asyncio
import math
import uuid

import pytest
from chainlit.types import Feedback, Pagination, ThreadFilter
from chainlit.user import PersistedUser, User
from chats import inside, message, session, tool

from varve import errors
from varve.chainlit import VarveDataLayer

# Users.


async def test_a_user_is_kept(layer):
    name = f"bob é/{uuid.uuid4()}"
    made = await layer.create_user(User(identifier=name, metadata={"n": 1, "f": 0.5}))
    assert isinstance(made, PersistedUser)
    found = await layer.get_user(name)
    assert found == made
    assert found.metadata == {"n": 1, "f": 0.5}
    assert found.createdAt.endswith("Z")


async def test_a_user_who_comes_again_keeps_the_id(layer, user):
    again = await layer.create_user(User(identifier=user.identifier, metadata={"x": 2}))
    assert (again.id, again.createdAt) == (user.id, user.createdAt)
    assert again.metadata == {"x": 2}


@pytest.mark.parametrize("identifier", ["nobody", "", ".", "..", "a/b", "\ud800", "\0"])
async def test_an_unknown_user_is_none(layer, identifier):
    assert await layer.get_user(identifier) is None


# Threads.


async def test_a_thread_is_found_again(layer, user, thread_id):
    await layer.update_thread(
        thread_id, name="héllo", user_id=user.id, metadata={"a": 1}, tags=["gpt"]
    )
    first, second = message(thread_id), tool(thread_id, output='["x"]')
    await layer.create_step(first)
    await layer.create_step(second)
    thread = await layer.get_thread(thread_id)
    assert thread["id"] == thread_id
    assert (thread["name"], thread["userId"]) == ("héllo", user.id)
    assert thread["userIdentifier"] == user.identifier
    assert (thread["metadata"], thread["tags"]) == ({"a": 1}, ["gpt"])
    assert [s["id"] for s in thread["steps"]] == [first["id"], second["id"]]
    assert thread["steps"][1]["input"] == second["input"]
    assert thread["elements"] == []
    assert await layer.get_thread_author(thread_id) == user.identifier


async def test_metadata_is_merged_and_none_removes(layer, thread_id):
    await layer.update_thread(thread_id, metadata={"a": 1, "b": {"c": 2}})
    await layer.update_thread(thread_id, metadata={"a": None, "d": 3})
    await layer.update_thread(thread_id)
    thread = await layer.get_thread(thread_id)
    assert thread["metadata"] == {"b": {"c": 2}, "d": 3}


async def test_merges_at_the_same_time_lose_no_key(layer, server, thread_id):
    other = VarveDataLayer(server.tcp)
    await asyncio.gather(
        *(
            (layer, other)[i % 2].update_thread(thread_id, metadata={f"k{i}": i})
            for i in range(20)
        )
    )
    thread = await layer.get_thread(thread_id)
    assert thread["metadata"] == {f"k{i}": i for i in range(20)}
    await other.close()


@pytest.mark.parametrize("thread_id", ["", "nowhere", ".", "..", "a/b", "\0", "\ud800"])
async def test_an_unknown_thread_is_none(layer, thread_id):
    assert await layer.get_thread(thread_id) is None
    assert await layer.get_thread_author(thread_id) == ""
    assert await layer.get_element(thread_id, "e") is None
    await layer.delete_thread(thread_id)


async def test_a_thread_without_owner_has_no_author(layer, thread_id):
    await layer.create_step(message(thread_id))
    assert await layer.get_thread_author(thread_id) == ""


@pytest.mark.parametrize("thread_id", ["a b/c?d#e", "тред", "%2e%2e", "x" * 200])
async def test_any_text_is_a_thread_id(layer, thread_id):
    step = message(thread_id)
    await layer.create_step(step)
    thread = await layer.get_thread(thread_id)
    assert (thread["id"], thread["steps"][0]["id"]) == (thread_id, step["id"])


async def test_a_late_write_does_not_bring_a_deleted_thread_back(
    layer, user, thread_id
):
    step = message(thread_id)
    await layer.update_thread(thread_id, user_id=user.id)
    await layer.create_step(step)
    await layer.delete_thread(thread_id)
    await layer.update_thread(thread_id, metadata={"late": True})
    await layer.update_step(step)
    await layer.delete_thread(thread_id)
    assert await layer.get_thread(thread_id) is None
    assert await layer.get_thread_author(thread_id) == ""


async def test_threads_are_listed_page_by_page(layer, user):
    ids = [str(uuid.uuid4()) for _ in range(5)]
    for n, thread_id in enumerate(ids):
        await layer.update_thread(thread_id, name=f"t{n}", user_id=user.id)
        await layer.create_step(
            message(thread_id, createdAt=f"2030-01-0{n + 1}T00:00:00Z")
        )
    found, cursor = [], None
    while True:
        page = await layer.list_threads(
            Pagination(first=2, cursor=cursor), ThreadFilter(userId=user.id)
        )
        found += page.data
        assert page.to_dict()["pageInfo"]["hasNextPage"] == page.pageInfo.hasNextPage
        if not page.pageInfo.hasNextPage:
            break
        cursor = page.pageInfo.endCursor
    assert [t["id"] for t in found] == ids[::-1]
    assert [t["name"] for t in found] == ["t4", "t3", "t2", "t1", "t0"]


async def test_a_list_can_be_searched(layer, user):
    for name, output in (("one", "Größe"), ("two", "nothing"), ("größer", "none")):
        thread_id = str(uuid.uuid4())
        await layer.update_thread(thread_id, name=name, user_id=user.id)
        await layer.create_step(message(thread_id, output))
    for search, names in (
        ("gro", {"one", "größer"}),
        ("GRÖ", {"one", "größer"}),
        ("thing", {"two"}),
        ("%", set()),
        ("", {"one", "two", "größer"}),
    ):
        page = await layer.list_threads(
            Pagination(first=10), ThreadFilter(userId=user.id, search=search)
        )
        assert {t["name"] for t in page.data} == names, search


async def test_feedback_zero_is_a_filter(layer, user):
    for value in (0, 1):
        thread_id = str(uuid.uuid4())
        await layer.update_thread(thread_id, name=str(value), user_id=user.id)
        step = message(thread_id)
        await layer.create_step(step)
        await layer.upsert_feedback(Feedback(forId=step["id"], value=value))
    for value in (0, 1):
        page = await layer.list_threads(
            Pagination(first=10), ThreadFilter(userId=user.id, feedback=value)
        )
        assert [t["name"] for t in page.data] == [str(value)]


async def test_a_cursor_that_is_none_is_invalid(layer, user):
    with pytest.raises(errors.InvalidError) as refusal:
        await layer.list_threads(
            Pagination(first=2, cursor="garbage"), ThreadFilter(userId=user.id)
        )
    assert refusal.value.field == "cursor"


# Steps.


async def test_a_step_is_merged_field_by_field(layer, thread_id):
    step = tool(thread_id, metadata={"icon": "globe"})
    await layer.create_step(step)
    await layer.update_step(
        {"id": step["id"], "threadId": thread_id, "output": "done", "metadata": {}}
    )
    found = await layer.get_step(step["id"])
    assert (found["output"], found["name"]) == ("done", "search")
    assert found["metadata"] == {"icon": "globe"}
    await layer.update_step({**step, "output": ""})
    assert (await layer.get_step(step["id"]))["output"] == "done"


async def test_unknown_keys_come_back(layer, thread_id):
    step = message(thread_id, modes={"m": "o"}, newKey={"deep": [1]}, command="c")
    await layer.create_step(step)
    found = (await layer.get_thread(thread_id))["steps"][0]
    assert found["newKey"] == {"deep": [1]}
    assert (found["modes"], found["command"]) == ({"m": "o"}, "c")


async def test_odd_values_lose_no_message(layer, thread_id, caplog):
    metadata = {"nan": math.nan, "at": uuid.UUID(int=1), (1, 2): {3}}
    step = message(thread_id, output="a\0b\ud800c", metadata=metadata)
    await layer.create_step(step)
    found = (await layer.get_thread(thread_id))["steps"][0]
    assert "U+FFFD" in caplog.text
    assert found["output"] == "a\ufffdb\ufffdc"
    assert found["metadata"]["at"] == str(uuid.UUID(int=1))
    assert found["metadata"].get("nan") is None


async def test_big_numbers_are_exact(layer, thread_id):
    await layer.create_step(message(thread_id, metadata={"n": 2**63 + 1, "f": 0.1}))
    found = (await layer.get_thread(thread_id))["steps"][0]
    assert found["metadata"] == {"n": 2**63 + 1, "f": 0.1}


async def test_a_long_message_is_kept(layer, thread_id):
    output = "é" * 5_000_000
    step = message(thread_id, output)
    await layer.create_step(step)
    assert (await layer.get_step(step["id"]))["output"] == output


async def test_a_deleted_step_is_gone(layer, thread_id):
    step = message(thread_id)
    await layer.create_step(step)
    await layer.delete_step(step["id"])
    await layer.delete_step(step["id"])
    await layer.delete_step("never was")
    assert await layer.get_step(step["id"]) is None
    assert (await layer.get_thread(thread_id))["steps"] == []


async def test_a_step_without_id_is_invalid(layer, thread_id):
    with pytest.raises(errors.InvalidError):
        await layer.create_step({"threadId": thread_id, "output": "x"})


# Feedback.


async def test_one_feedback_for_a_step(layer, thread_id):
    step = message(thread_id)
    await layer.create_step(step)
    first = await layer.upsert_feedback(Feedback(forId=step["id"], value=0))
    second = await layer.upsert_feedback(
        Feedback(forId=step["id"], value=1, threadId=thread_id, comment="ok")
    )
    assert first == second
    feedback = (await layer.get_thread(thread_id))["steps"][0]["feedback"]
    assert (feedback["id"], feedback["value"], feedback["comment"]) == (first, 1, "ok")
    assert await layer.delete_feedback(first) is True
    assert not (await layer.get_thread(thread_id))["steps"][0].get("feedback")
    assert await layer.delete_feedback(first) is True
    assert await layer.delete_feedback("") is False


async def test_feedback_waits_for_its_step(layer, thread_id):
    for _ in range(10):
        step = message(thread_id)
        writing = asyncio.create_task(layer.create_step(step))
        assert await layer.upsert_feedback(Feedback(forId=step["id"], value=1))
        await writing


# Favourites.


async def test_favourites(layer, user, thread_id):
    await layer.update_thread(thread_id, user_id=user.id)
    steps = [message(thread_id, n=n) for n in (1, 2, 3)]
    for step in steps:
        await layer.create_step(step)
    for step in steps[:2]:
        await layer.update_step({**step, "metadata": {"favorite": True}})
    favourites = await layer.get_favorite_steps(user.id)
    assert [s["id"] for s in favourites] == [steps[1]["id"], steps[0]["id"]]
    await layer.update_step({**favourites[0], "metadata": {"favorite": False}})
    favourites = await layer.get_favorite_steps(user.id)
    assert [s["id"] for s in favourites] == [steps[0]["id"]]
    assert await layer.get_favorite_steps("") == []


async def test_favourites_wait_for_the_owner_of_their_thread(layer, user, thread_id):
    """Chainlit says whose a thread is in a task that nobody waits for."""
    for n in range(10):
        thread = f"{thread_id}-{n}"
        await layer.create_step(message(thread, metadata={"favorite": True}))
        with inside(session(user, thread)):
            owning = asyncio.create_task(layer.update_thread(thread, user_id=user.id))
            assert len(await layer.get_favorite_steps(user.id)) == n + 1
        await owning


async def test_the_button_makes_a_favourite(layer, user, thread_id):
    if not hasattr(layer, "set_step_favorite"):
        return  # Chainlit before 2.9.5 has no such button
    await layer.update_thread(thread_id, user_id=user.id)
    step = message(thread_id)
    await layer.create_step(step)
    await layer.set_step_favorite(step, True)
    assert [s["id"] for s in await layer.get_favorite_steps(user.id)] == [step["id"]]


# The rest.


async def test_there_is_no_debug_url(layer):
    assert await layer.build_debug_url() == ""


async def test_tcp_and_socket_show_the_same(layer, server, thread_id):
    await layer.create_step(message(thread_id))
    other = VarveDataLayer(server.tcp + "/")
    assert await other.get_thread(thread_id) == await layer.get_thread(thread_id)
    await other.close()
