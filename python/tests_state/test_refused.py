"""What a caller may get wrong: each is an error with a kind that names its place."""

from __future__ import annotations

import pytest

from varve import Lake, State, Todo, _tables, errors


def test_items_that_are_none(folder):
    todo = Todo("data.db")
    todo.append_todo("a", None, None, "b", labels=["x"])
    for wrong, field in (
        ({"body": object()}, "body"),
        ({"body": b"b"}, "body"),
        ({"body": "\ud800"}, "body"),
        ({"priority": 10**5000}, "priority"),
        ({"labels": "xy"}, "labels"),
        ({"labels": ["x", 1]}, "labels[1]"),
    ):
        with pytest.raises(errors.InvalidError) as refused:
            todo.append_todo(
                **{"id": "c", "user_id": None, "subject": None, "body": "b", **wrong}
            )
        assert refused.value.field == field
    for given in (None, 5):
        with pytest.raises(errors.InvalidError) as refused:
            todo.get_todo(given)
        assert refused.value.field == "id"
    with pytest.raises(errors.ExistsError, match="already exists"):
        todo.append_todo("a", None, None, "b")
    with pytest.raises(errors.NotFoundError, match="does not exist"):
        todo.get_todo("c")
    assert [item["id"] for item in todo()] == ["a"]


def test_files_that_are_none(folder):
    lake = Lake("data.db")
    for wrong, field in (
        ({"data": "text"}, "data"),
        ({"data": 5}, "data"),  # not five bytes
        ({"filename": 5}, "filename"),
        ({"path": 5}, "path"),
        ({"status": 5}, "status"),
        ({"labels": "xy"}, "labels"),
    ):
        with pytest.raises(errors.InvalidError) as refused:
            lake.append_file(**{"filename": "a", "data": b"", **wrong})
        assert refused.value.field == field
    with pytest.raises(errors.NotFoundError, match="does not exist"):
        lake("a")
    assert lake.t().count().execute() == 0


def test_rows_that_are_none(folder):
    np = pytest.importorskip("numpy")
    wcon = State("data.db").wcon
    wcon.create_table("notes", schema={"id": "string", "r": "float64", "j": "json"})
    for wrong, field in (
        ({"r": float("inf")}, "r"),
        ({"j": {1}}, "j"),
        ({"j": {1: 2}}, "j"),
        ({"j": [object()]}, "j[0]"),
        ({"id": [1]}, "id"),
    ):
        with pytest.raises(errors.InvalidError) as refused:
            wcon.insert("notes", [{"id": "a", **wrong}])
        assert refused.value.field == field
    for data, field in (
        ("ab", "data"),
        (None, "data"),
        ([5], "data[0]"),
        ({"id": "ab"}, "data.id"),
    ):
        with pytest.raises(errors.InvalidError) as refused:
            wcon.insert("notes", data)
        assert refused.value.field == field
    wcon.insert("notes", {"id": ["a"], "r": [np.float64(1.5)], "j": [np.zeros(2)]})
    row = wcon.table("notes").to_pyarrow().to_pylist()[0]
    assert (row["r"], row["j"]) == (1.5, "[0.0,0.0]")
    for schema in (None, {}, ["id"]):
        with pytest.raises(errors.InvalidError) as refused:
            wcon.create_table("odd", schema=schema)
        assert refused.value.field == "schema"


def test_files_that_cannot_be_a_database(folder):
    (folder / "junk.db").write_text("this is no database" * 100)
    with pytest.raises(errors.VarveError) as refused:
        Todo("junk.db")
    if refused.value.kind != "unavailable":  # a machine too busy to say why
        assert "damaged" in str(refused.value)
    assert not any("junk.db" in name for name in _tables._open)
    for wrong, field in ((5, "dbpath"), ("postgres://h/d", "dbpath"), ("a\0b", "data")):
        with pytest.raises(errors.InvalidError) as refused:
            Todo(wrong)
        assert refused.value.field == field
    Todo("sqlite:same.db").append_todo("a", None, None, None)
    assert Todo("same.db").contains_todo("a")
    Todo("100% ?.db")
    assert (folder / "100% ?.db").exists()
