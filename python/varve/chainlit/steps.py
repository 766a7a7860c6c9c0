"""A step as it was when Chainlit handed it over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import _json


@dataclass(frozen=True)
class Step:
    """Encoded at the call: Chainlit keeps writing into the dictionaries of a
    step, metadata above all, while the call waits for its turn."""

    id: str
    has_thread: bool
    body: bytes


def step_snapshot(
    step_dict: Step | Mapping[str, Any],
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of ``create_step`` and ``update_step``, frozen."""
    if not isinstance(step_dict, Step):
        step_dict = Step(
            id=step_dict.get("id") or "",
            has_thread=bool(step_dict.get("threadId")),
            body=_json.encode(step_dict),
        )
    return (step_dict,), {}
