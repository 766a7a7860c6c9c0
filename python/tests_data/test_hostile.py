"""What a caller may get wrong: each is an error with a kind that names its place."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import gc
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import varve
from varve import Application, Model, errors
from varve._blocking import Loop
from varve.query import Select
from varve.server import Server

UTC = datetime.timezone.utc
EAST = datetime.timezone(datetime.timedelta(hours=5))
docs = Select("docs")


@pytest.mark.parametrize(
    "value, says",
    [
        (lambda: 10**5000, "too long"),
        (decimal.Decimal("nan"), "None"),
        (decimal.Decimal("snan"), "None"),
        (datetime.datetime.min.replace(tzinfo=EAST), "year 1"),
        (datetime.date(2026, 1, 1), "isoformat"),
        ({1}, "list"),
        ("\ud800", "half a character"),
        (lambda: docs.n, "not columns"),
        (pathlib.Path("a"), "text"),
    ],
)
def test_a_value_without_an_exact_form(value, says):
    from varve import _values

    if callable(value):
        value = value()  # what pytest could not print
    with pytest.raises(errors.InvalidError, match=says) as refused:
        _values.dump(docs.insert([{"a": 1}, {"a": value}]).json())
    assert refused.value.field == "rows[1].a"


def test_values_of_numpy_and_pandas():
    np, pd = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    written = docs.insert({"v": np.ones(2, ">f4")}).json()["insert"]
    assert written["types"] == {"v": "vector[2]"}
    for value, says in (
        (np.longdouble("0.1"), "exact form"),
        (np.zeros(0, "f4"), "nothing"),
        (np.array(["a"]), "tolist"),
        (pd.Timestamp("2026-01-01T00:00:00.000000001"), "nanoseconds"),
        (np.datetime64("2026-01-01T00:00:00.000000001"), "nanoseconds"),
    ):
        with pytest.raises(errors.InvalidError, match=says) as refused:
            docs.insert({"v": value}).json()
        assert refused.value.field == "rows[0].v"


@pytest.mark.parametrize(
    "ask, field",
    [
        (lambda: docs.insert(None).json(), "rows"),
        (lambda: docs.insert({"a": 1}, types=["a"]), "types"),
        (lambda: docs.update([1]), "set"),
        (lambda: docs.filter(docs.n.isin("ab")), "n"),
        (lambda: docs.filter(docs.n.isin(5)), "n"),
        (lambda: docs.filter({"n": {">": {1}}}).json(), "n.>"),
        (lambda: docs.join(5, ("a", "b")), "join"),
        (lambda: docs.select(["a", "b"]).json(), "select"),
        (lambda: docs.order_by(5).json(), "order_by"),
    ],
)
def test_a_question_that_is_none(ask, field):
    with pytest.raises(errors.InvalidError) as refused:
        ask()
    assert refused.value.field == field


def test_conditions_in_json_take_pythons_values():
    at = datetime.datetime(2026, 1, 1, tzinfo=UTC)
    said = docs.filter({"at": {">": at}, "raw": b"\x00"}).json()["select"]["where"]
    assert said == {"at": {">": "2026-01-01T00:00:00.000000Z"}, "raw": "AA=="}


def test_components_that_are_none(lite):
    app = Application("app")
    app.components = [app]
    for wrong, field in (
        (app, "application/app"),
        (Model("m", models=5), "model/m.models"),
        (Model("m", artifacts=[b"a"]), "model/m.artifacts"),
        (Model("m", config={"a": object()}), "model/m.config.a"),
    ):
        with pytest.raises(errors.InvalidError) as refused:
            lite.add(wrong)
        assert refused.value.field == field
    for ask, field in (
        (lambda: lite.replace([Model("a"), Model("b")]), "component"),
        (lambda: lite.show(Model), "type_id"),
        (lambda: lite.load("model", "m", 10**5000), "version"),
        (lambda: lite.rows(5), "dataset"),
        (lambda: lite.artifact_store.put(5), "content"),
        (lambda: lite.artifact_store.put(b"", "☃"), "media_type"),
        (lambda: lite.artifact_store.exists("x"), "digest"),
    ):
        with pytest.raises(errors.InvalidError) as refused:
            ask()
        assert refused.value.field == field
    with pytest.raises(TypeError):
        "docs" in lite  # noqa: B015


def test_two_columns_of_one_name(lite):
    with pytest.raises(errors.InvalidError, match="AS"):
        lite.execute(varve.query.raw("select 1 as x, 2 as x"))


@pytest.mark.parametrize(
    "url, given, field",
    [
        ("http://127.0.0.1:99999", {}, "url"),
        ("http://ada:pw@127.0.0.1", {}, "url"),
        ("http://127.0.0.1", {"api_key": "ü"}, "api_key"),
        ("http://127.0.0.1", {"api_key": 5}, "api_key"),
        ("http://127.0.0.1", {"user": 5}, "user"),
        ("http://127.0.0.1", {"data": "d"}, "data"),
        ("http://127.0.0.1", {"api_kei": "k"}, "api_kei"),
        ("sqlite:a\0b", {}, "url"),
        (5, {}, "url"),
    ],
)
def test_an_opening_that_is_wrong(url, given, field):
    with pytest.raises(errors.InvalidError) as refused:
        varve.connect(url, **given)
    assert refused.value.field == field and "pw" not in str(refused.value)


def test_after_closing(folder):
    db = varve.connect("sqlite:app.db")
    db.close()
    db.close()
    with pytest.raises(errors.UnavailableError, match="closed"):
        db["docs"].execute()


def test_a_datalayer_that_nobody_has(folder):
    db = varve.connect("sqlite:app.db")
    db["docs"].insert([{"n": n} for n in range(3)]).execute()
    thread = db._calls.client.server._thread
    cursor = db["docs"].stream()
    del db
    gc.collect()
    assert len(list(cursor)) == 3  # it was not in the middle of an answer
    del cursor
    gc.collect()
    thread.join()  # the server was stopped


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is nothing like it")
def test_a_forked_process_leaves_its_parent_alone(folder):
    # In a process of its own: this one has threads of other tests.
    script = """
