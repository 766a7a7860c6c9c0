"""A server that has API keys: who brings none is refused, except with a signature."""

import json
import subprocess

import httpx
import pytest
from chainlit.element import Text
from chainlit.server import app
from chainlit.types import Pagination, ThreadFilter
from chainlit.user import User
from chats import inside, message, session
from running import Running

from varve import errors
from varve.chainlit import VarveDataLayer


def make_key(binary, folder, *scopes):
    command = [binary, "keys", "create", "--data", str(folder), "--json"]
    command += [f"--scope={scope}" for scope in scopes]
    return json.loads(subprocess.check_output(command))["token"]


@pytest.fixture
async def keyed(binary, folder):
    """A layer with a key that may read and write, but is no administrator's."""
    key = make_key(binary, folder, "read", "write")
    with Running(binary, folder) as running:
        layer = VarveDataLayer(running.tcp, api_key=key)
        layer.running = running
        yield layer
        await layer.close()


async def test_a_conversation_with_a_key(keyed, thread_id):
    user = await keyed.create_user(User(identifier="bob"))
    step = message(thread_id)
    with inside(session(user, thread_id)):
        await keyed.update_thread(thread_id, name="t", user_id=user.id)
        await keyed.create_step(step)
        text = Text(thread_id=thread_id, name="n", content="x", for_id=step["id"])
        await keyed.create_element(text)
    page = await keyed.list_threads(Pagination(first=5), ThreadFilter(userId=user.id))
    assert [t["id"] for t in page.data] == [thread_id]
    thread = await keyed.get_thread(thread_id)
    assert thread["steps"][0]["output"] == "hello"
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://c") as browser:
        answer = await browser.get(thread["elements"][0]["url"])
    assert answer.content == b"x"


async def test_without_a_key_all_is_refused(keyed, thread_id):
    for key in (None, "varve_x_y"):
        layer = VarveDataLayer(keyed.running.tcp, api_key=key)
        with pytest.raises(errors.UnauthenticatedError):
            await layer.get_thread(thread_id)
        with pytest.raises(errors.UnauthenticatedError):
            await layer.create_step(message(thread_id))
        await layer.close()


async def test_the_key_may_stand_in_the_environment(binary, folder, monkeypatch):
    monkeypatch.setenv("VARVE_API_KEY", make_key(binary, folder, "read"))
    with Running(binary, folder) as running:
        layer = VarveDataLayer(running.tcp)
        assert await layer.get_user("nobody") is None
        with pytest.raises(errors.ForbiddenError):
            await layer.create_user(User(identifier="bob"))
        await layer.close()


@pytest.mark.parametrize("key", ["a\nb", "é"])
def test_what_is_no_key_is_refused(key):
    with pytest.raises(ValueError, match="API key"):
        VarveDataLayer("http://127.0.0.1:1", api_key=key)
