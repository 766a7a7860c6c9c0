"""A database with the tables of Chainlit's official layer, and that layer itself."""

import asyncio
import pathlib

from chainlit.data.chainlit_data_layer import ChainlitDataLayer

from .chainlit_layer import Bucket, ChainlitLayer
from .shared import SharedPostgres
from .varve import ROOT

TABLES = ROOT / "store" / "postgres" / "testdata" / "official.sql"


class OfficialLayer(ChainlitLayer):
    """Calls of `ChainlitDataLayer`, each run to its end."""

    def __enter__(self):
        self.runner = asyncio.Runner()
        self.bucket = Bucket()
        self.layer = ChainlitDataLayer(self.conninfo, storage_client=self.bucket)
        return self


class OfficialPostgres(SharedPostgres):
    """`made`: the tables are Varve's doing, asked for in the URL; otherwise they were there first."""

    def __init__(self, folder, postgres, made=False):
        self.folder = pathlib.Path(folder)
        self.postgres = postgres
        self.made = made
        self.database = f"official-{self.folder.name}"
        postgres.database(self.database)
        if not made:
            postgres.run(self.database, TABLES.read_text())

    def chainlit(self):
        return OfficialLayer(self.postgres.url(self.database))

    def url(self):
        return self.postgres.url(self.database) + ("&schema=official" if self.made else "")
