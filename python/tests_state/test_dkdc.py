"""A file that dkdc made, in turns: with ibis on SQLite as dkdc writes and reads
it. DuckDB's scanner of SQLite files, with which dkdc itself reads, is an
extension that cannot be had everywhere; the expressions are the same."""

from __future__ import annotations

import datetime
import json
import subprocess

import ibis
import ibis.expr.datatypes as dt
import pytest
from varve.lake import Lake
from varve.todo import Todo

TODOS = dict.fromkeys("id user_id subject body status description labels".split(), str)


class Theirs:
    """What dkdc-todo does, through ibis alone."""

    def __init__(self, path):
        self.path = path
        con = self.connect()
        if "todos" not in con.list_tables():
            columns = ["idx", *list(TODOS)[:4], "priority", *list(TODOS)[4:]]
            kinds = {**TODOS, "idx": dt.timestamp, "priority": int}
            con.create_table(
                "todos", schema=ibis.schema({c: kinds[c] for c in columns})
            )
        con.disconnect()

    def connect(self):
        return ibis.sqlite.connect(self.path)

    def append(self, **item):
        con = self.connect()
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        row = {"idx": [now], **{name: [None] for name in TODOS}, "priority": [100]}
        con.insert("todos", {**row, **{k: [v] for k, v in item.items()}})
        con.disconnect()

    def newest(self):
        con = self.connect()
        todos = con.table("todos")
        window = ibis.window(group_by="id", order_by=ibis.desc("idx"))
        ranked = todos.mutate(rank=ibis.row_number().over(window))
        latest = ranked.filter(ranked["rank"] == 0).drop("rank")
        rows = latest.order_by(ibis.asc("priority"), ibis.desc("idx")).to_pyarrow()
        con.disconnect()
        return rows.to_pylist()

    def clear(self):
        con = self.connect()
        con.raw_sql("DROP TABLE todos").close()  # ibis's own drop fails on SQLite
        con.disconnect()
        Theirs(self.path)


@pytest.fixture
def theirs(folder):
    return Theirs("todo.db")


def cli(binary, folder, *args):
    told = subprocess.run(
        [binary, "todo", *args, "--url", "sqlite:todo.db", "--json"],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


def test_both_directions_in_turns(theirs, binary, folder):
    theirs.append(id="a", body="theirs", labels="x,y")
    (item,) = cli(binary, folder, "list")
    assert (item["id"], item["body"], item["labels"]) == ("a", "theirs", ["x", "y"])
    cli(binary, folder, "add", "--id", "b", "ours", "--priority", "1")
    cli(binary, folder, "edit", "--id", "a", "--body", "edited")
    assert [(r["id"], r["body"], r["labels"]) for r in theirs.newest()] == [
        ("b", "ours", None),
        ("a", "edited", "x,y"),
    ]
    theirs.append(id="b", body="theirs again")
    assert {i["id"]: i["body"] for i in cli(binary, folder, "list")} == {
        "a": "edited",
        "b": "theirs again",
    }
    assert [i["body"] for i in cli(binary, folder, "history", "--id", "b")] == [
        "theirs again",
        "ours",
    ]
    con = theirs.connect()
    assert con.list_tables() == ["todos"]  # nothing else was added
    con.disconnect()


def test_clear_works_on_a_file_that_was_used(theirs, binary, folder):
    theirs.append(id="a", body="one")
    cli(binary, folder, "add", "--id", "b", "two")
    theirs.clear()
    assert cli(binary, folder, "list") == []
    theirs.append(id="c", body="three")
    cli(binary, folder, "add", "--id", "b", "four")
    assert sorted(r["id"] for r in theirs.newest()) == ["b", "c"]


def test_the_python_classes_on_such_a_file(theirs):
    theirs.append(id="a", body="theirs")
    todo = Todo("todo.db")
    assert [item["body"] for item in todo()] == ["theirs"]
    todo.update_todo(id="a", user_id=None, subject=None, body="ours", labels=["x"])
    todo._clear("todos")
    todo.append_todo(id="n", user_id="u", subject=None, body="after")
    assert [(r["id"], r["user_id"]) for r in theirs.newest()] == [("n", "u")]
    con = theirs.connect()
    assert con.list_tables() == ["todos"]
    con.disconnect()


def test_a_lake_of_theirs(folder):
    kinds = {"idx": dt.timestamp, "id": str, "user_id": str, "path": str}
    kinds |= {"filename": str, "filetype": str, "data": dt.binary, "version": int}
    kinds |= {"status": str, "description": str, "labels": str}
    con = ibis.sqlite.connect("lake.db")
    con.create_table("lake", schema=ibis.schema(kinds))
    row = {**{name: [None] for name in kinds}, "idx": [datetime.datetime(2024, 1, 2)]}
    con.insert("lake", {**row, "id": ["1-a"], "filename": ["f"], "data": [b"\0old"]})
    con.disconnect()
    lake = Lake("lake.db")
    assert lake("f")["data"] == b"\0old"
    lake.update_file(None, None, "f", "bin", b"\xffnew", 2, None, None, ["a"])
    con = ibis.sqlite.connect("lake.db")
    rows = con.table("lake").order_by("idx").to_pyarrow().to_pylist()
    con.disconnect()
    assert [(r["id"], r["data"], r["version"], r["labels"]) for r in rows] == [
        ("1-a", b"\0old", None, None),
        ("1-a", b"\xffnew", 2, "a"),
    ]
