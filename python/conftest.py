"""Fixtures of all tests of the package: the server's binary, and a folder for each."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

for name in [n for n in os.environ if n.startswith("VARVE_") and n != "VARVE_BINARY"]:
    os.environ.pop(name)


@pytest.fixture(scope="session", autouse=True)
def binary() -> str:
    """The server as it is in this repository; there is no testing without it."""
    if not os.environ.get("VARVE_BINARY"):
        target = HERE.parent / "bin" / "varve"
        subprocess.run(
            ["go", "build", "-o", str(target), "./cmd/varve"],
            cwd=HERE.parent,
            check=True,
        )
        os.environ["VARVE_BINARY"] = str(target)
    return os.environ["VARVE_BINARY"]


@pytest.fixture
def folder(monkeypatch):
    """The working folder; a short path, since a Unix socket's name may not be long."""
    path = tempfile.mkdtemp(prefix="varve-")
    monkeypatch.chdir(path)
    yield pathlib.Path(path)
    from varve import _tables

    for name in [n for n in _tables._open if n.startswith(path)]:
        _tables._open.pop(name).close()
    shutil.rmtree(path, ignore_errors=True)
