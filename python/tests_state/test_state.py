"""Tables of one's own, as a subclass of State makes them with ibis."""

from __future__ import annotations

import datetime
import subprocess
import sys
import textwrap

import pytest
from varve.state import State, dt, ibis


class Notes(State):
    """Written as for ibis alone: the newest row of an id counts."""

    def _cons(self):
        wcon = ibis.sqlite.connect(self.dbpath)
        self.name = "notes"
        schema = ibis.schema({"idx": dt.timestamp, "id": str, "text": str, "n": int})
        if self.name not in wcon.list_tables():
            wcon.create_table(self.name, schema=schema)
        rcon = ibis.duckdb.connect()
        for name in wcon.list_tables():
            rcon.read_sqlite(self.dbpath, table_name=name)
        return wcon, rcon

    def t(self):
        notes = self.rcon.table(self.name)
        newest = ibis.window(group_by="id", order_by=ibis.desc("idx"))
        ranked = notes.mutate(rank=ibis.row_number().over(newest))
        return ranked.filter(ranked["rank"] == 0).drop("rank").order_by("id")

    def write(self, id, text, n=None):
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        self.wcon.insert(
            self.name, {"idx": [now], "id": [id], "text": [text], "n": [n]}
        )


def rows(table):
    return table.to_pyarrow().to_pylist()


@pytest.fixture
def notes(folder):
    return Notes(dbpath="data.db")


def test_a_subclass_written_for_ibis(notes):
    notes.write("a", "one")
    notes.write("b", "two", 2**53 + 1)
    notes.write("a", "three")
    assert [(r["id"], r["text"], r["n"]) for r in rows(notes.t())] == [
        ("a", "three", None),
        ("b", "two", 2**53 + 1),
    ]
    assert [r["text"] for r in rows(notes.wcon.table("notes"))] == [
        "one",
        "two",
        "three",
    ]
    assert notes.wcon.list_tables() == notes.rcon.list_tables() == ["notes"]


def test_another_object_sees_it_and_clear_takes_it(notes):
    other = Notes(dbpath="data.db")
    notes.write("a", "one")
    assert len(rows(other.t())) == 1
    notes._clear()
    assert rows(notes.t()) == [] == rows(other.t())
    notes._clear("notes")
    notes._clear(["notes"])
    notes.write("a", "again")
    assert rows(other.t())[0]["text"] == "again"


def test_every_type_comes_back(folder):
    state = State("types.db")
    state.wcon.create_table(
        "things",
        schema={
            "id": "string",
            "i": int,
            "f": "float64",
            "b": bool,
            "t": "timestamp",
            "raw": "binary",
            "l": "array<string>",
        },
    )
    when = datetime.datetime(2026, 1, 2, 3, 4, 5, 678)
    row = {
        "id": "é🙂",
        "i": -(2**63),
        "f": 0.1,
        "b": False,
        "t": when,
        "raw": b"\0\xff",
        "l": ["x", "y"],
    }
    state.wcon.insert("things", [row, {"id": "empty"}])
    full, empty = rows(state.rcon.table("things"))
    assert full.pop("idx") < empty.pop("idx")
    assert full == {**row, "l": '["x","y"]'}
    assert empty == {"id": "empty", **dict.fromkeys("i f b t raw l".split())}


def test_frames_go_in(folder):
    import pandas as pd
    import pyarrow as pa

    state = State("frames.db")
    state.wcon.create_table("t", schema={"k": "string", "v": "int64"}, key=["k"])
    state.wcon.insert("t", pd.DataFrame({"k": ["a", "b"], "v": [1.0, float("nan")]}))
    state.wcon.insert("t", pa.table({"k": ["c"], "v": [3]}))
    state.wcon.insert("t", ibis.memtable({"k": ["d"], "v": [4]}))
    assert [(r["k"], r["v"]) for r in rows(state.rcon.table("t"))] == [
        ("a", 1),
        ("b", None),
        ("c", 3),
        ("d", 4),
    ]


def test_rows_without_a_key_are_rows_of_their_own(folder):
    state = State("log.db")
    state.wcon.create_table("lines", schema={"text": "string"})
    for _ in range(3):
        state.wcon.insert("lines", {"text": ["same", "same"]})
    table = state.wcon.table("lines").to_pyarrow()
    assert table.column_names == ["idx", "text"] and len(table) == 6


def test_what_is_wrong_is_named_and_nothing_is_written(notes):
    with pytest.raises(ValueError, match="n"):
        notes.wcon.insert("notes", {"id": ["a", "b"], "n": [1, "many"]})
    with pytest.raises(ValueError, match="nothing"):
        notes.wcon.insert("notes", {"id": ["a"], "nothing": [1]})
    with pytest.raises(ValueError, match="length"):
        notes.wcon.insert("notes", {"id": ["a"], "n": []})
    with pytest.raises(LookupError, match="create it"):
        notes.wcon.insert("absent", {"id": ["a"]})
    with pytest.raises(ValueError, match="type"):
        notes.wcon.create_table("odd", schema={"id": "string", "p": "point"})
    assert rows(notes.wcon.table("notes")) == []


def test_without_ibis_tables_are_arrow(folder, binary):
    script = textwrap.dedent(
        """
        import sys
        sys.modules["ibis"] = None
        from varve.todo import Todo
        todo = Todo("data.db")
        todo.append_todo(id="a", user_id=None, subject=None, body="b")
        print(type(todo.t()).__module__, todo.t().num_rows)
        """
    )
    import varve

    root = varve.__path__[0].removesuffix("/varve")
    told = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": root, "VARVE_BINARY": binary, "PATH": ""},
        cwd=folder,
    )
    assert (told.returncode, told.stdout.split()) == (0, ["pyarrow.lib", "1"]), (
        told.stderr
    )
    assert told.stderr == ""