import os, varve
db = varve.connect("memory:")
db["docs"].insert({"id": "a"}).execute()
child = os.fork()
if child == 0:
    code = 9
    try:
        code = len(db["docs"].execute())
        db.close()
    finally:
        os._exit(code)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
print(db["docs"].execute()[0]["id"])
db.close()
"""
    told = _python(script)
    assert (told.returncode, told.stdout) == (0, "a\n"), told.stderr


def test_an_interrupted_call_is_given_up():
    # What is started in the background of a shell ignores this signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    begun, given_up = threading.Event(), threading.Event()

    async def call():
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            given_up.set()

    def interrupt():
        begun.wait()
        os.kill(os.getpid(), signal.SIGINT)

    loop, other = Loop(), threading.Thread(target=interrupt)
    other.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            loop.run(call())
    finally:
        signal.signal(signal.SIGINT, before)
    assert given_up.wait(300)
    other.join()
    loop.close()


def test_what_answers_is_something_else():
    class Other(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = b"<html>"
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Other)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        for status, kind in ((404, "unsupported"), (200, "unavailable")):
            with pytest.raises(errors.VarveError, match="Varve") as refused:
                varve.connect(f"http://127.0.0.1:{server.server_port}")
            assert refused.value.kind == kind
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def test_a_program_that_is_another(folder):
    server = Server("d", binary=shutil.which("false"))
    server.start()
    while server.failure is None:
        threading.Event().wait(0.05)
    assert server.binary in server.failure and "code 1" in server.failure
    server.stop()
    with pytest.raises(errors.NotFoundError, match="VARVE_BINARY") as refused:
        varve.connect("sqlite:app.db", binary="/no/such")
    assert refused.value.field == "binary" and isinstance(refused.value, OSError)


def _python(script):
    root = str(pathlib.Path(varve.__file__).parent.parent)
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "PYTHONPATH": root},
    )
