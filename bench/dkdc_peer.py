"""The to-do list of dkdc, as its expressions are, through ibis on SQLite.

dkdc reads through DuckDB's scanner of SQLite files, an extension that is
downloaded when it is used; where that cannot be had, ibis runs the same
expressions on SQLite itself, which reads such a file faster. An array is not
SQLite's, so labels stay the text that they are stored as.

    dkdc_peer.py FILE ROWS TIMES

fills a list with ROWS to-dos and prints as JSON the seconds that each of TIMES
appends and updates took.
"""

import datetime
import json
import sys
import time

import ibis

ROWS, TIMES = int(sys.argv[2]), int(sys.argv[3])

con = ibis.sqlite.connect(sys.argv[1])
SCHEMA = ibis.schema({"idx": "timestamp", "id": "str", "user_id": "str", "subject": "str", "body": "str",
                      "priority": "int", "status": "str", "description": "str", "labels": "str"})
con.create_table("todos", schema=SCHEMA)


def now():
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def todos_t():
    t = con.table("todos")
    rank = ibis.row_number().over(ibis.window(group_by="id", order_by=ibis.desc("idx")))
    t = t.mutate(rank=rank).filter(ibis._["rank"] == 0).drop("rank")
    return t.order_by(ibis.asc("priority"), ibis.desc("idx"))


def contains(id):
    t = todos_t()
    return t.filter(t["id"] == id).count().to_pyarrow().as_py() > 0


def get(id):
    t = todos_t()
    return t.filter(t["id"] == id).to_pyarrow().to_pylist()[0]


def insert(ids, body):
    n = len(ids)
    con.insert("todos", {"idx": [now()] * n, "id": ids, "user_id": ["user"] * n, "subject": ["homework"] * n,
                         "body": [body] * n, "priority": [100] * n, "status": [None] * n,
                         "description": [None] * n, "labels": ["cli"] * n})


def append(id):
    if contains(id):
        raise ValueError(f"todo {id} already exists")
    insert([id], "do your homework before it is too late for it")
    return get(id)


def update(id):
    if not contains(id):
        raise ValueError(f"todo {id} does not exist")
    insert([id], "done")
    return get(id)


for start in range(0, ROWS, 10_000):
    insert([f"{n:08x}-todo" for n in range(start, min(start + 10_000, ROWS))], "do your homework")

took = {"append": [], "update": []}
for n in range(TIMES + 1):
    for what, call, id in (("append", append, f"new {n}"), ("update", update, f"{n:08x}-todo")):
        begin = time.perf_counter()
        got = call(id)
        took[what].append(time.perf_counter() - begin)
        assert got["id"] == id
print(json.dumps({"version": ibis.__version__, **{what: t[1:] for what, t in took.items()}}))
