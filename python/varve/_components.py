"""The verbs of components: add, plan, show, load, replace, remove, drop."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Union

from . import _values
from ._artifacts import ArtifactStore, put_large
from ._calls import Calls
from ._client import path
from ._component import Artifact, Component
from ._results import Applied, Plan, Ref, Removed, ref, refs
from .components import Dataset, Template
from .errors import InvalidError, UnsupportedError

Declared = Union[Component, Mapping[str, Any]]

_PAGE = 200


class Components:
    """What a datalayer does with components. The server checks, compares and
    stores; here declarations are written and answers are read."""

    _calls: Calls
    _user: str | None

    @property
    def artifact_store(self) -> ArtifactStore:
        """Where large bytes lie."""
        raise NotImplementedError

    def execute(self, query: Any, *, plain: bool = False) -> Any:
        raise NotImplementedError

    def apply(
        self, components: Declared | Iterable[Declared], *, always: bool = False
    ) -> Applied:
        """Stores components, one or many, with those inside them: all or none. What
        is equal to its newest version stays, what differs harmlessly is updated in
        place, what breaks is a new version; ``always`` makes one of each."""
        body = self._declared(components)
        return Applied.of(self._ask("POST", ("apply",), body, **_policy(always)))

    def add(
        self, components: Declared | Iterable[Declared], *, always: bool = False
    ) -> Applied:
        """Is ``apply``."""
        return self.apply(components, always=always)

    def plan(
        self, components: Declared | Iterable[Declared], *, always: bool = False
    ) -> Plan:
        """What ``apply`` would do with the same components, which is not done."""
        body = self._declared(components)
        return Plan.of(self._ask("POST", ("plan",), body, **_policy(always)))

    def fill(self, template: Template | str, /, **values: Any) -> list[Component]:
        """The components that a template makes with values for its variables, of a
        Template or of the newest that was applied under an identifier; ``add``
        stores them. Raises InvalidError for a variable without a value and for a
        value without a variable."""
        of = self.load("template", template) if isinstance(template, str) else template
        if not isinstance(of, Template):
            raise InvalidError(
                f"is a Template or the identifier of one, and no {type(of).__name__}",
                field="template",
            )
        declared = of.replace(blobs={}).json()
        exact = {name: _values.document(v, name, 0) for name, v in values.items()}
        asked = {"template": declared, "values": exact}
        made = self._ask("POST", ("fill",), asked)["data"]
        return [Component.from_json(one, self.artifact_store.read) for one in made]

    def show(
        self,
        type_id: str | None = None,
        identifier: str | None = None,
        version: int | None = None,
        *,
        uuid: str | None = None,
        hidden: bool = False,
    ) -> Any:
        """As much as is named: dicts of all components; the identifiers of a type;
        the versions of a component, none when there is none; the record of a
        version, -1 for the newest. With ``hidden``, hidden versions count."""
        _text(type_id=type_id, identifier=identifier, uuid=uuid)
        if version is not None and not uuid and not (type_id and identifier):
            raise InvalidError(
                f"is None, and version {version} of what is meant?", field="identifier"
            )
        flags: dict[str, Any] = {"hidden": _flag(hidden)}
        if uuid or version is not None:
            return self._ask("GET", _which(type_id, identifier, version, uuid), **flags)
        if identifier:
            if not type_id:
                raise InvalidError("is missing", field="type_id")
            found = self._ask("GET", ("components", type_id, identifier), **flags)
            return [v["version"] for v in found["data"]]
        listed = list(self._list(type=type_id, **flags))
        return [c["identifier"] for c in listed] if type_id else listed

    def load(
        self,
        type_id: str | None = None,
        identifier: str | None = None,
        version: int | None = None,
        allow_hidden: bool = False,
        uuid: str | None = None,
    ) -> Any:
        """A stored component with those inside it: the newest version, that of a
        number, or that of a uuid. Large bytes are Artifacts, and read when they are
        asked for. Raises NotFoundError."""
        target = _which(type_id, identifier, version, uuid)
        flags: dict[str, Any] = {"form": "whole", "hidden": _flag(allow_hidden)}
        said = self._ask("GET", target, **flags)
        return Component.from_json(said, self.artifact_store.read)

    def replace(self, component: Declared, upsert: bool = False) -> Ref:
        """Overwrites a record in place: of the version that the component names, or
        the newest; nothing runs. Raises NotFoundError when there is none, unless
        ``upsert``."""
        if isinstance(component, (list, tuple)):
            raise InvalidError("is one component", field="component")
        said = self._declared(component)[0]
        target = ("components", *_named(said.get("type_id"), said.get("identifier")))
        return ref(self._ask("PUT", target, said, upsert=_flag(upsert)))

    def remove(
        self,
        type_id: str | None = None,
        identifier: str | None = None,
        version: int | None = None,
        force: bool = False,
        *,
        uuid: str | None = None,
        recursive: bool = False,
        dry_run: bool = False,
    ) -> Removed:
        """Removes a version, or all versions of a component. One that others have
        inside them is a ConflictError that names these, and nothing is removed;
        with ``force`` it is hidden, and those that have it still load.
        ``recursive`` takes along what is inside and used by nobody else;
        ``dry_run`` tells, and removes nothing."""
        target: tuple[Any, ...]
        if uuid or version is not None:
            target = _which(type_id, identifier, version, uuid)
        else:
            target = ("components", *_named(type_id, identifier))
        flags = {"force": force, "recursive": recursive, "dryRun": dry_run}
        asked: dict[str, Any] = {name: _flag(on) for name, on in flags.items()}
        return Removed.of(self._ask("DELETE", target, repeatable=dry_run, **asked))

    def unhide(
        self, type_id: str, identifier: str, version: int | None = None
    ) -> list[Ref]:
        """Shows hidden versions again."""
        body = _body(type_id, identifier, version)
        return refs(self._ask("POST", ("unhide",), body)["data"])

    def purge(
        self, type_id: str | None = None, identifier: str | None = None
    ) -> list[Ref]:
        """Removes hidden versions that nobody uses any more."""
        body = _body(type_id, identifier, None)
        return refs(self._ask("POST", ("purge",), body)["data"])

    def drop(self, confirm: str, *, data: bool = False) -> None:
        """Forgets all components. ``confirm`` is the name of the database, so that
        it cannot happen by accident; the error says it. Rows stay, unless ``data``
        drops the tables that components declared."""
        self._ask("POST", ("drop",), {"confirm": confirm, "data": data})

    def parents(
        self, type_id: str, identifier: str, version: int | None = None
    ) -> list[Ref]:
        """The versions that have a component inside them."""
        return self._related("parents", type_id, identifier, version)

    def children(
        self, type_id: str, identifier: str, version: int | None = None
    ) -> list[Ref]:
        """The versions that a component has inside it."""
        return self._related("children", type_id, identifier, version)

    def rows(self, dataset: Dataset | str) -> list[Any]:
        """The rows of a data set, in JSON's values: of a pinned one as they were when
        it was applied, else as they are now. The same seed on the same rows gives
        the same sample."""
        of = self.load("dataset", dataset) if isinstance(dataset, str) else dataset
        if not isinstance(of, Dataset):
            raise InvalidError(
                f"is a Dataset or the identifier of one, and no {type(of).__name__}",
                field="dataset",
            )
        raw = of.raw_data
        if of.pin and raw:
            content = raw.read() if isinstance(raw, Artifact) else raw
            lines = content.splitlines()
            return [json.loads(line) for line in lines]
        found = self.execute(of.select, plain=True)
        if not of.sample_size:
            return list(found)
        chance = _chance(of.random_seed)
        drawn = ((next(chance), at, row) for at, row in enumerate(found))
        return [row for _, _, row in heapq.nsmallest(of.sample_size, drawn)]

    def predict(self, model: str, datum: Any) -> Any:
        """What a model says about a datum. Needs an engine: UnsupportedError."""
        asked = {"model": model, "input": _values.cell(datum, "predict.input")[0]}
        return self.execute({"predict": asked})

    def validate(self, *_: Any, **__: Any) -> Any:
        """Judges a model by metrics. Needs an engine: UnsupportedError."""
        raise UnsupportedError(
            "validate needs an engine that runs models, and this version has none"
        )

    def _declared(self, given: Declared | Iterable[Declared]) -> list[Any]:
        if isinstance(given, (Component, Mapping)):
            given = [given]
        if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
            raise InvalidError(
                f"only components can be applied, and no {type(given).__name__}",
                field="component",
            )
        put = put_large(self.artifact_store)
        out = []
        for at, one in enumerate(given):
            if isinstance(one, Component):
                out.append(one.json(put))
            elif isinstance(one, Mapping):
                out.append(_values.document(one, f"[{at}]", 0))
            else:
                raise InvalidError(
                    f"only components can be applied, and no {type(one).__name__}",
                    field=f"[{at}]",
                )
        return out

    def _list(self, **query: Any) -> Iterator[dict[str, Any]]:
        cursor = None
        while True:
            found = self._ask(
                "GET", ("components",), first=_PAGE, cursor=cursor, **query
            )
            yield from found["data"]
            if not found["pageInfo"]["hasNextPage"]:
                return
            cursor = found["pageInfo"]["endCursor"]

    def _related(
        self, what: str, type_id: str, identifier: str, version: int | None
    ) -> list[Ref]:
        target = (*_which(type_id, identifier, version, None), what)
        return refs(self._ask("GET", target, hidden="true")["data"])

    def _ask(
        self,
        method: str,
        target: tuple[Any, ...],
        body: Any = None,
        *,
        repeatable: bool = True,
        **query: Any,
    ) -> Any:
        answer = self._calls.call(
            method,
            path(*target),
            None if body is None else _values.dump(body),
            content_type=None if body is None else "application/json",
            query=query,
            user=self._user,
            repeatable=repeatable,
        )
        return json.loads(answer.body) if answer.body else None


def _flag(on: bool) -> str | None:
    return "true" if on else None


def _policy(always: bool) -> dict[str, Any]:
    # A version for each declaration: asked twice, there would be two.
    return {"policy": "always", "repeatable": False} if always else {}


def _text(**given: Any) -> None:
    for name, value in given.items():
        if value is not None and not isinstance(value, str):
            raise InvalidError(
                f'is text, such as "model", and no {type(value).__name__}', field=name
            )


def _named(type_id: Any, identifier: Any) -> tuple[str, str]:
    _text(type_id=type_id, identifier=identifier)
    if not type_id or not identifier:
        raise InvalidError(
            "a component is named by its type and identifier, or by its uuid",
            field="identifier",
        )
    return type_id, identifier


def _which(
    type_id: str | None, identifier: str | None, version: int | None, uuid: str | None
) -> tuple[Any, ...]:
    if uuid:
        return ("components", "-", uuid)
    named = _named(type_id, identifier)
    if version is not None and not isinstance(version, (int, str)):
        version = getattr(version, "item", lambda: version)()  # of numpy
    if isinstance(version, bool) or not isinstance(version, (int, type(None))):
        raise InvalidError("is a number from 0, or -1 for the newest", field="version")
    _values.document(version, "version", 0)
    return ("components", *named, "newest" if version in (None, -1) else str(version))


def _body(
    type_id: str | None, identifier: str | None, version: int | None
) -> dict[str, Any]:
    said = {"type_id": type_id, "identifier": identifier, "version": version}
    return {name: value for name, value in said.items() if value is not None}


def _chance(seed: int) -> Iterator[int]:
    """Numbers of 64 bits that a seed decides: PCG with the DXSM output, of which
    the seed is the upper half of the state."""
    wide, word = (1 << 128) - 1, (1 << 64) - 1
    state = (seed & word) << 64
    while True:
        state = (
            state * 0x2360ED051FC65DA44385DF649FCCF645
            + 0x5851F42D4C957F2D14057B7EF767814F
        ) & wide
        high, low = state >> 64, state & word
        high ^= high >> 32
        high = high * 0xDA942042E4DD58B5 & word
        high ^= high >> 48
        yield high * (low | 1) & word
