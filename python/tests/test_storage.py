"""Varve as the storage of Chainlit's own layers."""

import httpx
import pytest
from chainlit.server import app

from varve import errors
from varve.chainlit import VarveStorageClient


@pytest.fixture
async def storage(server):
    storage = VarveStorageClient(server.unix)
    yield storage
    await storage.close()


async def read(url):
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://chainlit") as c:
        return await c.get(url)


async def test_what_was_uploaded_can_be_read(storage):
    key = "user é/element/a b.txt"
    stored = await storage.upload_file(key, b"bytes", "text/plain")
    assert stored["object_key"] == key
    assert (await read(stored["url"])).content == b"bytes"
    answer = await read(await storage.get_read_url(key))
    assert answer.content == b"bytes"
    assert answer.headers["content-type"].startswith("text/plain")


async def test_text_is_stored_as_utf8(storage):
    await storage.upload_file("text", "é", mime="text/plain")
    assert (await read(await storage.get_read_url("text"))).content == "é".encode()


async def test_uploading_again_overwrites_unless_told_not_to(storage):
    await storage.upload_file("twice", b"1")
    await storage.upload_file("twice", b"2")
    with pytest.raises(errors.ExistsError):
        await storage.upload_file("twice", b"3", overwrite=False)
    assert (await read(await storage.get_read_url("twice"))).content == b"2"


async def test_the_name_in_a_disposition_is_kept(storage):
    stored = await storage.upload_file(
        "d", b"x", "image/png", content_disposition='attachment; filename="d e.png"'
    )
    answer = await read(stored["url"])
    assert 'filename="d e.png"' in answer.headers["content-disposition"]


@pytest.mark.parametrize("key", ["threads/t/files/e", "user/element/a.png"])
async def test_an_image_is_shown_as_one(storage, key):
    """Chainlit's layers ask for the URL with nothing but the key."""
    await storage.upload_file(key, b"\x89PNG\r\n\x1a\n", "image/png")
    answer = await read(await storage.get_read_url(key))
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"].startswith("inline")


async def test_what_was_deleted_is_gone(storage):
    url = (await storage.upload_file("gone", b"x"))["url"]
    assert await storage.delete_file("gone") is True
    assert await storage.delete_file("gone") is True
    assert (await read(url)).status_code == 404
