"""Fixtures: the server's binary and a folder of its own for each test."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

for name in ("VARVE_SERVER", "VARVE_API_KEY", "VARVE_DATA", "VARVE_URL"):
    os.environ.pop(name, None)


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
    """A short path, since a Unix socket's name may not be long."""
    path = tempfile.mkdtemp(prefix="varve-")
    monkeypatch.chdir(path)
    yield pathlib.Path(path)
    from varve import _tables

    for name in [n for n in _tables._open if n.startswith(path)]:
        _tables._open.pop(name).close()
    shutil.rmtree(path, ignore_errors=True)
