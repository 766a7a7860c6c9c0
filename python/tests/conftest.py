"""Fixtures: the real server, a data layer on it, and Chainlit sessions."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import uuid

# Chainlit reads its configuration and secret at import, from where it is run.
os.environ.setdefault("CHAINLIT_APP_ROOT", tempfile.mkdtemp(prefix="chainlit-"))
os.environ.setdefault("CHAINLIT_AUTH_SECRET", "a secret that is only used by tests")
for name in ("VARVE_SERVER", "VARVE_API_KEY", "VARVE_DATA", "VARVE_URL"):
    os.environ.pop(name, None)

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import pytest
import pytest_asyncio
from running import Running


@pytest.fixture(scope="session")
def binary() -> str:
    """The server as it is in this repository; there is no testing without it."""
    named = os.environ.get("VARVE_BINARY")
    if named:
        return named
    root = HERE.parent.parent
    target = root / "bin" / "varve"
    subprocess.run(
        ["go", "build", "-o", str(target), "./cmd/varve"], cwd=root, check=True
    )
    return str(target)


@pytest.fixture
def folder():
    """A short path: a Unix socket's name may not be long."""
    path = tempfile.mkdtemp(prefix="varve-")
    yield pathlib.Path(path)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def server(binary):
    """One server for all tests that do not kill it."""
    path = tempfile.mkdtemp(prefix="varve-")
    with Running(binary, path) as running:
        yield running
    shutil.rmtree(path, ignore_errors=True)


@pytest_asyncio.fixture
async def layer(server):
    from varve.chainlit import VarveDataLayer

    layer = VarveDataLayer(server.unix)
    yield layer
    await layer.close()


@pytest.fixture
def thread_id() -> str:
    return str(uuid.uuid4())


@pytest_asyncio.fixture
async def user(layer):
    from chainlit.user import User

    name = f"user-{uuid.uuid4()}"
    return await layer.create_user(User(identifier=name, metadata={"role": "é"}))
