"""What is written runs, and a newcomer finds again what was applied."""

from __future__ import annotations

import contextlib
import io
import pathlib
import re

import varve
from varve import Listener, errors

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLE = re.compile(r"```python\n(.*?)```(?:\n\n```\n(.*?)```)?", re.DOTALL)


def test_the_page_says_what_happens(folder):
    names: dict = {}
    examples = EXAMPLE.findall((ROOT / "docs" / "python.md").read_text())
    assert len(examples) == 7
    try:
        for code, says in examples:
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(code, "docs/python.md", "exec"), names)
            assert out.getvalue() == says, code
    finally:
        for opened in ("again", "db"):
            if opened in names:
                names[opened].close()


def test_a_newcomer(program, folder):
    """An application from a YAML file, a changed field, a plan, and Python."""
    quickstart = (ROOT / "examples" / "quickstart.yaml").read_text()
    file = folder / "quickstart.yaml"
    file.write_text(quickstart)
    program("apply", "quickstart.yaml")
    changed = quickstart.replace("dimensions: 64", "dimensions: 32")
    assert changed != quickstart
    file.write_text(changed)
    plan = program("plan", "quickstart.yaml")
    assert "config" in plan and "words" in plan

    with varve.connect() as db:
        assert db.show("application") == ["quickstart"]
        assert db.show("model", "words") == [0]
        program("apply", "quickstart.yaml")  # beside this one, through its server
        assert db.show("model", "words") == [0, 1]
        assert db.load("model", "words").config == {"dimensions": 32}
        listener = db.load("listener", "embed")
        assert isinstance(listener, Listener) and listener.chunk_size == 100
        db["docs"].insert({"title": "A", "text": "a varve", "year": 2026}).execute()
        assert db.rows("recent")[0]["title"] == "A"
        assert db.plan(listener).empty
    assert '"title":"A"' in program("query", "--json", "docs select title")


def test_what_a_key_may(folder, program):
    with varve.connect("./d") as db:
        db["docs"].insert({"x": 1}).execute()
        key = program(
            "keys", "create", "--data", "./d", "--name", "reader", "--scope", "read"
        ).split()[-1]
        with varve.connect(db.url, api_key=key) as reader:
            assert len(reader["docs"].execute()) == 1
            for write in (
                lambda: reader["docs"].insert({"x": 2}).execute(),
                lambda: reader.add(varve.Metric("m")),
            ):
                try:
                    write()
                except errors.ForbiddenError:
                    continue
                raise AssertionError("a key that reads has written")
