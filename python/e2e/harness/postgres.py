"""A throwaway PostgreSQL in a temporary folder: no installation is touched, nothing is left behind."""

import asyncio
import glob
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

import asyncpg

from .process import Process, free_port
from .wait import until

SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
full_page_writes = off
max_connections = 100
"""


class Postgres:
    """Its folder is its own, since pytest shuts its folders against other users."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="varve-postgres-"))
        self.port = free_port()
        self.user = unprivileged()
        self.process = None

    def __enter__(self):
        data = self.folder / "data"
        if self.user:
            shutil.chown(self.folder, self.user, self.user)
        subprocess.run(
            [program("initdb"), "-D", data, "-U", "app", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
            check=True,
            capture_output=True,
            user=self.user,
            group=self.user,
            cwd=self.folder,
        )
        with open(data / "postgresql.conf", "a") as conf:
            conf.write(SETTINGS + f"port = {self.port}\n")
        # SIGQUIT is PostgreSQL's "stop at once", children included; its helpers would survive a SIGKILL of the first.
        self.process = Process(
            [program("postgres"), "-D", data], self.folder / "log", user=self.user, death=signal.SIGQUIT, cwd=self.folder
        )
        until(self.answers, "PostgreSQL answers")
        return self

    def __exit__(self, *_):
        self.process.stop(signal.SIGQUIT)  # at once: nobody will read this database again
        shutil.rmtree(self.folder)

    def answers(self):
        self.process.require_alive()
        self.run("postgres", "select 1")
        return True

    def database(self, name):
        """Creates an empty database and returns its URL."""
        self.run("postgres", f'create database "{name}" template template0 strategy file_copy')
        return self.url(name)

    def url(self, name):
        return f"postgres://app@127.0.0.1:{self.port}/{name}?sslmode=disable"

    def conninfo(self, name):
        """The same database as SQLAlchemy spells it."""
        return f"postgresql+asyncpg://app@127.0.0.1:{self.port}/{name}"

    def run(self, name, sql, *arguments):
        """Runs SQL (several statements when there are no arguments) and returns the rows as dicts."""
        return asyncio.run(run(self.url(name), sql, arguments))


async def run(url, sql, arguments):
    connection = await asyncpg.connect(url)
    try:
        if arguments or sql.lstrip().lower().startswith("select"):
            return [dict(row) for row in await connection.fetch(sql, *arguments)]
        await connection.execute(sql)
        return []
    finally:
        await connection.close()


def program(name):
    """PostgreSQL's programs lie outside the PATH on Debian."""
    found = shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)
    if found is None:
        raise RuntimeError(f"PostgreSQL's {name} is not installed")
    return found


def unprivileged():
    """PostgreSQL refuses to run as root: then it runs as the first of these users that exists."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise RuntimeError("running as root, and there is no user postgres or nobody")
