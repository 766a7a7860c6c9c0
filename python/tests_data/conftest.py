"""Fixtures: a datalayer on each database."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from postgres import Postgres  # finds the harness of other tests
from harness.mariadb import MariaDB

import varve


@pytest.fixture(scope="session")
def postgres():
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mariadb():
    with MariaDB() as server:
        yield server


@pytest.fixture(params=["memory", "sqlite", "postgres", "mariadb", "duckdb"])
def url(request, folder):
    """A database of its own, of each kind."""
    if request.param in ("postgres", "mariadb"):
        server = request.getfixturevalue(request.param)
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
