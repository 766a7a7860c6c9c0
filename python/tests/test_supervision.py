"""The server that the package starts itself."""

import asyncio
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
from chats import message
from running import answers_unix

from varve import errors
from varve.chainlit import VarveDataLayer
from varve.server import Server, find_binary

PACKAGE = str(pathlib.Path(__file__).resolve().parent.parent)

# A process that uses the layer, says who its server is, and waits.
APP = """
import asyncio, sys
sys.path.insert(0, {package!r})
from varve._client import Client

async def main():
    client = Client(data={data!r}, binary={binary!r})
    await client.json("GET", "/v1/threads", query={{"userId": "x"}})
    print(client.server.process_id, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await client.close()

asyncio.run(main())
"""


def start_app(binary, folder, **environment):
    code = APP.format(package=PACKAGE, data=str(folder), binary=binary)
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    return process, process.stdout.readline().strip()


def until(condition, seconds=15.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


async def test_a_layer_without_address_brings_its_server(binary, folder, thread_id):
    layer = VarveDataLayer(data=folder, binary=binary)
    step = message(thread_id)
    await layer.create_step(step)
    assert (folder / "varve.sock").exists()
    assert layer._client.server.process_id
    await layer.close()
    assert layer._client.server.process_id is None
    assert not answers_unix(str(folder / "varve.sock"))
    again = VarveDataLayer(data=folder, binary=binary)
    assert (await again.get_step(step["id"]))["output"] == "hello"
    await again.close()


async def test_the_binary_is_found_by_its_variable(binary, folder, monkeypatch):
    monkeypatch.setenv("VARVE_BINARY", binary)
    monkeypatch.setenv("VARVE_DATA", str(folder))
    layer = VarveDataLayer()
    assert await layer.get_user("nobody") is None
    await layer.close()


async def test_an_address_in_the_environment_is_used(server, monkeypatch):
    monkeypatch.setenv("VARVE_SERVER", server.tcp)
    layer = VarveDataLayer()
    assert layer._client.server is None
    assert await layer.get_user("nobody") is None
    await layer.close()


async def test_a_killed_server_is_started_again_and_loses_nothing(
    binary, folder, thread_id
):
    layer = VarveDataLayer(data=folder, binary=binary)
    await layer.update_thread(thread_id, name="long")
    steps = [message(thread_id, n=n) for n in range(1, 301)]
    tasks = []
    for n, step in enumerate(steps):
        tasks.append(asyncio.create_task(layer.create_step(step)))
        if n % 100 == 50:
            await asyncio.sleep(0.005)
            os.kill(layer._client.server.process_id, signal.SIGKILL)
            await asyncio.gather(*tasks)
    await asyncio.gather(*tasks)
    thread = await layer.get_thread(thread_id)
    assert [s["id"] for s in thread["steps"]] == [s["id"] for s in steps]
    await layer.close()


@pytest.mark.parametrize("how", ["kernel", "watch"])
def test_the_server_ends_with_a_killed_process(binary, folder, how):
    environment = {"VARVE_LAUNCH_WATCH": "1"} if how == "watch" else {}
    process, _ = start_app(binary, folder, **environment)
    assert answers_unix(str(folder / "varve.sock"))
    process.kill()
    process.wait()
    until(lambda: not answers_unix(str(folder / "varve.sock")))


@pytest.mark.parametrize("how", ["kernel", "watch"])
def test_the_server_ends_with_the_process(binary, folder, how):
    environment = {"VARVE_LAUNCH_WATCH": "1"} if how == "watch" else {}
    process, _ = start_app(binary, folder, **environment)
    process.stdin.close()
    assert process.wait(20) == 0
    assert not answers_unix(str(folder / "varve.sock"))


def test_two_processes_share_a_folder_and_the_second_takes_over(binary, folder):
    first, owner = start_app(binary, folder)
    second, other = start_app(binary, folder)
    assert owner != "None" and other == "None"
    first.kill()
    first.wait()
    until(lambda: not _alive(int(owner)))
    until(lambda: answers_unix(str(folder / "varve.sock")))
    second.stdin.close()
    assert second.wait(20) == 0
    assert not answers_unix(str(folder / "varve.sock"))


async def test_a_wrong_setting_is_said_and_not_tried_again(binary, folder, monkeypatch):
    counting = folder / "counting"
    counting.write_text(f'#!/bin/sh\necho >>"{folder}/starts"\nexec "{binary}" "$@"\n')
    counting.chmod(0o700)
    monkeypatch.setenv("VARVE_URL", "cassandra://u:secret@h/d")
    layer = VarveDataLayer(data=folder, binary=str(counting))
    with pytest.raises(errors.UnsupportedError, match="no database kind .*cassandra"):
        await layer.get_user("ada")
    with pytest.raises(errors.UnsupportedError) as raised:
        await layer.create_step(message("t"))
    assert raised.value.field == "url" and "secret" not in str(raised.value)
    # Once to serve, and once to be asked what is wrong.
    assert (folder / "starts").read_text() == "\n\n"
    await layer.close()
    monkeypatch.delenv("VARVE_URL")
    layer._client.server.start()
    until(lambda: answers_unix(str(folder / "varve.sock")))
    layer._client.server.stop()


async def test_a_server_that_does_not_start_is_said_soon(folder):
    layer = VarveDataLayer(data=folder, binary="false")
    began = time.monotonic()
    with pytest.raises(
        errors.UnavailableError, match="does not start; it ends with code 1"
    ):
        await layer.update_thread("t", name="x")
    assert time.monotonic() - began < 5
    await layer.close()


def test_a_missing_binary_is_said_at_once(monkeypatch):
    monkeypatch.delenv("VARVE_BINARY", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(FileNotFoundError, match="VARVE_BINARY"):
        VarveDataLayer()
    with pytest.raises(FileNotFoundError, match="/no/such"):
        find_binary("/no/such")


def test_a_path_too_long_for_a_socket_is_said(binary, tmp_path):
    with pytest.raises(ValueError, match="too long"):
        Server(tmp_path / ("x" * 100), binary=binary)


def _alive(process_id):
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True
