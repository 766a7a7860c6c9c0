"""Superduper on SQLite: rows in, rows out, an application of components.

    superduper_peer.py FOLDER ROWS COMPONENTS TIMES

prints as JSON the seconds that each of TIMES turns took: inserting ROWS rows,
selecting all of them, selecting one by its key, and applying an application of
COMPONENTS models that are data (no functions, so nothing is pickled): anew,
unchanged, and with one field of one of them changed.
"""

import contextlib
import importlib.metadata
import io
import json
import os
import sys
import time

folder, rows, components, times = sys.argv[1], *map(int, sys.argv[2:5])
os.chdir(folder)
os.environ["SUPERDUPER_LOG_LEVEL"] = "ERROR"
said = io.StringIO()
took = {what: [] for what in ("insert", "all", "one", "apply", "unchanged", "leaf")}


def timed(what, do):
    begin = time.perf_counter()
    got = do()
    took[what].append(time.perf_counter() - begin)
    return got


def documents(turn):
    return [{"id": f"{turn:02d}-{i:08d}", "title": f"document {i}", "n": i, "score": i / 7,
             "body": "What an application would be sorry to lose. " * 8} for i in range(rows)]


with contextlib.redirect_stdout(said):
    from superduper import Application, Table, superduper
    from superduper.components.model import APIBaseModel

    def application(name, changed):
        return Application(f"app{name}", components=[
            APIBaseModel(identifier=f"m{name}-{i}", model="hash", max_batch_size=changed if i == 0 else 1)
            for i in range(components - 1)])

    db = superduper(f"sqlite://{folder}/superduper.db", force_apply=True)
    for turn in range(times):
        table = f"docs{turn}"
        db.apply(Table(table, fields={"id": "str", "title": "str", "n": "int", "score": "float", "body": "str"}))
        some = documents(turn)
        timed("insert", lambda: db[table].insert(some))
        assert len(timed("all", lambda: db[table].select().execute())) == rows
        key = some[rows // 2]["id"]
        t = db[table]
        found = timed("one", lambda: list(t.filter(t["id"] == key).select("id", "title", "n", "score").execute()))
        assert found[0]["n"] == rows // 2
        timed("apply", lambda: db.apply(application(turn, 1)))
        timed("unchanged", lambda: db.apply(application(turn, 1)))
        timed("leaf", lambda: db.apply(application(turn, 2)))
    assert len(db.show("APIBaseModel")) == times * (components - 1)

json.dump({"version": importlib.metadata.version("superduper-framework")} | took, sys.stdout)
