"""Opening: every address, what was opened, and what goes wrong on the way."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import textwrap

import pytest

import varve
from varve import errors
from varve._place import place


def test_one_url_opens_everything(folder):
    with varve.connect("sqlite:app.db") as db:
        db["docs"].insert({"x": 1}).execute()
        file = str(folder / "app.db")
        assert (db.databackend.kind, db.databackend.url) == ("sqlite", "sqlite:" + file)
        assert db.metadata == db.databackend or db.metadata.url == "sqlite:" + file
        assert db.artifact_store.kind == "file"
        assert db.artifact_store.url == f"file://{file}.varve/artifacts"
        assert db.compute.kind == "local"


@pytest.mark.parametrize(
    "address",
    [
        "sqlite:app.db",
        "sqlite://app.db",
        "sqlite+aiosqlite:///app.db",
        "sqlite:{folder}/app.db",
        "sqlite+aiosqlite:///{folder}/app.db",
    ],
)
def test_every_spelling_is_one_database(folder, address):
    with varve.connect("sqlite:app.db") as db:
        db["docs"].insert({"x": 1}).execute()
        with varve.connect(address.format(folder=folder)) as again:
            assert again["docs"].select("x").execute() == [{"x": 1}]


def test_a_folder_and_what_the_settings_say(folder, program, monkeypatch):
    with varve.connect(folder / "varve-data") as db:
        db["docs"].insert({"x": 1}).execute()
        assert "docs" in program("query")  # through the server's socket
    for here in (None, "./varve-data", folder / "varve-data"):
        with varve.connect(here) as db:
            assert len(db["docs"].execute()) == 1
    monkeypatch.setenv("VARVE_URL", "sqlite:other.db")
    with varve.connect() as db:
        assert db.databackend.url == "sqlite:other.db"
    with varve.connect(folder / "varve-data") as db:
        assert len(db["docs"].execute()) == 1


@pytest.mark.parametrize(
    "address",
    ["sqlite:app.db", "duckdb:app.duckdb", "csv:.", "./d", "sqlite:d/varve.db"],
)
def test_what_the_command_line_kept(folder, program, monkeypatch, address):
    (folder / "weights").write_bytes(b"learned")
    digest = (
        program("artifact", "put", "weights", "--url", address).split(":")[-1].strip()
    )
    monkeypatch.setenv("VARVE_URL", address)
    for url in (address, None):
        with varve.connect(url) as db:
            assert db.artifact_store.read(digest) == b"learned"


def test_a_server_that_runs(folder, monkeypatch):
    with varve.connect("sqlite:app.db") as db:
        db["docs"].insert({"x": 1}).execute()
        assert db.url == f"unix:{folder}/app.db.varve/varve.sock"
        with varve.connect(db.url) as there:
            assert len(there["docs"].execute()) == 1
        monkeypatch.setenv("VARVE_SERVER", db.url)
        with varve.connect() as there:
            assert len(there["docs"].execute()) == 1
        with pytest.raises(errors.InvalidError, match="metadata"):
            varve.connect(db.url, metadata="sqlite:m.db")


def test_nothing_is_kept_in_memory(folder, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with varve.connect("memory:") as one, varve.connect("memory://") as two:
        one["docs"].insert({"x": 1}).execute()
        assert "docs" not in two.databackend.list_tables()
        assert len(list(folder.iterdir())) == 2  # their sockets and bytes
    assert not list(folder.iterdir())


@pytest.mark.parametrize("address", ["csv:files", "csv://files", "files/*.csv"])
def test_csv_files_are_tables(folder, address):
    (folder / "files").mkdir()
    (folder / "files" / "docs.csv").write_text("id,n\na,1\nb,2\n")
    with varve.connect(address) as db:
        assert db.databackend.kind == "csv"
        t = db["docs"]
        assert [r["id"] for r in t.filter(t.n > 1).execute()] == ["b"]
        t.insert({"id": "c", "n": 3}).execute()
        db.add(varve.Metric("accuracy"))
        with varve.connect("csv:files") as again:  # it is the same folder
            assert again.show("metric") == ["accuracy"]
    assert "c,3" in (folder / "files" / "docs.csv").read_text()


def test_parts_elsewhere(folder):
    with varve.connect(
        "sqlite:app.db", metadata="sqlite:meta.db", artifacts="filesystem://blobs"
    ) as db:
        assert db.databackend.url == f"sqlite:{folder}/app.db"
        assert db.metadata.url == f"sqlite:{folder}/meta.db"
        assert db.artifact_store.url == f"file://{folder}/blobs"
        assert (folder / "meta.db").exists()
    # Superduper's names, and what one has been told by another datalayer.
    with varve.superduper(
        "sqlite://app.db",
        metadata_store=db.metadata,
        artifact_store="filesystem://./blobs",
        cluster__compute__uri="local",
    ) as again:
        assert (again.metadata, again.artifact_store) == (
            db.metadata,
            db.artifact_store,
        )


def test_the_equivalent_of_the_defaults(folder):
    with varve.superduper(data_backend="sqlite://app.db") as db:
        parts = dict(metadata_store=db.metadata, artifact_store=db.artifact_store)
        parts.update(compute=db.compute)
    with varve.superduper("sqlite://app.db", **parts) as again:
        told = (again.metadata, again.artifact_store, again.compute)
        assert told == tuple(parts.values())


@pytest.mark.parametrize(
    "url, more, kind, says",
    [
        ("mongodb://h/db", {}, errors.UnsupportedError, "known are sqlite, postgres"),
        ("sqlite:a.db", {"metadata": "foo://x"}, errors.UnsupportedError, "metadata"),
        ("sqlite:a.db", {"artifacts": "foo://x"}, errors.VarveError, "foo"),
        (
            "sqlite:a.db",
            {"compute": "ray://h"},
            errors.UnsupportedError,
            "compute.*local",
        ),
        ("sqlite:", {}, errors.InvalidError, "names no file"),
    ],
)
def test_what_cannot_be_opened_says_why(folder, url, more, kind, says):
    with pytest.raises(kind, match=says):
        varve.connect(url, **more)


def arguments_of_all():
    """What every user of the machine sees of its processes."""
    seen = ""
    for file in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended
            seen += file.read_text(errors="replace")
    assert "serve" in seen
    return seen


def test_passwords_are_nowhere(folder, postgres, caplog, capfd):
    url = postgres.database("hidden").replace("secret", "hunter2")
    with varve.connect(url, data="d") as db:
        db["docs"].insert({"x": 1}).execute()
        seen = [
            repr(db),
            repr(db.databackend),
            repr(db.metadata),
            str(db.artifact_store),
        ]
        assert "hunter2" not in "".join(seen) + arguments_of_all()
        assert "xxxxx" in db.databackend.url
    gone = "postgres://app:hunter2@/nowhere?host=/nonexistent"
    with pytest.raises(errors.VarveError) as failed:
        varve.connect(gone, data="e")
    assert "hunter2" not in str(failed.value) + caplog.text + "".join(
        capfd.readouterr()
    )
    for file in pathlib.Path(".").rglob("*"):
        if file.is_file():
            assert b"hunter2" not in file.read_bytes(), file


def test_another_database_on_the_same_folder_is_told(folder, postgres):
    with varve.connect("sqlite:app.db", data="d"):
        with pytest.raises(errors.ConflictError, match="app.db"):
            varve.connect("sqlite:other.db", data="d")
        with pytest.raises(errors.ConflictError, match="metadata"):
            varve.connect("sqlite:app.db", data="d", metadata="sqlite:meta.db")


def test_arguments_that_nobody_knows(folder):
    with pytest.raises(errors.InvalidError, match="metadta.*do you mean 'metadata'"):
        varve.connect("memory:", metadta="memory:")
    with pytest.raises(errors.InvalidError, match="twice"):
        varve.superduper("memory:", data_backend="sqlite:a.db")
    with pytest.raises(errors.InvalidError, match="fold_probability"):
        varve.connect("memory:", fold_probability=0.1)
    with pytest.warns(UserWarning, match="cluster__cdc__uri has no effect"):
        varve.superduper("memory:", cluster__cdc__uri="http://x").close()
    with pytest.raises(errors.InvalidError, match="is text"):
        varve.connect("memory:", compute=object())


def test_it_neither_exits_nor_asks(folder):
    """In a process of its own, whose input is closed and which runs on."""
    code = """
        import varve
        try:
            varve.connect("postgres://app@/nowhere?host=/nonexistent")
        except varve.VarveError as err:
            print("raised", err.kind)
        with varve.connect("sqlite:app.db") as db:
            print(db["docs"].insert([{"x": 1}]).execute().created["name"])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.splitlines() == ["raised unavailable", "docs"], done.stderr


def test_closing_twice_is_no_error(folder):
    db = varve.connect("sqlite:app.db")
    db.close()
    db.disconnect()


@pytest.mark.parametrize(
    "url, data",
    [
        ("./d", "{cwd}/d"),
        ("sqlite:a.db", "{cwd}/a.db.varve"),
        ("sqlite:d/varve.db", "{cwd}/d"),
        ("sqlite+aiosqlite:////abs/a.db?synchronous=normal", "/abs/a.db.varve"),
        ("duckdb:a.duckdb", "{cwd}/a.duckdb.varve"),
        ("csv:dir", "{cwd}/dir/.varve"),
        ("dir/*.csv", "{cwd}/dir/.varve"),
        ("postgresql+asyncpg://u@h/db", None),
    ],
)
def test_where_a_socket_lies(folder, url, data):
    found = place(url)
    assert found.data == (data and data.format(cwd=os.getcwd()))
