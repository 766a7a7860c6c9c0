"""The lake, as code written for dkdc-lake uses it."""

from __future__ import annotations

import hashlib
import subprocess

import pytest
from varve.lake import Lake


@pytest.fixture
def lake(folder):
    return Lake(dbpath="data.db")


def update(lake, **given):
    return lake.update_file(
        **{
            "user_id": None,
            "path": None,
            "filename": "test.txt",
            "filetype": "txt",
            "data": b"",
            "version": None,
            "status": None,
            "description": None,
            **given,
        }
    )


def test_a_file_is_appended_and_updated(lake):
    first = lake.append_file(filename="test.txt", filetype="txt", data=b"hello world")
    assert list(first) == [
        "idx",
        "id",
        "user_id",
        "path",
        "filename",
        "filetype",
        "data",
        "version",
        "status",
        "description",
        "labels",
    ]
    assert (first["path"], first["data"]) == (None, b"hello world")
    second = update(lake, data=b"hello world!", version=7, labels=["a,b"])
    assert second["id"] == first["id"] and second["idx"] > first["idx"]
    assert (second["version"], second["labels"]) == (7, ["a,b"])
    assert lake("test.txt") == second
    assert lake.t().to_pyarrow()["hash"].to_pylist() == [
        hashlib.sha256(b"hello world!").hexdigest()
    ]
    assert len(lake.wcon.table(lake.lake_table_name).to_pyarrow()) == 2


def test_what_is_there_and_what_is_not(lake):
    with pytest.raises(ValueError, match=r"test.txt does not exist"):
        update(lake)
    with pytest.raises(ValueError, match="filename"):
        lake.append_file(data=b"x")
    with pytest.raises(ValueError, match="data"):
        lake.append_file(filename="x")
    with pytest.raises(ValueError, match="filename"):
        lake.append_file(filename="..", data=b"x")
    lake.append_file(filename="test.txt", path="docs", data=b"")
    with pytest.raises(ValueError, match=r"test.txt already exists"):
        lake.append_file(filename="test.txt", path="docs", data=b"x")
    assert lake.contains_path("docs") and not lake.contains_path(None)
    assert lake.contains_file("test.txt", "docs")
    assert not lake.contains_file("test.txt")
    assert not lake.contains_file("test.txt", "")
    with pytest.raises(ValueError):
        lake.get_file("test.txt")
    assert lake.get_file("test.txt", "docs")["data"] == b""


def test_files_of_users_are_files_of_their_own(lake):
    for user in (None, "", "ada"):
        lake.append_file(user_id=user, filename="a", data=repr(user).encode())
    assert [lake.get_file("a", user_id=u)["data"] for u in (None, "", "ada")] == [
        b"None",
        b"''",
        b"'ada'",
    ]
    assert len(lake.t("").to_pyarrow()) == 1 and len(lake.t().to_pyarrow()) == 3


def test_large_files_and_the_command_line(lake, binary, folder):
    large = bytes(range(256)) * 8192  # 2 MiB
    lake.append_file(filename="large.bin", data=large)
    assert lake("large.bin")["data"] == large
    told = subprocess.run(
        [
            binary,
            "lake",
            "get",
            "--url",
            "sqlite:data.db",
            "--data",
            "data.db.varve",
            "--filename",
            "large.bin",
        ],
        capture_output=True,
        check=True,
        cwd=folder,
    )
    assert told.stdout == large
