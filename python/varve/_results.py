"""What is told about components that are stored."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Ref:
    """One version of a component. In a plan, one that is yet to be made has no
    uuid."""

    type_id: str
    identifier: str
    version: int
    uuid: str = ""

    @property
    def link(self) -> str:
        """How records refer to this version."""
        return f"&:component:{self.type_id}:{self.identifier}:{self.version}"

    def __str__(self) -> str:
        return f"{self.type_id}/{self.identifier} version {self.version}"


@dataclass(frozen=True)
class Change:
    """A difference between what is stored and what is declared. One that breaks
    makes a new version."""

    field: str
    old: Any = None
    new: Any = None
    breaks: bool = False

    def __str__(self) -> str:
        mark = "!" if self.breaks else "~"
        if self.old is None:
            return f"{mark} {self.field}: {_short(self.new)}"
        return f"{mark} {self.field}: {_short(self.old)} -> {_short(self.new)}"


@dataclass(frozen=True)
class Action:
    """What is done with a component: ``create``, ``recreate``, ``update`` or
    nothing, ``unchanged``."""

    do: str
    ref: Ref
    changes: list[Change] = field(default_factory=list)
    status: str = ""
    reason: str = ""

    def __str__(self) -> str:
        waits = f" ({self.status}: {self.reason})" if self.reason else ""
        return "\n  ".join([f"{self.do} {self.ref}{waits}", *map(str, self.changes)])


@dataclass(frozen=True)
class Plan:
    """What an apply does, in its order; ``print`` shows it."""

    actions: list[Action]
    created: list[Ref]
    updated: list[Ref]
    unchanged: list[Ref]
    tables: list[str]
    jobs: list[str]

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Plan:
        return cls(
            [_action(a) for a in said["actions"]],
            refs(said["created"]),
            refs(said["updated"]),
            refs(said["unchanged"]),
            said["tables"],
            said["jobs"],
        )

    @property
    def empty(self) -> bool:
        """There is nothing to do."""
        return not (self.created or self.updated or self.tables)

    def __str__(self) -> str:
        lines = [str(action) for action in self.actions]
        return "\n".join([*lines, *(f"create the table {t}" for t in self.tables)])


@dataclass(frozen=True)
class Applied:
    """What an apply did."""

    created: list[Ref]
    updated: list[Ref]
    unchanged: list[Ref]
    jobs: list[str]
    plan: Plan

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Applied:
        return cls(
            refs(said["created"]),
            refs(said["updated"]),
            refs(said["unchanged"]),
            said["jobs"],
            Plan.of(said["plan"]),
        )


@dataclass(frozen=True)
class Removed:
    """What a removal did: versions that are gone, and others that are hidden."""

    removed: list[Ref]
    hidden: list[Ref]

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Removed:
        return cls(refs(said["removed"]), refs(said["hidden"]))


def ref(said: Mapping[str, Any]) -> Ref:
    uuid = said.get("uuid", "")
    return Ref(said["type_id"], said["identifier"], said["version"], uuid)


def refs(said: Sequence[Mapping[str, Any]]) -> list[Ref]:
    return [ref(r) for r in said]


def _action(said: Mapping[str, Any]) -> Action:
    changes = [
        Change(c["field"], c.get("old"), c.get("new"), c.get("breaks", False))
        for c in said.get("changes") or ()
    ]
    status, reason = said.get("status", ""), said.get("reason", "")
    return Action(said["do"], ref(said), changes, status, reason)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= 60 else text[:59] + "…"
