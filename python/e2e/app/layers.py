"""Which data layer the app runs on, and how it is made known to Chainlit. The rest of the app does not change."""

import os

import chainlit as cl
import chainlit.data as cl_data


def register():
    """The two documented ways: the decorator, or (all that 1.x has) the module's variable."""
    if os.environ["APP_REGISTER"] == "variable":
        cl_data._data_layer = make()
    else:
        cl.data_layer(make)


def make():
    if os.environ["APP_LAYER"] == "sqlalchemy":
        return chainlits_own()
    from varve.chainlit import VarveDataLayer

    if url := os.environ.get("APP_VARVE_URL"):
        return VarveDataLayer(url)
    return VarveDataLayer()


def chainlits_own():
    from chainlit.data.sql_alchemy import SQLAlchemyDataLayer

    from folder_storage import FolderStorage

    storage = FolderStorage("public/files", f"{os.environ['APP_URL']}/public/files")
    return SQLAlchemyDataLayer(os.environ["APP_CONNINFO"], storage_provider=storage)
