"""Elements and their bytes: in the server, in the user's storage, in the browser."""

import asyncio
import hashlib
import os

import httpx
import pytest
from chainlit import element as kinds
from chainlit.element import Audio, File, Image, Pdf, Text, Video
from chainlit.server import app
from chats import inside, message, session

from varve import errors
from varve.chainlit import VarveDataLayer
from varve.chainlit.storage import BaseStorageClient


@pytest.fixture
async def step(layer, thread_id):
    step = message(thread_id)
    await layer.create_step(step)
    return step


@pytest.fixture
async def browser():
    """Asks Chainlit's own server, as a browser does."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://chainlit") as c:
        yield c


async def gone(browser, url):
    """The bytes are deleted after the row, by a worker of the server."""
    for _ in range(400):
        if (await browser.get(url)).status_code == 404:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{url} is still there")


async def shown(layer, element):
    """The element as its thread shows it, which is also how it shows alone."""
    rows = (await layer.get_thread(element.thread_id))["elements"]
    row = next(r for r in rows if r["id"] == element.id)
    alone = await layer.get_element(element.thread_id, element.id)
    assert {k: v for k, v in alone.items() if k != "url"} == {
        k: v for k, v in row.items() if k != "url"
    }
    return row


async def test_bytes_reach_the_browser(layer, browser, step, thread_id):
    content = os.urandom(100_000)
    image = Image(
        thread_id=thread_id,
        name="a b.png",
        content=content,
        for_id=step["id"],
        mime="image/png",
    )
    await layer.create_element(image)
    row = await shown(layer, image)
    assert (row["name"], row["type"], row["mime"]) == ("a b.png", "image", "image/png")
    assert row["forId"] == step["id"]
    assert row["url"].startswith("/varve/v1/objects/")
    answer = await browser.get(row["url"])
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    head = await browser.head(row["url"])
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == "100000"


async def test_ranges_reach_the_browser(layer, browser, step, thread_id):
    content = bytes(range(256)) * 4000
    video = Video(
        thread_id=thread_id,
        name="v",
        content=content,
        for_id=step["id"],
        mime="video/mp4",
    )
    await layer.create_element(video)
    url = (await shown(layer, video))["url"]
    part = await browser.get(
        url, headers={"Range": "bytes=1000-1999", "Accept-Encoding": "gzip"}
    )
    assert (part.status_code, part.content) == (206, content[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(content)}"
    beyond = await browser.get(url, headers={"Range": "bytes=99999999-"})
    assert beyond.status_code == 416


async def test_a_big_file_is_streamed(layer, browser, step, thread_id, tmp_path):
    path, piece = tmp_path / "big.bin", os.urandom(1 << 20)
    with path.open("wb") as file:
        for _ in range(20):
            file.write(piece)
    big = File(thread_id=thread_id, name="big", path=str(path), for_id=step["id"])
    await layer.create_element(big)
    digest, size = hashlib.sha256(), 0
    async with browser.stream("GET", (await shown(layer, big))["url"]) as answer:
        async for chunk in answer.aiter_bytes():
            digest.update(chunk)
            size += len(chunk)
    assert size == 20 << 20
    assert digest.digest() == hashlib.sha256(piece * 20).digest()


async def test_what_could_run_is_a_download(layer, browser, step, thread_id):
    page = File(
        thread_id=thread_id,
        name="x.html",
        content=b"<script>alert(1)</script>",
        for_id=step["id"],
        mime="text/html",
    )
    await layer.create_element(page)
    answer = await browser.get((await shown(layer, page))["url"])
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.split("?")[0],
        lambda url: url.replace("signature=", "signature=A"),
        lambda url: url + "&sign=true",
        lambda url: url + "&signature=x",
        lambda url: url.replace("expires=", "expires=9"),
        lambda url: "/varve/v1/threads?signature=1&expires=1",
        lambda url: "/varve/v1/objects/../threads?signature=1&expires=1",
        lambda url: "/varve/v1/objects/%2e%2e/threads?signature=1&expires=1",
        lambda url: "/varve/v1/objects/x%2F..%2F..%2Fthreads?signature=1&expires=1",
        lambda url: "/varve/v1/objects/x?signature=1&expires=9999999999",
    ],
)
async def test_nothing_but_signed_reads_is_handed_on(
    layer, browser, step, thread_id, change
):
    text = Text(thread_id=thread_id, name="t", content="secret", for_id=step["id"])
    await layer.create_element(text)
    url = (await shown(layer, text))["url"]
    answer = await browser.get(change(url))
    assert b"secret" not in answer.content
    assert b"pageInfo" not in answer.content
    assert (
        answer.status_code in (400, 401, 403, 404)
        or "html" in answer.headers["content-type"]
    )


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
async def test_nothing_is_written_through_the_route(
    layer, browser, step, thread_id, method
):
    text = Text(thread_id=thread_id, name="t", content="kept", for_id=step["id"])
    await layer.create_element(text)
    url = (await shown(layer, text))["url"]
    assert (await browser.request(method, url, content=b"x")).status_code in (404, 405)
    assert (await browser.get(url)).content == b"kept"


async def test_only_one_route_is_mounted(layer, server):
    other = VarveDataLayer(server.tcp)
    await other.get_user("x")
    assert [getattr(r, "name", "") for r in app.router.routes].count(
        "varve-objects"
    ) == 1
    assert getattr(app.router.routes[0], "name", "") == "varve-objects"
    await other.close()


async def test_a_path_below_another_is_kept(layer, monkeypatch, step, thread_id):
    monkeypatch.setenv("CHAINLIT_PARENT_ROOT_PATH", "/company")
    monkeypatch.setenv("CHAINLIT_ROOT_PATH", "/chat")
    text = Text(thread_id=thread_id, name="t", content="x", for_id=step["id"])
    await layer.create_element(text)
    row = await shown(layer, text)
    assert row["url"].startswith("/company/chat/varve/v1/objects/")


async def test_a_path_that_only_requests_show_is_kept(layer, step, thread_id):
    """Mounted in another application, Chainlit 2.0 does not say where."""
    transport = httpx.ASGITransport(app=app, root_path="/chat")
    async with httpx.AsyncClient(transport=transport, base_url="http://host") as c:
        await c.get("/chat/project/settings")
    text = Text(thread_id=thread_id, name="t", content="x", for_id=step["id"])
    await layer.create_element(text)
    row = await shown(layer, text)
    assert row["url"].startswith("/chat/varve/v1/objects/")


async def test_an_element_that_points_elsewhere_is_not_fetched(layer, step, thread_id):
    url = "http://127.0.0.1:1/never"
    image = Image(thread_id=thread_id, name="far", url=url, for_id=step["id"])
    await layer.create_element(image)
    row = await shown(layer, image)
    assert row["url"] == url
    assert not row.get("objectKey")


async def test_a_text_is_kept_as_utf8(layer, browser, step, thread_id):
    text = Text(
        thread_id=thread_id,
        name="t",
        content="é\ud800",
        for_id=step["id"],
        mime="text/plain",
    )
    await layer.create_element(text)
    answer = await browser.get((await shown(layer, text))["url"])
    assert answer.content == "é?".encode()


async def test_details_of_the_kinds_are_kept(layer, step, thread_id):
    common = {"thread_id": thread_id, "for_id": step["id"], "content": b"x"}
    pdf = Pdf(name="p", page=3, **common)
    audio = Audio(name="a", auto_play=True, **common)
    video = Video(name="v", player_config={"youtube": {"x": 1}}, **common)
    for element in (pdf, audio, video):
        await layer.create_element(element)
    assert (await shown(layer, pdf))["page"] == 3
    assert (await shown(layer, audio))["autoPlay"] is True
    assert (await shown(layer, video))["playerConfig"] == {"youtube": {"x": 1}}


async def test_a_custom_element_can_be_updated(layer, browser, step, thread_id):
    if not hasattr(kinds, "CustomElement"):
        return  # Chainlit 1.x has none
    with inside(session(thread_id=thread_id)):
        card = kinds.CustomElement(name="Card", props={"k": [1, 2.5], "é": None})
    card.for_id = step["id"]
    await layer.create_element(card)
    row = await shown(layer, card)
    assert row["props"] == {"k": [1, 2.5], "é": None}
    # Chainlit makes the element anew from what it was shown, reference included.
    card.url, card.props, card.content = row["url"], {"k": 2}, '{"k": 2}'
    await layer.create_element(card)
    row = await shown(layer, card)
    assert row["props"] == {"k": 2}
    assert (await browser.get(row["url"])).content == b'{"k": 2}'


async def test_an_element_of_no_step_is_not_kept(layer, step, thread_id):
    for for_id in (None, ""):
        text = Text(thread_id=thread_id, name="t", content="x", for_id=for_id)
        await layer.create_element(text)
    assert (await layer.get_thread(thread_id))["elements"] == []


async def test_a_missing_file_is_said(layer, step, thread_id):
    lost = File(thread_id=thread_id, name="f", path="/nowhere", for_id=step["id"])
    with pytest.raises(errors.InvalidError, match="cannot be read"):
        await layer.create_element(lost)


async def test_deleting_an_element_deletes_its_bytes(layer, browser, step, thread_id):
    text = Text(thread_id=thread_id, name="t", content="x", for_id=step["id"])
    other = Text(thread_id=thread_id, name="u", content="y", for_id=step["id"])
    for element in (text, other):
        await layer.create_element(element)
    urls = [(await shown(layer, e))["url"] for e in (text, other)]
    await layer.delete_element(text.id, thread_id)
    await layer.delete_element(other.id)
    await layer.delete_element(text.id, thread_id)
    assert (await layer.get_thread(thread_id))["elements"] == []
    assert await layer.get_element(thread_id, text.id) is None
    for url in urls:
        await gone(browser, url)


async def test_an_element_of_another_thread_is_none(layer, step, thread_id):
    text = Text(thread_id=thread_id, name="t", content="x", for_id=step["id"])
    await layer.create_element(text)
    assert await layer.get_element("another", text.id) is None


# A storage client of the user's.


class Shelf(BaseStorageClient):
    """Keeps bytes in a dictionary."""

    def __init__(self):
        self.kept, self.broken, self.closed = {}, False, False

    async def upload_file(self, object_key, data, mime="x", overwrite=True, **more):
        if self.broken:
            return {}
        self.kept[object_key] = data
        return {"object_key": object_key, "url": f"https://shelf/{object_key}"}

    async def get_read_url(self, object_key):
        if self.broken:
            raise OSError("broken")
        return f"https://shelf/{object_key}?signed"

    async def delete_file(self, object_key):
        return self.kept.pop(object_key, None) is not None

    async def close(self):
        self.closed = True
        raise TypeError("as S3StorageClient does")


@pytest.fixture
async def shelf(server):
    shelf = Shelf()
    shelf.layer = VarveDataLayer(server.unix, shelf)
    yield shelf
    await shelf.layer.close()
    assert shelf.closed


async def test_bytes_go_to_the_users_storage(shelf, step, thread_id):
    text = Text(thread_id=thread_id, name="t", content="héllo", for_id=step["id"])
    await shelf.layer.create_element(text)
    [key] = shelf.kept
    assert shelf.kept[key] == "héllo".encode()
    row = await shown(shelf.layer, text)
    assert (row["objectKey"], row["url"]) == (key, f"https://shelf/{key}?signed")


async def test_a_broken_storage_hides_no_thread(shelf, step, thread_id):
    text = Text(thread_id=thread_id, name="t", content="x", for_id=step["id"])
    await shelf.layer.create_element(text)
    shelf.broken = True
    assert (await shown(shelf.layer, text))["name"] == "t"
    other = Text(thread_id=thread_id, name="u", content="x", for_id=step["id"])
    with pytest.raises(OSError, match="did not take"):
        await shelf.layer.create_element(other)


@pytest.mark.parametrize("what", ["element", "step", "thread"])
async def test_what_is_deleted_leaves_the_users_storage(shelf, step, thread_id, what):
    text = Text(thread_id=thread_id, name="t", content="x", for_id=step["id"])
    await shelf.layer.create_element(text)
    assert shelf.kept
    with inside(session(thread_id=thread_id)):
        if what == "element":
            await shelf.layer.delete_element(text.id, thread_id)
        elif what == "step":
            await shelf.layer.delete_step(step["id"])
        else:
            await shelf.layer.delete_thread(thread_id)
    assert not shelf.kept
    assert await shelf.layer.get_element(thread_id, text.id) is None
