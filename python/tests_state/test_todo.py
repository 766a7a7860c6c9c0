"""The to-do list, as code written for dkdc-todo uses it."""

from __future__ import annotations

import datetime
import json
import subprocess
import threading

import pytest
from varve.todo import Todo

ITEM = {"id": "test", "user_id": None, "subject": None}


@pytest.fixture
def todo(folder):
    return Todo(dbpath="data.db")


def test_an_item_is_appended_and_updated(todo):
    first = todo.append_todo(**ITEM, body="do your homework")
    assert isinstance(first["idx"], datetime.datetime) and first["idx"].tzinfo is None
    del first["idx"]
    assert first == {
        **ITEM,
        "body": "do your homework",
        "priority": 100,
        "status": None,
        "description": None,
        "labels": None,
    }
    todo.update_todo(**ITEM, body="do your homework!")
    assert [item["body"] for item in todo()] == ["do your homework!"]
    history = todo.wcon.table(todo.todos_table_name).to_pyarrow().to_pylist()
    assert [row["body"] for row in history] == ["do your homework", "do your homework!"]
    assert history[0]["idx"] < history[1]["idx"]


def test_what_is_there_and_what_is_not(todo):
    assert not todo.contains_todo("test")
    with pytest.raises(ValueError, match="test does not exist"):
        todo.update_todo(**ITEM, body="x")
    with pytest.raises(ValueError, match="test does not exist"):
        todo.get_todo("test")
    todo.append_todo(**ITEM, body="x")
    with pytest.raises(ValueError, match="test already exists"):
        todo.append_todo(**ITEM, body="y")
    assert todo.get_todo("test")["body"] == "x"


def test_an_update_replaces_the_whole_row(todo):
    todo.append_todo(**ITEM, body="x", priority=1, status="done", labels=["a"])
    item = todo.update_todo(**ITEM, body="y")
    assert (item["priority"], item["status"], item["labels"]) == (100, None, None)


def test_labels_with_commas_survive(todo):
    todo.append_todo(**ITEM, body="x", labels=["a,b", "", "c"])
    assert todo.get_todo("test")["labels"] == ["a,b", "", "c"]
    assert todo.t().to_pyarrow()["labels"].to_pylist() == [["a,b", "", "c"]]


def test_the_order_is_priority_then_newest(todo):
    for id, priority in (("low", 100), ("high", 0), ("low2", 100)):
        todo.append_todo(
            id=id, user_id=None, subject=None, body=None, priority=priority
        )
    assert [item["id"] for item in todo()] == ["high", "low2", "low"]
    assert todo.t().to_pyarrow()["id"].to_pylist() == ["high", "low2", "low"]


def test_users_see_the_newest_of_what_is_theirs(todo):
    for user in ("alice", "", None):
        todo.append_todo(id=f"{user}'s", user_id=user, subject=None, body="x")
    todo.append_todo(id="moved", user_id="alice", subject=None, body="old")
    todo.update_todo(id="moved", user_id="bob", subject=None, body="new")
    assert [item["id"] for item in todo("alice")] == ["alice's"]
    assert [item["id"] for item in todo("bob")] == ["moved"]
    assert [item["id"] for item in todo("")] == ["'s"]
    assert len(todo()) == 4
    assert todo.contains_todo("moved", "bob") and not todo.contains_todo(
        "moved", "alice"
    )


def test_of_many_callers_one_appends(todo):
    won, lost = [], []

    def append(n):
        try:
            won.append(todo.append_todo(**ITEM, body=str(n))["body"])
        except ValueError as err:
            lost.append(err)

    threads = [threading.Thread(target=append, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1 and len(lost) == 15
    assert todo.wcon.table("todos").to_pyarrow()["body"].to_pylist() == won


def test_more_than_a_page(todo):
    rows = [
        {"op": "append", "values": {"id": f"{n:05d}", "priority": n % 3}}
        for n in range(2500)
    ]
    todo.wcon.tables.write("todos", rows)
    listed = [(item["priority"], item["id"]) for item in todo()]
    assert len(listed) == 2500
    assert listed == sorted(listed, key=lambda i: (i[0], -int(i[1])))
    assert len(todo.wcon.table("todos").to_pyarrow()) == 2500


def test_clear_and_two_lists_of_one_file(todo):
    other = Todo(dbpath="./data.db")
    todo.append_todo(**ITEM, body="x")
    assert other.contains_todo("test")
    todo._clear("todos")
    assert todo() == [] and other() == []
    other.append_todo(**ITEM, body="again")
    assert todo.get_todo("test")["body"] == "again"


def test_other_processes_see_it(todo, binary, folder):
    todo.append_todo(**ITEM, body="from here")
    told = subprocess.run(
        [binary, "todo", "list", "--url", "sqlite:data.db", "--json"],
        capture_output=True,
        check=True,
        cwd=folder,
    )
    assert [item["body"] for item in json.loads(told.stdout)] == ["from here"]
