"""The datalayer: tables, components and artifacts behind one object.

::

    import varve

    db = varve.connect("sqlite:app.db")      # a file; no server needs to run
    db["docs"].insert([{"text": "hello", "n": 1}]).execute()
    t = db["docs"]
    t.filter(t.n > 0).order_by("-n").execute()

    db.add(varve.Table("docs", schema=varve.Schema("docs-fields", fields={"text": "text"})))
    db.show()

A question is built as ``varve.query`` says, given as its JSON form, or as text.
"""

from __future__ import annotations

import decimal
import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Union

from . import _values
from ._answers import Cursor
from ._artifacts import ArtifactStore
from ._calls import Calls
from ._client import Client, path
from ._components import Components
from ._parts import Databackend, Part, parts_of
from ._place import Place
from .errors import InvalidError
from .query import Question, Select

__all__ = ["Datalayer"]

_LINES = "application/x-ndjson"

Asked = Union[Question, Mapping[str, Any], str]


class Datalayer(Components):
    """An open datalayer; ``varve.connect`` makes one. It may be used by several
    threads, and is closed by ``close`` or ``with``."""

    def __init__(
        self,
        place: Place,
        *,
        api_key: str | None = None,
        user: str | None = None,
        database: str | None = None,
        binary: str | None = None,
    ) -> None:
        client = Client(
            place.server,
            api_key=api_key,
            data=place.data or os.environ.get("VARVE_DATA") or "varve-data",
            database=database,
            arguments=("--log", "warn"),
            environment=place.environment,
            binary=binary,
            # One that is only starting will answer, on however busy a machine.
            retry_seconds=30.0 if place.server else 60.0,
            read_retry_seconds=8.0 if place.server else 60.0,
        )
        self._user = user
        self._calls = Calls(client, place.clean)
        try:
            self._parts = parts_of(self._calls, place)
        except BaseException:
            self.close()
            raise

    def __getitem__(self, name: str) -> Select:
        """What is asked about a table, or a model, of this name. Nothing is looked
        up before it is executed."""
        if not isinstance(name, str) or not name:
            raise InvalidError("a table is named by its text", field="table")
        return Select(name, self)

    def execute(
        self,
        query: Asked,
        *args: Any,
        stream: bool = False,
        decimals: bool = False,
        plain: bool = False,
    ) -> Any:
        """Asks a question: a builder's, a dict of the JSON form, or text, as in
        ``"docs where n > 5 order by n"``.

        A select returns Rows, a list of dicts; with ``stream`` a Cursor, which
        reads them as they are needed. Everything else returns Written, a list of
        keys. Times come as aware datetimes in UTC, bytes as bytes, vectors and
        tensors as lists; with ``decimals`` reals and other numbers with a fraction
        as Decimal, with ``plain`` all values as JSON has them. Raises the errors of ``varve.errors``; a write whose answer was
        lost is an UnavailableError, and a look tells whether it was done.
        """
        if args:
            raise InvalidError(
                "arguments go with varve.query.raw(sql, …)", field="args"
            )
        asked = query.json() if isinstance(query, Question) else query
        if not isinstance(asked, (Mapping, str)):
            raise InvalidError(
                f"{type(query).__name__} is no question; build one, or give its JSON "
                "form or its text",
                field="query",
            )
        cursor = Cursor(
            self._calls.open(
                "POST",
                path("execute"),
                _values.dump(asked),
                content_type="application/json",
                accept=_LINES,
                user=self._user,
                repeatable=isinstance(asked, Mapping) and "select" in asked,
            ),
            real=decimal.Decimal if decimals else float,
            plain=plain,
        )
        if cursor.written is not None:
            written = cursor.written
            cursor.all()
            return written
        return cursor if stream else cursor.all()

    @property
    def databackend(self) -> Databackend:
        """The database with the user's tables."""
        return Databackend(self._parts["databackend"], self._calls, self._user)

    @property
    def metadata(self) -> Part:
        """Where components are registered."""
        return self._parts["metadata"]

    @property
    def artifact_store(self) -> ArtifactStore:
        """Where large bytes lie."""
        return ArtifactStore(self._parts["artifacts"], self._calls, self._user)

    @property
    def compute(self) -> Part:
        """What runs jobs."""
        return self._parts["compute"]

    @property
    def name(self) -> str:
        """The name of the database, by which ``drop`` is confirmed."""
        return self._parts["databackend"].name

    @property
    def url(self) -> str:
        """The address of the server behind this."""
        return self._calls.client.url

    def close(self) -> None:
        """Closes connections, and stops the server if this process started it.
        Closing twice is no error. A datalayer that nobody has any more is closed
        by itself."""
        self._calls.close()

    def disconnect(self) -> None:
        """Is ``close``."""
        self.close()

    def __enter__(self) -> Datalayer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        err: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    __iter__ = None  # "docs" in db, for row in db: neither is meant

    def __repr__(self) -> str:
        return f"Datalayer({self._parts['databackend'].url!r})"
