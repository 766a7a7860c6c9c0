"""What was opened: the parts of a datalayer, without secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import errors
from ._calls import Calls
from ._client import path
from ._place import PLAIN, Place, same


@dataclass(frozen=True)
class Part:
    """One part of a datalayer. ``kind`` is the scheme of its URL."""

    kind: str
    url: str
    name: str = field(default="", repr=False, compare=False)  # of the database


class Databackend(Part):
    """The database with the user's tables."""

    def __init__(self, part: Part, calls: Calls, user: str | None) -> None:
        super().__init__(part.kind, part.url)
        self.__dict__.update(_calls=calls, _user=user)

    _calls: Calls
    _user: str | None

    @property
    def features(self) -> dict[str, Any]:
        """What the database can do."""
        answer = self._json("GET", path("databackend"))
        features: dict[str, Any] = answer["features"]
        return features

    def list_tables(self) -> list[str]:
        """The names of the tables that may be asked about, in order."""
        return [table["name"] for table in self._json("GET", path("tables"))["data"]]

    def describe(self, table: str) -> dict[str, Any]:
        """A table's columns with their types, and its key. Raises NotFoundError."""
        described: dict[str, Any] = self._json("GET", path("tables", table))
        return described

    def create_table(
        self,
        table: str,
        columns: Mapping[str, str] | Sequence[Mapping[str, Any]],
        *,
        key: str = "id",
    ) -> dict[str, Any]:
        """Declares a table in every detail: names and types, its key among them.
        Raises ExistsError where one of that name has other columns."""
        if isinstance(columns, Mapping):
            columns = [{"name": n, "type": t} for n, t in columns.items()]
        body = {"columns": list(columns), "key": key}
        made: dict[str, Any] = self._json("PUT", path("tables", table), body)
        return made

    def drop_table(self, table: str) -> None:
        """Drops a table that was made here, with its rows."""
        self._json("DELETE", path("tables", table))

    def _json(self, *args: Any) -> Any:
        return self._calls.json(*args, user=self._user)


def parts_of(calls: Calls, place: Place) -> dict[str, Part]:
    """What the server opened. Raises ConflictError where that is not what was
    asked for: a server that runs already keeps what it has."""
    server = calls.client.server
    try:
        told = calls.reach("GET", path("databackend"))
    except errors.NotFoundError as err:
        # A database that is not there is named; without a name the page is not.
        raise (err if err.field else _foreign(calls)) from None
    if not isinstance(told, Mapping) or "databackend" not in told:
        raise _foreign(calls)
    here = Part("server", calls.client.url)
    parts = {
        name: Part(**told[name], name=told["name"]) if name in told else here
        for name in ("databackend", "metadata", "artifacts", "compute")
    }
    if server is not None and server.process_id is None:
        for name, asked in place.asked.items():
            _compare(name, parts["databackend" if name == "url" else name], asked)
    return parts


def _foreign(calls: Calls) -> errors.UnsupportedError:
    return errors.UnsupportedError(
        f"what answers at {calls.client.url} is no server of Varve's, or one that is "
        "too old to have a datalayer",
        field="url",
    )


def _compare(name: str, part: Part, asked: str) -> None:
    if name in PLAIN and not same(part.kind, part.url, asked, PLAIN[name]):
        raise errors.ConflictError(
            f"the server that runs on this folder has {part.url}; name another folder, "
            "data=…, or end that server",
            field=name,
        )
