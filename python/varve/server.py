"""Starts the ``varve`` binary on a data folder and keeps it running.

::

    server = Server("./varve-data")
    server.start()                   # answers on server.url, a Unix socket
    ...
    server.stop()

The process is restarted when it dies and ends with this one, even if this one
is killed. Several Python processes may share a folder: the first one's server
answers all, and when it goes another takes over.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import InvalidError, NotFoundError

_LAUNCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_launch.py")
_USAGE = 2  # the exit code of a program that was told something wrong
_TRIES = 3  # after so many starts without an answer, calls fail at once
_PAUSE, _LONGEST_PAUSE = 0.05, 5.0  # seconds between starts
_ATTACHED_SECONDS = 1.0  # between looks at a server that is another process's
_STOP_SECONDS = 10.0
_WHY_SECONDS = 60.0  # for a server to say why it does not start
_LONGEST_SOCKET = 103  # bytes; macOS allows 104 with the final NUL, Linux 108


class NoBinaryError(NotFoundError, FileNotFoundError):
    """There is no program to start."""


def find_binary(binary: str | None = None) -> str:
    """The path of the ``varve`` binary: as given, from ``VARVE_BINARY``, or from
    ``PATH``. Raises NoBinaryError, saying how to name it."""
    asked = binary or os.environ.get("VARVE_BINARY") or "varve"
    found = shutil.which(os.path.expanduser(asked))
    if found is None:
        raise NoBinaryError(
            f"no varve binary at {asked!r}: put `varve` on the PATH (`make build` in a "
            "clone makes it), set VARVE_BINARY, or give the address of a server that "
            "runs, as in http://127.0.0.1:8484",
            field="binary",
        )
    return os.path.abspath(found)


class Server:
    """A supervised ``varve serve`` that listens on ``varve.sock`` in its folder.

    ``arguments`` are further ones of ``varve serve``; ``environment`` are
    variables for it, for settings that other users of the machine may not see.
    ``failure`` is a sentence while the server does not start, else None.
    ``refusal`` is the program's own error where it never will, since its settings
    are wrong; it is not started again then, until ``stop`` and ``start``.
    """

    def __init__(
        self,
        data: str | os.PathLike[str] | None = None,
        *,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        binary: str | None = None,
        logger: logging.Logger | None = None,
    ) -> None:
        folder = data or os.environ.get("VARVE_DATA") or "varve-data"
        self.data = os.path.abspath(os.path.expanduser(os.fspath(folder)))
        self.socket = os.path.join(self.data, "varve.sock")
        self.arguments = tuple(arguments)
        self.environment = dict(environment or {})
        self.binary = find_binary(binary)
        self.failure: str | None = None
        self.refusal: dict[str, Any] | None = None
        self._log = logger or logging.getLogger("varve")
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0
        if len(os.fsencode(self.socket)) > _LONGEST_SOCKET:
            raise InvalidError(
                f"{self.socket!r} is too long for a Unix socket; choose a data folder "
                "with a shorter path",
                field="data",
            )
        if "\0" in self.data:
            raise InvalidError("holds the character NUL", field="data")

    @property
    def url(self) -> str:
        return "unix:" + self.socket

    @property
    def process_id(self) -> int | None:
        """The id of the server this object started; None if another one answers."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Begins to supervise; returns at once, before the server answers. Does
        nothing while it already supervises, and begins anew after a fork."""
        with self._lock:
            if self._thread is not None and self._pid == os.getpid():
                return
            # A thread of its own for as long as the server lives: Linux sends
            # the death signal when the *thread* that started the child ends.
            self._pid, self._process = os.getpid(), None
            self._ended = threading.Event()
            self.failure = self.refusal = None
            self._thread = threading.Thread(
                target=self._supervise,
                args=(self._ended,),
                name="varve-server",
                daemon=True,
            )
            self._thread.start()
            atexit.register(self.stop)

    def stop(self) -> None:
        """Stops the server this object started, and waits until it has ended."""
        with self._lock:
            thread, process = self._thread, self._process
            if thread is None or self._pid != os.getpid():
                return
            self._thread = None
            self._ended.set()
            atexit.unregister(self.stop)
            if process is not None and process.poll() is None:
                process.terminate()
        thread.join(_STOP_SECONDS)
        if thread.is_alive() and process is not None:
            self._log.warning("varve does not stop; killing process %d", process.pid)
            process.kill()
            thread.join()

    def why(self) -> dict[str, Any] | None:
        """What a server says that does not start: its error, as in a problem
        document. None if it says nothing, or starts now."""
        try:
            done = subprocess.run(
                [self.binary, "--json", *self._command()],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                env={**os.environ, **self.environment},
                timeout=_WHY_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        try:
            said = json.loads(done.stderr.splitlines()[-1])["error"]
        except (ValueError, IndexError, KeyError, TypeError):
            return None
        return said if isinstance(said, dict) else None

    def _supervise(self, ended: threading.Event) -> None:
        failed = 0
        while not ended.is_set():
            if _answers(self.socket):
                # Another process holds the folder; its server answers for us.
                failed, self.failure = 0, None
                ended.wait(_ATTACHED_SECONDS)
                continue
            code, answered = self._run_once(ended)
            if ended.is_set():
                return
            if code == _USAGE and not answered and self._refused():
                ended.wait()
                return
            failed = 0 if answered else failed + 1
            self._log.warning("varve serve ended with code %s; starting it again", code)
            if failed >= _TRIES:
                self.failure = (
                    f"`{self.binary} serve` does not start; it ends with code {code}"
                )
            ended.wait(min(_PAUSE * 2**failed, _LONGEST_PAUSE))

    def _refused(self) -> bool:
        """Whether the program says what is wrong with its settings."""
        said = self.why()
        if said is None:
            return False
        self.refusal = said  # before failure, which callers wait for
        self.failure = f"`varve serve` does not start: {said.get('detail')}"
        self._log.error("%s", self.failure)
        return True

    def _run_once(self, ended: threading.Event) -> tuple[int | None, bool]:
        """Runs the server until it ends: its exit code, None if it did not run,
        and whether it ever answered."""
        with self._lock:
            if ended.is_set():
                return None, False
            try:
                process = self._process = self._spawn()
            except OSError as err:
                self._log.error("cannot run %s: %s", self.binary, err)
                return None, False
        self._log.info("varve serves %s, process %d", self.data, process.pid)
        answered = False
        while True:
            try:
                return process.wait(None if answered else _PAUSE), answered
            except subprocess.TimeoutExpired:
                if _answers(self.socket):
                    answered, self.failure = True, None

    def _command(self) -> list[str]:
        return ["serve", "--data", self.data, "--listen", "unix", *self.arguments]

    def _spawn(self) -> subprocess.Popen[bytes]:
        # Its log goes where this process's errors go. A session of its own keeps
        # Ctrl-C away from it: first Chainlit saves what it has, then stops it.
        return subprocess.Popen(
            [*launcher(), self.binary, *self._command()],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **self.environment},
        )


def launcher() -> list[str]:
    """The words before the command that tie its life to this process."""
    if not sys.executable:
        return []  # embedded Python: only atexit stops the server then
    return [sys.executable, "-I", "-S", _LAUNCH, str(os.getpid())]


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except OSError:
            return False
        return True
