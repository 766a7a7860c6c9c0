"""What an app puts into metadata always becomes JSON."""

import datetime
import json
import math

import pytest

from varve import _json
from varve.errors import InvalidError


def written(value):
    return json.loads(_json.encode(value))


def test_plain_values_are_written_as_they_are():
    value = {"a": [1, 2.5, True, None, "é"], "big": 2**70}
    assert written(value) == value


def test_lone_surrogates_leave_as_escapes():
    assert _json.encode({"a": "\ud800"}) == b'{"a": "\\ud800"}'


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_lacks_become_null(number):
    assert written({"a": [number, 1.5]}) == {"a": [None, 1.5]}


def test_other_objects_become_their_text():
    at = datetime.datetime(2026, 1, 2)
    assert written({"at": at, "n": math.nan}) == {"at": str(at), "n": None}
    assert written({"at": at}) == {"at": str(at)}
    assert written({"b": b"abc"}) == {"b": "<3 bytes>"}


def test_an_object_whose_text_fails_becomes_null():
    class Silent:
        def __str__(self):
            raise RuntimeError

    assert written({"a": Silent()}) == {"a": None}


def test_keys_that_are_no_strings_become_their_text():
    assert written({(1, 2): {True: 1, None: 2, 3: 4}}) == {
        "(1, 2)": {"true": 1, "null": 2, "3": 4}
    }


def test_a_circle_ends():
    value = {"a": 1}
    value["self"] = value
    assert written(value) == {"a": 1, "self": None}


def test_bottomless_nesting_is_invalid():
    value = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(InvalidError):
        _json.encode(value)
