"""Questions: inserting, asking, changing, on every database."""

from __future__ import annotations

import datetime
import decimal
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import varve
from varve import errors
from varve.query import raw

UTC = datetime.timezone.utc


def test_a_table_is_made_from_its_first_row(db):
    one = db["docs"].insert({"x": 1}).execute()
    two = db["docs"].insert([{"x": 2}, {"x": 3, "_fold": "valid"}]).execute()
    assert len(one) == 1 and one.created["name"] == "docs"
    assert len(two) == 2 and two.created is None
    rows = db["docs"].execute()
    assert [r["x"] for r in rows] == [1, 2, 3]
    assert [r["id"] for r in rows] == [*one, *two]
    assert {r["_fold"] for r in rows} <= {"train", "valid"}
    assert rows[2]["_fold"] == "valid"
    assert db["docs"].add_fold("valid").select("x").execute()[-1] == {"x": 3}


@pytest.mark.parametrize("y, n", [("y", "n"), ("special-y", "special-n")])
def test_a_filter_and_columns(db, y, n):
    t = db["docs"]
    t.insert([{"x": f"x{i}", n: i, y: int(i % 2 == 0)} for i in range(1, 11)]).execute()
    even = t.filter(t[y] == 1, t[n] > 5).order_by(n)
    assert [r[n] for r in even.execute()] == [6, 8, 10]
    assert even.select("x").execute() == [{"x": "x6"}, {"x": "x8"}, {"x": "x10"}]
    assert t.filter({y: 1, n: {">": 5}}).order_by("-" + n).limit(1).select(
        t[n].as_("most")
    ).execute() == [{"most": 10}]


def test_a_question_as_data_and_as_text(db):
    db["docs"].insert([{"n": n} for n in range(5)]).execute()
    built = db["docs"].filter(db["docs"].n >= 3).order_by("n").select("n")
    assert (
        built.execute()
        == db.execute(built.json())
        == db.execute("docs where n >= 3 order by n select n")
        == [{"n": 3}, {"n": 4}]
    )


def test_rows_with_other_fields_are_refused_whole(db):
    db["docs"].insert({"x": 1}).execute()
    with pytest.raises(errors.InvalidError) as refused:
        db["docs"].insert([{"x": 2}, {"y": 3}]).execute()
    assert refused.value.field == "rows[1].y"
    assert len(db["docs"].execute()) == 1


def test_a_taken_key_takes_the_insert_back(db):
    db["docs"].insert({"id": "a", "x": 1}).execute()
    with pytest.raises(errors.ExistsError, match="a"):
        db["docs"].insert([{"id": "b", "x": 2}, {"id": "a", "x": 3}]).execute()
    assert len(db["docs"].execute()) == 1


def test_update_and_delete_return_their_keys(db):
    t = db["docs"]
    t.insert([{"id": k, "n": n} for n, k in enumerate("abc")]).execute()
    assert t.update({"n": 9}).filter(t.n >= 1).execute() == ["b", "c"]
    assert t.filter(t.n == 7).delete().execute() == []
    assert t.delete().filter(t.id.isin(["a", "b"])).execute().ids == ["a", "b"]
    assert t.select("id", "n").execute() == [{"id": "c", "n": 9}]
    with pytest.raises(errors.InvalidError, match="all"):
        t.delete().execute()
    assert t.delete(all=True).execute() == ["c"]


def test_joins(db):
    books, authors = db["books"], db["authors"]
    authors.insert([{"id": "le", "name": "Lem"}, {"id": "no", "name": "No"}]).execute()
    books.insert(
        [{"id": "s", "author": "le", "n": 1}, {"id": "u", "author": "?", "n": 2}]
    ).execute()
    inner = books.join(authors, books.author == authors.id)
    both = inner.select("n", authors.name.as_("by"))
    assert both.execute() == [{"n": 1, "by": "Lem"}]
    left = books.left_join("authors", "author", "id").filter(authors.id.is_null())
    assert left.select("n").execute() == [{"n": 2}]
    itself = books.as_("a").join(books.as_("b"), "a.n", "n").select("a.n", "b.id")
    assert len(itself.execute()) == 2


