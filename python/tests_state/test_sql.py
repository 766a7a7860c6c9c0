"""Questions in SQL from Python, in Arrow's columns."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
import textwrap

import pyarrow as pa
import pytest
from varve import Lake, State, Todo, ibis
from varve.errors import ForbiddenError, InvalidError, TooLargeError, UnsupportedError


@pytest.fixture
def todo(folder):
    todo = Todo("data.db")
    todo.append_todo("a", "ada", "s", "one", labels=["x,y", "z"])
    todo.append_todo("b", None, None, "two", priority=5)
    todo.update_todo("a", "ada", "s", "one again")
    return todo


def test_an_answer_is_an_arrow_table(todo):
    table = todo.sql("SELECT id, body, priority, _at FROM todos ORDER BY id")
    assert isinstance(table, pa.Table)
    assert table.schema == pa.schema(
        [
            ("id", pa.string()),
            ("body", pa.string()),
            ("priority", pa.int64()),
            ("_at", pa.timestamp("us")),
        ]
    )
    assert table["body"].to_pylist() == ["one again", "two"]
    assert isinstance(table["_at"][0].as_py(), datetime.datetime)


def test_the_past_and_every_version(todo):
    was = todo.sql("SELECT body FROM todos_as_of(?) ORDER BY id", 2)
    assert was["body"].to_pylist() == ["one", "two"]
    when = datetime.datetime.now(datetime.timezone.utc)
    now = todo.sql("SELECT body FROM todos_as_of(?) ORDER BY id", when)
    assert now["body"].to_pylist() == ["one again", "two"]
    history = todo.sql("SELECT count(*) AS n, sum(priority) FROM todos_history")
    assert history["n"].to_pylist() == [3] and history.column(1)[0].as_py() == 205


def test_a_question_joins_what_different_classes_wrote(todo):
    Lake("data.db").append_file(user_id="ada", filename="a.txt", data=b"hello")
    table = todo.sql(
        "SELECT t.id, l.filename, l.size FROM todos t JOIN lake l USING (user_id)"
    )
    assert table.to_pylist() == [{"id": "a", "filename": "a.txt", "size": 5}]


def test_the_read_connection_answers_with_an_ibis_table(todo):
    table = todo.rcon.sql("SELECT id, priority FROM todos")
    assert table.filter(table["priority"] < 10)["id"].to_pyarrow().to_pylist() == ["b"]
    rcon = ibis.duckdb.connect()
    with pytest.raises(ValueError, match="one database"):
        rcon.sql("SELECT 1")
    rcon.read_sqlite("data.db", table_name="todos")
    assert rcon.sql("SELECT count(*) AS n FROM todos").to_pyarrow()["n"][0].as_py() == 2
    State("other.db").wcon.create_table("notes", schema={"id": str})
    rcon.read_sqlite("other.db", table_name="notes")
    with pytest.raises(ValueError, match="here are 2"):
        rcon.sql("SELECT 1")


def test_many_rows_come_whole_and_too_many_are_refused(todo):
    table = todo.sql("SELECT i, 'text ' || i AS s FROM range(300000) r(i) ORDER BY i")
    assert table.num_rows == 300_000 and table["s"][299_999].as_py() == "text 299999"
    with pytest.raises(TooLargeError):
        todo.sql("SELECT i FROM range(1000001) r(i)")
    assert todo.sql("SELECT 1 WHERE false").num_rows == 0


def test_what_is_no_question_is_refused(todo):
    with pytest.raises(InvalidError, match="only SELECT"):
        todo.sql("DELETE FROM todos")
    with pytest.raises(InvalidError, match="nobody"):
        todo.sql("SELECT * FROM nobody")
    with pytest.raises(ForbiddenError):
        todo.sql("SELECT * FROM read_text('/etc/passwd')")
    with pytest.raises(InvalidError, match="args"):
        todo.sql("SELECT ?, ?", 1)
    with pytest.raises(UnsupportedError, match="BIT"):
        todo.sql("SELECT '101'::BIT")


def test_without_arrow_rows_are_dicts(todo):
    code = """
        import sys
        sys.modules["pyarrow"] = None
        from varve import Todo
        print(Todo("data.db").sql("SELECT id, priority FROM todos ORDER BY id"))
    """
    out = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    want = [{"id": "a", "priority": 100}, {"id": "b", "priority": 5}]
    assert out.stdout.strip() == str(want)
