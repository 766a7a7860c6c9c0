"""A throwaway MariaDB in a temporary folder: no installation is touched, nothing is left behind."""

import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

from .process import Process, free_port
from .wait import until


class MariaDB:
    """Its folder is its own, since pytest shuts its folders against other users."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="varve-mariadb-"))
        self.port = free_port()
        self.user = unprivileged()
        self.process = None

    def __enter__(self):
        data = self.folder / "data"
        if self.user:
            shutil.chown(self.folder, self.user, self.user)
        # Of its own, because a server that starts removes what others keep in the same; the installation is one.
        ours = ["--no-defaults", f"--datadir={data}", f"--tmpdir={self.folder}"]
        install = [program("mariadb-install-db"), *ours, "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(install, check=True, capture_output=True, user=self.user, group=self.user, cwd=self.folder)
        serve = [program("mariadbd"), *ours, "--bind-address=127.0.0.1", "--skip-log-bin"]
        serve += [f"--port={self.port}", f"--socket={self.folder}/socket", f"--pid-file={self.folder}/pid"]
        serve += ["--innodb-flush-log-at-trx-commit=0"]
        self.process = Process(serve, self.folder / "log", user=self.user, cwd=self.folder)
        until(self.answers, "MariaDB answers")
        return self

    def __exit__(self, *_):
        self.process.kill()  # nobody will read this database again
        shutil.rmtree(self.folder)

    def answers(self):
        self.process.require_alive()
        return self.run("select 1", check=False) == "1"

    def database(self, name):
        """Creates an empty database and returns its URL, as SQLAlchemy spells it."""
        self.run(f"create database `{name}`")
        return f"mysql+aiomysql://root@127.0.0.1:{self.port}/{name}?charset=utf8mb4"

    def run(self, sql, check=True):
        """Runs SQL and returns what the server's own client prints."""
        client = [program("mariadb"), "--no-defaults", f"--socket={self.folder}/socket", "-uroot", "-N", "-e", sql]
        return subprocess.run(client, check=check, capture_output=True, text=True).stdout.strip()


def program(name):
    """MariaDB's server lies outside the PATH of most users."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise RuntimeError(f"{name} is not installed: run scripts/need mariadb")
    return found


def unprivileged():
    """MariaDB refuses to run as root: then it runs as the first of these users that exists."""
    if os.getuid() != 0:
        return None
    for name in ("mysql", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise RuntimeError("running as root, and there is no user mysql or nobody")
