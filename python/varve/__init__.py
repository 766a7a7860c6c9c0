"""Varve from Python.

In a Chainlit app one line is enough::

    import chainlit as cl
    from varve.chainlit import VarveDataLayer

    @cl.data_layer
    def data_layer():
        return VarveDataLayer()          # or VarveDataLayer("http://127.0.0.1:8484")

Small state that keeps its history, in a file, without a running server::

    from varve import Lake, State, Todo, ibis

    Todo("data.db").append_todo(id="a", user_id=None, subject=None, body="do it")

Tables, components and artifacts of a database::

    db = varve.connect("sqlite:app.db")       # or varve.superduper(…)
    db["docs"].insert([{"n": 1}]).execute()
    db.show()

``varve.errors`` holds the exceptions, one for each kind of error the server
names; ``varve.server`` starts and supervises the ``varve`` binary.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._version import __version__
from .errors import VarveError

if TYPE_CHECKING:
    from ._component import Artifact
    from ._opening import connect, superduper
    from .components import (
        Application,
        Component,
        CronJob,
        Dataset,
        DataType,
        Listener,
        Metric,
        Model,
        Schema,
        Table,
        Template,
        Trainer,
        Validation,
        VectorIndex,
    )
    from .lake import Lake
    from .state import State, dt, ibis
    from .todo import Todo

# Where these are: a chat need not load what it does not use.
_HOMES = {
    "Lake": ".lake",
    "State": ".state",
    "Todo": ".todo",
    **dict.fromkeys(
        (
            "Application",
            "Component",
            "CronJob",
            "DataType",
            "Dataset",
            "Listener",
            "Metric",
            "Model",
            "Schema",
            "Table",
            "Template",
            "Trainer",
            "Validation",
            "VectorIndex",
        ),
        ".components",
    ),
    "Artifact": "._component",
    "connect": "._opening",
    "superduper": "._opening",
    "dt": ".state",
    "ibis": ".state",
}

__all__ = [
    "Application", "Artifact", "Component", "CronJob", "DataType", "Dataset", "Lake",
    "Listener", "Metric", "Model", "Schema", "State", "Table", "Template", "Todo",
    "Trainer", "Validation", "VarveError", "VectorIndex", "__version__", "connect", "dt",
    "ibis", "superduper",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'varve' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name], __name__), name)
