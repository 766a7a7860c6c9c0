"""A database of Chainlit's that Varve is pointed at: both engines, every schema met in the field."""

import pathlib
import sqlite3

from .chainlit_layer import ChainlitLayer, sqlite_conninfo
from .schema import SCHEMAS, create_sqlite
from .varve import Varve


class SharedSQLite:
    name = "sqlite"
    stores_tags = False  # Chainlit's layer cannot bind a list there

    def __init__(self, folder, schema, postgres=None):
        self.folder = pathlib.Path(folder)
        self.file = self.folder / "chainlit.db"
        if schema:
            create_sqlite(self.file, schema)

    def chainlit(self):
        return ChainlitLayer(sqlite_conninfo(self.file))

    def varve(self):
        return Varve(self.folder / "varve-data", url=f"sqlite://{self.file}")

    def url(self):
        return f"sqlite://{self.file}"

    def rows(self, sql):
        with sqlite3.connect(self.file) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(sql)]

    def objects(self):
        """Everything that stands in the schema, as SQL."""
        return {(row["type"], row["name"]): row["sql"] for row in self.rows("select type, name, sql from sqlite_master")}


class SharedPostgres:
    name = "postgres"
    stores_tags = True

    def __init__(self, folder, schema, postgres):
        self.folder = pathlib.Path(folder)
        self.postgres = postgres
        self.database = f"shared-{self.folder.name}"
        postgres.database(self.database)
        if schema:
            postgres.run(self.database, SCHEMAS[schema])

    def chainlit(self):
        return ChainlitLayer(self.postgres.conninfo(self.database))

    def varve(self):
        return Varve(self.folder / "varve-data", url=self.url())

    def url(self):
        return self.postgres.url(self.database)

    def rows(self, sql):
        return self.postgres.run(self.database, sql)

    def objects(self):
        columns = self.rows(
            "select table_name, column_name, data_type, is_nullable from information_schema.columns"
            " where table_schema = 'public' order by 1, 2"
        )
        return {(c["table_name"], c["column_name"]): (c["data_type"], c["is_nullable"]) for c in columns}


ENGINES = {"sqlite": SharedSQLite, "postgres": SharedPostgres}
