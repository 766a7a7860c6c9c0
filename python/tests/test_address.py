"""Which words name a server."""

import pytest

from varve import _address
from varve._client import path
from varve.errors import InvalidError


@pytest.mark.parametrize(
    "url, socket, host, port, authority, base",
    [
        ("http://127.0.0.1:8484", None, "127.0.0.1", 8484, "127.0.0.1:8484", ""),
        ("http://127.0.0.1:8484/", None, "127.0.0.1", 8484, "127.0.0.1:8484", ""),
        ("https://v.example/x/", None, "v.example", 443, "v.example", "/x"),
        ("http://[::1]:8484", None, "::1", 8484, "[::1]:8484", ""),
        ("unix:/run/varve.sock", "/run/varve.sock", "localhost", 0, "localhost:0", ""),
        (
            "unix:///run/varve.sock",
            "/run/varve.sock",
            "localhost",
            0,
            "localhost:0",
            "",
        ),
    ],
)
def test_addresses(url, socket, host, port, authority, base):
    address = _address.parse(url)
    assert (address.socket, address.host, address.port) == (socket, host, port)
    assert address.base == base
    assert address.authority == ("localhost" if socket else authority)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8484", "postgresql://h/db", "unix:", "http://", "ftp://h"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ValueError):
        _address.parse(url)


def test_a_refusal_shows_no_password():
    with pytest.raises(ValueError) as refusal:
        _address.parse("postgresql://me:secret@host/db")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "segment, escaped",
    [
        ("a b", "a%20b"),
        ("a/b?c#d", "a%2Fb%3Fc%23d"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("a.b", "a.b"),
        ("é", "%C3%A9"),
        ("\ud800", "%ED%A0%80"),
    ],
)
def test_any_id_fits_into_a_path(segment, escaped):
    assert path("threads", segment) == f"/v1/threads/{escaped}"


def test_an_empty_id_is_invalid():
    with pytest.raises(InvalidError):
        path("threads", "", "author")
