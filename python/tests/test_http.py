"""The transport, against answers a server may give."""

import asyncio
import contextlib

import pytest

from varve import _address
from varve._client import Client
from varve._http import ConnectionFailed, Pool
from varve._multipart import Bytes, File
from varve.errors import InvalidError, TooLargeError, UnavailableError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextlib.asynccontextmanager
async def answering(handle):
    """A server whose connections are handled by a coroutine."""
    connections = []

    async def serve(reader, writer):
        connections.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await handle(reader, writer, len(connections))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", connections
    finally:
        server.close()


def pool(url, **options):
    return Pool(_address.parse(url), **options)


async def request(reader):
    """A request's head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.decode().lower().split("\r\n"):
        if line.startswith("content-length:"):
            length = int(line.split(":")[1])
    return head, await reader.readexactly(length)


def always(answer):
    async def handle(reader, writer, _):
        while True:
            await request(reader)
            writer.write(answer)

    return handle


async def test_a_connection_is_used_again():
    async with answering(always(OK)) as (url, connections):
        calls = pool(url)
        for _ in range(5):
            assert (await calls.call("GET", "/", {})).body == b"ok"
        assert len(connections) == 1
        await calls.close()


async def test_calls_at_the_same_time_use_no_more_connections_than_allowed():
    async with answering(always(OK)) as (url, connections):
        calls = pool(url, limit=3)
        answers = await asyncio.gather(*(calls.call("GET", "/", {}) for _ in range(50)))
        assert {a.body for a in answers} == {b"ok"}
        assert len(connections) <= 3


@pytest.mark.parametrize(
    "answer, body",
    [
        (
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n"
            ),
            b"abcde",
        ),
        (
            b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na",
            b"a",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", b""),
    ],
)
async def test_forms_of_a_body(answer, body):
    async with answering(always(answer)) as (url, connections):
        calls = pool(url)
        for _ in range(2):
            assert (await calls.call("GET", "/", {})).body == body
        assert len(connections) == 1


async def test_a_body_may_end_with_the_connection():
    async def handle(reader, writer, _):
        await request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    async with answering(handle) as (url, _):
        assert (await pool(url).call("GET", "/", {})).body == b"all of it"


async def test_an_idle_connection_that_was_closed_costs_nothing():
    async def handle(reader, writer, _):
        await request(reader)
        writer.write(OK)

    async with answering(handle) as (url, connections):
        calls = pool(url)
        for _ in range(3):
            assert (await calls.call("PUT", "/", {}, b"x")).status == 200
        assert len(connections) == 3


async def test_half_an_answer_is_a_failure():
    async def handle(reader, writer, _):
        await request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")

    async with answering(handle) as (url, _):
        with pytest.raises(ConnectionFailed):
            await pool(url).call("GET", "/", {})


async def test_silence_is_a_failure():
    async def handle(reader, writer, _):
        await request(reader)
        await reader.read()

    async with answering(handle) as (url, _):
        with pytest.raises(ConnectionFailed, match="no answer within"):
            await pool(url).call("GET", "/", {}, quiet_seconds=0.05)


async def test_an_early_refusal_is_heard_while_uploading():
    refusal = (
        b"HTTP/1.1 413 Too Large\r\nContent-Type: application/problem+json\r\n"
        b'Content-Length: 20\r\n\r\n{"kind":"too_large"}'
    )

    async def handle(reader, writer, _):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(refusal)
        await writer.drain()
        await reader.readexactly(1 << 20)

    async with answering(handle) as (url, _):
        client = Client(url)
        with pytest.raises(TooLargeError):
            await client.call("PUT", "/v1/objects/x", Bytes(b"x" * (64 << 20)))


async def test_a_cancelled_call_spoils_no_connection():
    arrived = asyncio.Event()

    async def handle(reader, writer, nth):
        await request(reader)
        if nth == 1:
            arrived.set()
            await reader.read()
        writer.write(OK)

    async with answering(handle) as (url, connections):
        calls = pool(url)
        call = asyncio.create_task(calls.call("GET", "/", {}))
        await arrived.wait()
        call.cancel()
        await asyncio.wait([call])
        assert (await calls.call("GET", "/", {})).body == b"ok"
        assert len(connections) == 2


async def test_a_write_is_repeated_until_the_server_is_back():
    async def handle(reader, writer, nth):
        _, body = await request(reader)
        if nth == 3:
            writer.write(b"HTTP/1.1 503 Not Now\r\nContent-Length: 0\r\n\r\n")
        if nth > 3:
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )

    async with answering(handle) as (url, connections):
        client = Client(url)
        assert (await client.json("PUT", "/v1/steps/x", {"a": 1})) == {"a": 1}
        assert len(connections) == 4


async def test_repeating_ends():
    async with answering(always(OK)) as (url, _):
        pass
    client = Client(url, retry_seconds=0.2, read_retry_seconds=0.1)
    with pytest.raises(UnavailableError, match="no answer from"):
        await client.json("PUT", "/v1/steps/x", {})


async def test_a_header_cannot_hold_another():
    async with answering(always(OK)) as (url, connections):
        with pytest.raises(ValueError):
            await pool(url).call("GET", "/", {"X": "a\r\nY: b"})
        assert not connections


async def test_a_user_is_percent_encoded():
    seen = []

    async def handle(reader, writer, _):
        seen.append((await request(reader))[0].decode())
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with answering(handle) as (url, _):
        await Client(url, api_key="k1").call("DELETE", "/v1/x", user="é\n/b")
    assert "\r\nVarve-User: %C3%A9%0A%2Fb\r\n" in seen[0]
    assert "\r\nAuthorization: Bearer k1\r\n" in seen[0]
    assert "\r\nVarve-Client: varve-python/" in seen[0]
    assert "\r\nX-Request-Id: " in seen[0]


async def test_a_file_that_shrinks_is_reported(tmp_path):
    file = tmp_path / "f"
    file.write_bytes(b"12345")
    content = File(file)
    file.write_bytes(b"123")
    with pytest.raises(InvalidError):
        async for _ in content.chunks():
            pass
    content.close()


def test_a_pool_goes_on_in_another_loop():
    async def one(calls):
        async with answering(always(OK)) as (url, _):
            calls._address = _address.parse(url)
            return (await calls.call("GET", "/", {})).body

    calls = pool("http://127.0.0.1:1")
    assert [asyncio.run(one(calls)) for _ in range(2)] == [b"ok", b"ok"]
