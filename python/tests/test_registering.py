"""Both ways in which an app names its data layer."""

import chainlit as cl
import chainlit.data as cl_data
import pytest
from chainlit.config import config
from chainlit.user import User

from varve.chainlit import VarveDataLayer


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Chainlit asks once for the process's life; here it asks once for a test."""
    for name in ("DATABASE_URL", "LITERAL_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(cl_data, "_data_layer", None)
    if hasattr(cl_data, "_data_layer_initialized"):
        monkeypatch.setattr(cl_data, "_data_layer_initialized", False)
    if hasattr(config.code, "data_layer"):
        monkeypatch.setattr(config.code, "data_layer", None)


async def used():
    layer = cl_data.get_data_layer()
    assert isinstance(layer, VarveDataLayer)
    assert (await layer.create_user(User(identifier="registered"))).identifier
    await layer.close()


async def test_by_assignment(server):
    cl_data._data_layer = VarveDataLayer(server.unix)
    await used()


async def test_by_decorator(server):
    if "data_layer" not in vars(cl):
        return  # Chainlit 1.x knows the assignment only

    @cl.data_layer
    def data_layer():
        return VarveDataLayer(server.unix)

    await used()


def test_nothing_of_the_interface_is_missing():
    from chainlit.data.base import BaseDataLayer

    from varve.chainlit.storage import BaseStorageClient, VarveStorageClient

    for ours, theirs in (
        (VarveDataLayer, BaseDataLayer),
        (VarveStorageClient, BaseStorageClient),
    ):
        assert not ours.__abstractmethods__
        for name in theirs.__abstractmethods__:
            assert getattr(ours, name) is not getattr(theirs, name)
