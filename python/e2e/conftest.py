"""Fixtures: each place the app can keep its conversations, and two people who use it.

`E2E_BACKENDS` narrows the run, and adds `chainlit` (Chainlit's own layer), against which the driver itself is tried.
"""

import atexit
import os
import shutil
import struct
import tempfile
import zlib

# Chainlit, where a test imports it, leaves its files where this says.
os.environ["CHAINLIT_APP_ROOT"] = tempfile.mkdtemp(prefix="chainlit-")
atexit.register(shutil.rmtree, os.environ["CHAINLIT_APP_ROOT"], ignore_errors=True)

import pytest

from harness.backend import BACKENDS
from harness.person import Person
from harness.postgres import Postgres


def chosen():
    return os.environ.get("E2E_BACKENDS", "sqlite,postgres,supervised").split(",")


@pytest.fixture(scope="session")
def postgres():
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session", params=chosen())
def backend(request, tmp_path_factory):
    """Where the app keeps its conversations, with the app running on it."""
    name = request.param
    server = request.getfixturevalue("postgres") if BACKENDS[name].needs_postgres else None
    with BACKENDS[name](tmp_path_factory.mktemp(name), server) as running:
        yield running


@pytest.fixture
def app(backend):
    """Not kept for the session: modules that bring a backend of their own would get the app of another."""
    return backend.app


@pytest.fixture
def alice(app):
    return Person(app, "alice")


@pytest.fixture
def bob(app):
    return Person(app, "bob")


@pytest.fixture
def open_chats():
    """Chats to be left at the end of a test, whatever happens in it."""
    chats = []
    yield chats
    for chat in chats:
        chat.client.disconnect()


@pytest.fixture
def chat(alice, open_chats):
    """A new conversation of alice's: the app has said hello, nothing else has happened."""
    chat = alice.open_chat()
    open_chats.append(chat)
    chat.wait_for_greeting()
    return chat


@pytest.fixture(scope="session")
def png():
    """A small picture that a browser really shows: 32 by 32, one colour."""
    return picture(32, 32, (200, 120, 40))


def picture(width, height, colour):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(colour) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
