"""Varve from Python.

In a Chainlit app one line is enough::

    import chainlit as cl
    from varve.chainlit import VarveDataLayer

    @cl.data_layer
    def data_layer():
        return VarveDataLayer()          # or VarveDataLayer("http://127.0.0.1:8484")

``varve.errors`` holds the exceptions, one for each kind of error the server
names; ``varve.server`` starts and supervises the ``varve`` binary.
"""

from ._version import __version__
from .errors import VarveError

__all__ = ["VarveError", "__version__"]
