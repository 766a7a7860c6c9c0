"""``varve chat import`` of what the real literalai client writes."""

from __future__ import annotations

import json
import subprocess

import pytest
from literal_threads import files, thread, user
from literalai.observability.thread import Thread

SHAPES = files()


def run(binary: str, *arguments: object) -> str:
    done = subprocess.run(
        [binary, "chat", *map(str, arguments)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def imported(binary: str, folder, text: str) -> list[dict]:
    """What a database holds after an import, which a second one does not change."""
    path = folder / "threads.json"
    path.write_text(text, encoding="utf-8")
    data = folder / "data"
    run(binary, "import", "--data", data, path)
    first = run(binary, "export", "--data", data)
    again = json.loads(run(binary, "import", "--data", data, "--json", path))
    assert again["created"]["threads"] == 0
    assert run(binary, "export", "--data", data) == first
    return [json.loads(line) for line in first.splitlines()]


def threads(records: list[dict]) -> dict[str, dict]:
    return {r["thread"]["id"]: r["thread"] for r in records if r["kind"] == "thread"}


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_every_shape_gives_the_same_thread(binary, folder, shape):
    alone = folder / "alone"
    alone.mkdir()
    expected = threads(imported(binary, alone, SHAPES["list.json"]))["thread-1"]
    there = folder / "there"
    there.mkdir()
    assert threads(imported(binary, there, SHAPES[shape]))["thread-1"] == expected


def test_users_and_steps_that_stand_by_themselves(binary, folder):
    records = imported(binary, folder, SHAPES["lines.jsonl"])
    (ana,) = (r["user"] for r in records if r["kind"] == "user")
    assert ana["identifier"] == "ana@example.org" and ana["id"] == user().id
    assert ana["metadata"] == {"role": "admin"}
    found = threads(records)
    assert [s["id"] for s in found["thread-4"]["steps"]] == ["loose-1", "loose-2"]
    assert found["thread-2"]["userIdentifier"] == "ana@example.org"


def test_chainlit_would_show_the_same(binary, folder):
    """Chainlit has a mapping of its own for what it keeps there."""
    converting = pytest.importorskip("chainlit.data.literalai")
    if not hasattr(converting, "LiteralToChainlitConverter"):
        pytest.fail("Chainlit maps in another way: look at it")
    read = Thread.from_dict(thread().to_dict())
    theirs = converting.LiteralToChainlitConverter.thread_to_threaddict(read)
    ours = threads(imported(binary, folder, SHAPES["list.json"]))["thread-1"]
    assert ours["name"] == theirs["name"] and ours["tags"] == theirs["tags"]
    assert ours["userIdentifier"] == theirs["userIdentifier"]
    assert ours["metadata"] == theirs["metadata"]
    steps = {s["id"]: s for s in ours["steps"]}
    for expected in theirs["steps"]:
        step = steps[expected["id"]]
        for key in ("threadId", "parentId", "type", "name", "generation", "isError"):
            assert step[key] == expected[key], key
        assert meaning(step["input"]) == meaning(expected["input"])
        if not step["isError"]:  # Chainlit leaves the message of an error out
            assert meaning(step["output"]) == meaning(expected["output"])
        assert step["language"] == expected["language"]
        assert bool(step["feedback"]) == bool(expected["feedback"])
        if step["feedback"]:
            assert step["feedback"]["value"] == expected["feedback"]["value"]
            assert step["feedback"]["comment"] == expected["feedback"]["comment"]
    elements = {e["id"]: e for e in ours["elements"]}
    for expected in theirs["elements"]:
        element = elements[expected["id"]]
        for key in ("name", "mime", "url", "display", "size", "page", "language"):
            assert element[key] == expected[key], key


def meaning(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
