"""Fixtures: the server's binary, a folder for each test, a datalayer on each database."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

for name in [n for n in os.environ if n.startswith("VARVE_") and n != "VARVE_BINARY"]:
    os.environ.pop(name)

from postgres import Postgres

import varve


@pytest.fixture(scope="session", autouse=True)
def binary() -> str:
    """The server as it is in this repository; there is no testing without it."""
    if not os.environ.get("VARVE_BINARY"):
        root = HERE.parent.parent
        target = root / "bin" / "varve"
        subprocess.run(
            ["go", "build", "-o", str(target), "./cmd/varve"], cwd=root, check=True
        )
        os.environ["VARVE_BINARY"] = str(target)
    return os.environ["VARVE_BINARY"]


@pytest.fixture
def folder(monkeypatch):
    """The working folder; a short path, since a Unix socket's name may not be long."""
    path = tempfile.mkdtemp(prefix="varve-")
    monkeypatch.chdir(path)
    yield pathlib.Path(path)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres():
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(params=["memory", "sqlite", "postgres", "duckdb"])
def url(request, folder):
    """A database of its own, of each kind."""
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        return server.database(folder.name.replace("-", "_"))
    return {
        "memory": "memory:",
        "sqlite": "sqlite:app.db",
        "duckdb": "duckdb:app.duckdb",
    }[request.param]


@pytest.fixture
def db(url):
    with varve.connect(url) as opened:
        yield opened


@pytest.fixture
def lite(folder):
    """A datalayer where it does not matter on what."""
    with varve.connect("sqlite:app.db") as opened:
        yield opened


@pytest.fixture
def program(binary, folder):
    """The command line, in the same folder."""

    def run(*arguments, code=0, **more):
        done = subprocess.run(
            [binary, *arguments], capture_output=True, text=True, **more
        )
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout

    return run
