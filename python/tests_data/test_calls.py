"""What can happen on the way: several callers, a server that dies."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from varve import errors


def test_one_datalayer_for_many_threads(db):
    db["docs"].insert({"id": "first", "n": -1}).execute()

    def work(n):
        ids = db["docs"].insert([{"n": n}, {"n": n}]).execute().ids
        found = db["docs"].select_using_ids(ids).select("n").execute()
        return found == [{"n": n}, {"n": n}]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(40)))
    assert len(db["docs"].execute()) == 81


def test_an_answer_that_is_cut_off_is_an_error(lite):
    t = lite["docs"]
    t.insert([{"n": n, "text": "x" * 1000} for n in range(20_000)]).execute()
    cursor = t.stream()
    assert next(cursor)["n"] == 0
    os.kill(lite._calls.client.server.process_id, signal.SIGKILL)
    with pytest.raises(errors.UnavailableError):
        for _ in cursor:
            pass
    assert len(t.limit(5).execute()) == 5  # it was started again


def test_what_is_too_large_is_refused_early(lite):
    with pytest.raises(errors.TooLargeError):
        lite["docs"].insert({"text": "x" * (33 << 20)}).execute()
    assert "docs" not in lite.databackend.list_tables()