EXACT = [
    ("text", "ünï 'q' \"d\" 😀"),
    ("integer", 2**63 - 1),
    ("integer", -(2**63)),
    ("real", 0.1),
    ("real", 3.0),
    ("real", 1e300),
    ("boolean", True),
    ("time", datetime.datetime(2026, 11, 21, 12, 30, 1, 234567, UTC)),
    ("bytes", bytes(range(256))),
    ("json", {"a": [1, None, {"b": "c"}], "d": True}),
    ("json", [1, 2, 3]),
]


@pytest.mark.parametrize("kind, value", EXACT)
def test_values_come_back_as_they_went(db, kind, value):
    t = db["docs"]
    t.insert([{"id": "a", "v": value}, {"id": "b", "v": None}]).execute()
    rows = t.select("v").execute()
    assert rows.columns[0].type == kind
    assert rows == [{"v": value}, {"v": None}]
    assert type(rows[0]["v"]) is type(value)
    if kind != "json":
        assert [r["v"] for r in t.filter(t.v == value).execute()] == [value]
    t.update({"v": None}).filter(t.id == "a").execute()
    t.update({"v": value}).filter(t.id == "b").execute()
    assert t.order_by("id").select("v").execute() == [{"v": None}, {"v": value}]


def test_times_have_a_zone(lite):
    east = datetime.timezone(datetime.timedelta(hours=2))
    naive = datetime.datetime(2026, 1, 2, 3, 4, 5)
    t = lite["docs"]
    t.insert([{"at": naive}, {"at": naive.replace(tzinfo=east)}]).execute()
    first, second = (r["at"] for r in t.execute())
    assert first == naive.replace(tzinfo=UTC)
    assert second == naive.replace(tzinfo=east) and second.utcoffset().seconds == 0


def test_decimals(lite):
    t = lite["docs"]
    t.insert([{"d": decimal.Decimal("0.1")}, {"d": decimal.Decimal(2)}]).execute()
    exact = lite.execute(t.select("d"), decimals=True)
    assert exact == [{"d": decimal.Decimal("0.1")}, {"d": decimal.Decimal(2)}]
    assert t.filter(t.d == decimal.Decimal("0.1")).select("d").execute() == [{"d": 0.1}]
    with pytest.raises(errors.InvalidError, match=r"rows\[0\]\.d.*as text"):
        t.insert({"d": decimal.Decimal("0.12345678901234567890")}).execute()


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, {1, 2}, object(), {"a": b"x"}, {1: 2}, "\ud800", 2**64],
)
def test_what_has_no_exact_form_is_refused(lite, value):
    with pytest.raises(errors.InvalidError):
        lite["docs"].insert({"v": value}).execute()
    assert lite.databackend.list_tables().count("docs") == 0


def test_vectors_and_tensors(db):
    v = np.array([0.5, 0.1, -3], np.float32)
    m = np.arange(6, dtype=np.int64).reshape(2, 3)
    f = np.array([0.1, 2], np.float64)
    t = db["docs"]
    t.insert(
        [{"v": v, "m": m, "f": f, "n": np.int64(7), "b": np.bool_(True)}]
    ).execute()
    rows = t.select("v", "m", "f", "n", "b").execute()
    assert [c.type for c in rows.columns] == [
        "vector[3]", "tensor[int64:2,3]", "tensor[f64:2]", "integer", "boolean"
    ]  # fmt: skip
    row = rows[0]
    assert np.array_equal(np.array(row["v"], np.float32), v)
    assert row["m"] == m.tolist() and row["f"] == f.tolist()
    assert (row["n"], row["b"]) == (7, True)
    t.insert({"v": [1, 2, 3], "m": [[1, 2, 3], [4, 5, 6]]}).execute()  # lists, too
    with pytest.raises(errors.InvalidError, match="v"):
        t.insert({"v": [1, 2]}).execute()
    db["lists"].insert({"v": [1, 2.5]}, types={"v": "vector[2]"}).execute()
    assert db["lists"].execute()[0]["v"] == [1.0, 2.5]


def test_data_frames_and_arrow(lite):
    frame = pd.DataFrame({"a": [1, 2], "t": ["x", None], "r": [0.5, math.nan]})
    lite["docs"].insert(frame).execute()
    lite["docs"].insert(pa.table({"a": [3], "t": ["z"], "r": [1.5]})).execute()
    rows = lite["docs"].select("a", "t", "r").execute()
    assert rows[1] == {"a": 2, "t": None, "r": None}
    table = rows.to_arrow()
    assert table.to_pylist() == rows
    assert table.schema.field("a").type == pa.int64()
    back = rows.to_pandas()
    assert list(back["a"]) == [1, 2, 3] and back["a"].dtype == "Int64"
    assert lite["docs"].filter({"a": 9}).execute().to_arrow().num_rows == 0
    assert list(lite["docs"].filter({"a": 9}).execute().to_pandas().columns)[:1] == [
        "id"
    ]


