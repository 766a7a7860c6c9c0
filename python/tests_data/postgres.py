"""A throwaway PostgreSQL, on a socket in a folder of its own."""

from __future__ import annotations

import glob
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(
    0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e")
)  # the harness of other tests starts processes that end with their parent

from harness.process import Process
from harness.wait import until

SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
fsync = off
full_page_writes = off
"""


class Postgres:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="varve-pg-"))
        self.user = unprivileged()
        if self.user:
            shutil.chown(self.folder, self.user, self.user)
        data = self.folder / "data"
        self.run("initdb", "-D", data, "-U", "app", "-A", "trust", "-E", "UTF8", "-N")
        with open(data / "postgresql.conf", "a") as conf:
            conf.write(SETTINGS.format(folder=self.folder))
        self.process = Process(
            [program("postgres"), "-D", data],
            self.folder / "log",
            user=self.user,
            death=signal.SIGQUIT,
            cwd=self.folder,
        )
        until(lambda: self.database("template0_copy"), "PostgreSQL answers")

    def database(self, name):
        """Makes an empty database and returns its URL."""
        self.process.require_alive()
        self.run("createdb", "-h", self.folder, "-U", "app", "-T", "template0", name)
        return f"postgres://app:secret@/{name}?host={self.folder}"

    def run(self, name, *arguments):
        command = [program(name), *map(str, arguments)]
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            user=self.user,
            group=self.user,
            extra_groups=[] if self.user else None,
            cwd=self.folder,
        )

    def stop(self):
        self.process.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


def program(name):
    """PostgreSQL's programs lie outside the PATH on Debian."""
    places = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)
    found = shutil.which(name) or next(iter(places), None)
    if found is None:
        raise RuntimeError(f"PostgreSQL's {name} is missing: scripts/need postgresql")
    return found


def unprivileged():
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise RuntimeError("running as root, and there is no user postgres or nobody")
