"""Whatever is built in Python is what the grammar says, and the published schema."""

from __future__ import annotations

import datetime
import decimal
import json
import pathlib
import random

import jsonschema
import pytest

from varve import errors
from varve.query import Select, all_of, any_of, col

SCHEMA = pathlib.Path(__file__).parents[2] / "docs" / "query.schema.json"
NAMES = ["n", "y", "special-y", "a b", "select", "_fold", 'q"t', "ünï", "x1", "meta"]
TABLES = ["docs", "special-t", "order", "Ünï"]


class Maker:
    """Random questions, the same for the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, *of):
        return self.random.choice(of)

    def column(self, t):
        c = t[self.one(*NAMES)]
        return self.one(c, c, c, c.size, c[0])

    def value(self):
        return self.one(
            0, -7, 2**53, 1.5, 1e300, -0.25, "", "it's", 'a "b"', "ü😀", True, False,
            datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc),
            b"\x00\xff", decimal.Decimal("0.5"),
        )  # fmt: skip

    def condition(self, t, depth=0):
        kind = self.random.random()
        if depth < 3 and kind < 0.15:
            return all_of(*self.conditions(t, depth + 1))
        if depth < 3 and kind < 0.3:
            return any_of(*self.conditions(t, depth + 1))
        if depth < 3 and kind < 0.45:
            return self.condition(t, depth + 1) & self.condition(t, depth + 1)
        if depth < 3 and kind < 0.55:
            return self.condition(t, depth + 1) | self.condition(t, depth + 1)
        if depth < 3 and kind < 0.65:
            return ~self.condition(t, depth + 1)
        return self.comparison(self.column(t), t)

    def conditions(self, t, depth):
        # The text has no words for groups of one, nor for none inside others.
        return [self.condition(t, depth) for _ in range(self.one(2, 3))]

    def comparison(self, c, t):
        v = self.one(self.value(), self.column(t))
        return self.one(
            lambda: c == v, lambda: c != v, lambda: c < v, lambda: c <= v,
            lambda: c > v, lambda: c >= v, lambda: c == None,
            lambda: c != None,
            lambda: c.isin([self.value() for _ in range(self.one(0, 1, 3))]),
            lambda: c.matches("a%_\\%'"), lambda: c.contains(self.value()),
            lambda: c.differs(v), c.is_null, c.not_null,
        )()  # fmt: skip

    def select(self):
        t = Select(self.one(*TABLES))
        if self.random.random() < 0.3:
            t = t.as_(self.one("a", "where"))
        q = t
        for i in range(self.one(0, 0, 1, 2)):
            other = Select(self.one(*TABLES)).as_(f"o{i}")
            q = self.one(q.join, q.left_join)(
                other, self.column_name(t) == self.column_name(other)
            )
        for _ in range(self.one(0, 1, 2)):
            q = q.filter(*(self.condition(t) for _ in range(self.one(1, 2))))
        for _ in range(self.one(0, 1, 3)):
            c = self.column_name(t)
            q = q.select(self.one(c, c.as_("m"), self.one(*NAMES)))
        for _ in range(self.one(0, 1, 2)):
            q = q.order_by(
                self.one(self.column_name(t), self.column_name(t).desc(), "-n")
            )
        q = self.one(q, q.limit(5), q.limit(5).offset(2))
        q = self.one(q, q, q.outputs("l", "m"), q.outputs("l", required=True))
        like = {"x": [1, "a"]}
        return self.one(
            q, q, q.like(like, "vi", 4), q.like(like, "vi", native_order=True)
        )

    def column_name(self, t):
        return t[self.one(*NAMES)]

    def change(self):
        t = Select(self.one(*TABLES))
        values = {self.one(*NAMES): self.one(self.value(), None, [1], {"a": 1})}
        q = self.one(t.update(values), t.delete(), t.delete(refresh=False))
        if self.random.random() < 0.8:
            return q.filter(self.condition(t))
        return q.all()

    def insert(self):
        rows = [
            {n: self.one(self.value(), None, [1, {"a": None}]) for n in NAMES[:4]}
            for _ in range(3)
        ]
        types = self.one({}, {"a b": "vector[3]", "n": "tensor[f32:2,3]"})
        t = Select(self.one(*TABLES))
        return t.insert(rows, types=types, strict=self.one(True, False))

    def question(self):
        return self.one(
            self.select, self.select, self.select, self.change, self.insert
        )()


@pytest.mark.parametrize("seed", range(60))
def test_built_written_and_read_again(program, seed):
    question = Maker(seed).question().json()
    jsonschema.validate(question, json.loads(SCHEMA.read_text()))
    form = lambda form, asked: program("query", "--form", form, asked)
    assert json.loads(form("json", json.dumps(question))) == question
    text = form("text", json.dumps(question))
    assert json.loads(form("json", text.rstrip("\n"))) == question, text


@pytest.mark.parametrize("seed", range(200))
def test_built_as_the_schema_says(seed):
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    make = Maker(1000 + seed)
    for _ in range(20):
        validator.validate(make.question().json())


def test_a_question_is_a_value():
    t = Select("docs")
    q = t.filter(t.n == 1)
    assert q.filter(t.y == 2).json() != q.json()
    assert q.json() == {"select": {"from": "docs", "where": {"n": 1}}}
    assert q.limit(3).offset(1).limit(0).json()["select"].get("limit") is None
    assert t.json() == {"select": {"from": "docs"}}


def test_what_is_no_question_says_so():
    t = Select("docs")
    with pytest.raises(TypeError, match="&"):
        bool(t.n == 1 and t.y == 2)
    with pytest.raises(TypeError, match="no verb"):
        t.find({"a": 1})
    with pytest.raises(TypeError, match="compare"):
        bool(t.n)
    with pytest.raises(TypeError, match="executed"):
        list(t)
    with pytest.raises(errors.InvalidError, match="no condition"):
        t.filter(1)
    with pytest.raises(errors.InvalidError, match=r"docs\.and"):
        t.filter(t["and"] == 1).json()
    with pytest.raises(errors.InvalidError, match="limit"):
        t.limit(1).delete()
    with pytest.raises(ValueError, match="no datalayer"):
        t.execute()
    with pytest.raises(AttributeError):
        t._repr_html_  # noqa: B018
    assert col("authors.name").named("docs") == "authors.name"
