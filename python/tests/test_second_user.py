"""A second user who knows the first one's ids gets and writes nothing."""

import uuid

import pytest
from chainlit.element import Text
from chainlit.user import User
from chats import HTTPSession, inside, message, session

from varve import errors


@pytest.fixture
async def mallory(layer):
    return await layer.create_user(User(identifier=f"mallory-{uuid.uuid4()}"))


@pytest.fixture
async def first(layer, user, thread_id):
    """The first user's message in the thread."""
    step = message(thread_id, "private")
    with inside(session(user, thread_id)):
        await layer.update_thread(thread_id, name="mine", user_id=user.id)
        await layer.create_step(step)
    return step


async def test_adding_to_the_thread_is_forbidden(layer, mallory, first, thread_id):
    with inside(session(mallory, thread_id)):
        with pytest.raises(errors.ForbiddenError):
            await layer.create_step(message(thread_id, "intruder"))
        with pytest.raises(errors.ForbiddenError):
            await layer.update_step({**first, "output": "changed"})
        with pytest.raises(errors.ForbiddenError):
            text = Text(thread_id=thread_id, name="t", content="x", for_id=first["id"])
            await layer.create_element(text)
    thread = await layer.get_thread(thread_id)
    assert [s["output"] for s in thread["steps"]] == ["private"]
    assert thread["elements"] == []


async def test_taking_the_thread_is_forbidden(layer, user, mallory, first, thread_id):
    with inside(session(mallory, thread_id)), pytest.raises(errors.ForbiddenError):
        await layer.update_thread(thread_id, name="yours", user_id=mallory.id)
    thread = await layer.get_thread(thread_id)
    assert (thread["name"], thread["userIdentifier"]) == ("mine", user.identifier)


async def test_a_step_cannot_be_drawn_into_another_thread(layer, mallory, first):
    other = str(uuid.uuid4())
    with inside(session(mallory, other)):
        await layer.update_thread(other, user_id=mallory.id)
        with pytest.raises(errors.VarveError):
            await layer.update_step({**first, "threadId": other, "output": "stolen"})
    assert (await layer.get_step(first["id"]))["output"] == "private"


async def test_deleting_does_nothing(layer, mallory, first, thread_id):
    with inside(session(mallory, thread_id)):
        await layer.delete_step(first["id"])
        await layer.delete_element(str(uuid.uuid4()), thread_id)
        await layer.delete_thread(thread_id)
    assert (await layer.get_step(first["id"]))["output"] == "private"


async def test_sharing_shows_the_thread_to_others(layer, mallory, first, thread_id):
    """Who may look is Chainlit's decision; it asks for the author first."""
    with inside(session(mallory, thread_id)):
        assert (await layer.get_thread(thread_id))["name"] == "mine"
        assert await layer.get_thread_author(thread_id) != mallory.identifier


async def test_several_people_may_write_one_slack_thread(
    layer, mallory, first, thread_id
):
    with inside(session(mallory, thread_id, kind=HTTPSession)):
        await layer.create_step(message(thread_id, "me too", n=2))
    thread = await layer.get_thread(thread_id)
    assert [s["output"] for s in thread["steps"]] == ["private", "me too"]


async def test_a_session_without_login_writes_what_nobody_owns(layer, thread_id):
    with inside(session(None, thread_id)):
        await layer.create_step(message(thread_id))
    assert len((await layer.get_thread(thread_id))["steps"]) == 1