def test_a_frame_of_every_type(lite):
    row = {k: v for k, v in EXACT}
    row.update(vector=np.ones(2, np.float32), tensor=np.ones((2, 2)))
    lite["docs"].insert([row, {}]).execute()
    rows = lite["docs"].execute()
    arrow, frame = rows.to_arrow(), rows.to_pandas()
    assert arrow["time"][0].as_py() == row["time"] == frame["time"][0].to_pydatetime()
    assert arrow["bytes"][0].as_py() == row["bytes"] == frame["bytes"][0]
    assert arrow["tensor"][0].as_py() == [[1, 1], [1, 1]]
    assert arrow["json"][0].as_py() == "[1,2,3]" and frame["json"][0] == [1, 2, 3]
    assert all(arrow[c][1].as_py() is None for c in row if c != "text")


def test_a_long_answer_is_streamed(db):
    t = db["docs"]
    t.insert([{"n": n, "text": "x" * 100} for n in range(20_000)]).execute()
    with t.order_by("n").stream() as cursor:
        assert [c.name for c in cursor.columns] == ["id", "n", "text", "_fold"]
        assert [next(cursor)["n"] for _ in range(3)] == [0, 1, 2]
    assert sum(1 for _ in t.stream()) == 20_000
    assert len(db.execute(t, stream=True).all()) == 20_000
    cursor = t.stream()
    cursor.close()
    assert list(cursor) == []


def test_what_needs_an_engine_is_unsupported(db):
    t = db["docs"]
    t.insert({"x": 1}).execute()
    for question in (
        t.like({"x": 1}, vector_index="i", n=10),
        t.outputs("listener"),
        db["model"].predict(1),
    ):
        with pytest.raises(errors.UnsupportedError):
            question.execute()


def test_errors_have_stable_kinds(db):
    with pytest.raises(errors.NotFoundError, match="dogs"):
        db["dogs"].execute()
    with pytest.raises(errors.NotFoundError):
        db["dogs"].insert({"x": 1}, strict=True).execute()
    with pytest.raises(errors.InvalidError) as wrong:
        db.execute({"select": {"from": "dogs", "limt": 1}})
    assert wrong.value.field == "select.limt"
    with pytest.raises(errors.InvalidError, match="character 12"):
        db.execute("docs where order = 1")
    with pytest.raises(errors.InvalidError):
        db.execute(7)


def test_the_databases_own_language(db):
    db["docs"].insert([{"n": 1}, {"n": 2}]).execute()
    if not db.databackend.features["raw"]:
        with pytest.raises(errors.UnsupportedError):
            db.execute(raw("select 1"))
        return
    assert db.execute(raw("select count(*) as c from docs")) == [{"c": 2}]
    mark = "$1" if db.databackend.kind == "postgres" else "?"
    rows = db.execute(raw(f"select n from docs where n > {mark}", 1))
    assert rows == [{"n": 2}]


def test_tables_of_the_databackend(db):
    back = db.databackend
    made = back.create_table("t", {"k": "integer", "v": "vector[2]"}, key="k")
    assert made["key"] == "k"
    assert "t" in back.list_tables()
    assert [c["name"] for c in back.describe("t")["columns"]] == [
        "k", "v", "_fold"
    ]  # fmt: skip
    with pytest.raises(errors.ExistsError):
        back.create_table("t", {"k": "integer", "v": "text"}, key="k")
    back.drop_table("t")
    assert "t" not in back.list_tables()


def test_conversations_and_versioned_tables_are_tables_here(folder):
    varve.Todo("app.db").append_todo(id="a", user_id="ada", subject=None, body="b")
    with varve.connect("sqlite:app.db") as db:
        todos = db["todos"].select("id", "body", "_version").execute()
        assert todos == [{"id": "a", "body": "b", "_version": 1}]
        assert db["threads"].execute() == []
    with varve.connect("sqlite:app.db", user="eve") as hers:
        assert hers["todos"].execute() == []
        with pytest.raises(errors.ForbiddenError):
            hers.execute(raw("select 1"))
    from varve import _tables

    _tables._open.pop(str(folder / "app.db")).close()
