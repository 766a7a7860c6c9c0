"""The data layers the app is run on, each as one thing to start, crash and restart."""

import os
import pathlib
import signal

from .app import NEWEST, App
from .schema import SCHEMAS
from .varve import Varve, binary


class Backend:
    """A running app and what keeps its conversations."""

    needs_postgres = False

    def __init__(self, folder, postgres=None, version=NEWEST, register="decorator"):
        self.folder = pathlib.Path(folder)
        self.postgres = postgres
        self.prepare()
        self.app = App(self.folder / "app", self.environment(), version, register)

    def __enter__(self):
        self.start_store()
        try:
            self.app.start()
        except BaseException:
            self.stop_store()
            raise
        return self

    def __exit__(self, *_):
        self.app.stop()
        self.stop_store()

    def prepare(self):
        pass

    def environment(self):
        raise NotImplementedError

    def start_store(self):
        pass

    def stop_store(self):
        pass

    def restart(self):
        """Everything down, everything up."""
        self.app.stop()
        self.stop_store()
        self.start_store()
        self.app.start()


class OnSQLite(Backend):
    """`varve serve` on its embedded default."""

    def prepare(self):
        self.varve = Varve(self.folder / "varve-data", self.database())

    def database(self):
        return None

    def environment(self):
        return {"APP_LAYER": "varve", "APP_VARVE_URL": self.varve.url}

    def start_store(self):
        self.varve.start()

    def stop_store(self):
        self.varve.stop()

    def kill_store(self):
        self.varve.kill()


class OnPostgres(OnSQLite):
    """`varve serve` on a PostgreSQL database."""

    needs_postgres = True

    def database(self):
        return self.postgres.database(f"app-{self.folder.name}")


class Supervised(Backend):
    """`VarveDataLayer()`: the app itself starts the server, in the folder it runs in, and keeps it alive."""

    def environment(self):
        return {"APP_LAYER": "varve", "VARVE_BINARY": str(binary())}

    def kill_store(self):
        os.kill(child_of(self.app.process.pid, "varve"), signal.SIGKILL)

    def start_store(self):
        pass  # the app does


class OnChainlitsOwn(Backend):
    """No Varve: Chainlit's SQLAlchemy layer on PostgreSQL. The driver was tried on it; some tests fail on it rightly."""

    needs_postgres = True

    def prepare(self):
        self.database = f"chainlit-{self.folder.name}"
        self.postgres.database(self.database)
        self.postgres.run(self.database, SCHEMAS["complete"])

    def environment(self):
        return {"APP_LAYER": "sqlalchemy", "APP_CONNINFO": self.postgres.conninfo(self.database)}


def child_of(parent, program):
    """The process id of a child that runs `program`."""
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = stat.read_text().split(" ", 1)[1].rsplit(")", 1)
        except FileNotFoundError:
            continue  # ended meanwhile
        if name == f"({program}" and int(rest.split()[1]) == parent:
            return int(stat.parent.name)
    raise AssertionError(f"process {parent} has no child {program}")


BACKENDS = {
    "sqlite": OnSQLite,
    "postgres": OnPostgres,
    "supervised": Supervised,
    "chainlit": OnChainlitsOwn,
}
