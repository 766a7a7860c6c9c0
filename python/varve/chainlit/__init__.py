"""Varve as Chainlit's data layer.

``VarveDataLayer`` keeps everything: users, threads, steps, elements with their
bytes, feedback. ``VarveStorageClient`` only keeps bytes, for an app that stays
with one of Chainlit's own layers.
"""

from .layer import VarveDataLayer
from .storage import VarveStorageClient

__all__ = ["VarveDataLayer", "VarveStorageClient"]
