"""Child processes that cannot outlive the test run, and whose output is at hand when a test fails."""

import ctypes
import os
import pathlib
import signal
import socket
import subprocess

from .wait import Ended

PR_SET_PDEATHSIG = 1


def free_port():
    """A port nobody listens on now. Another process could take it before its user does; starts are retried by no one,
    so tests ask for a port right before they use it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """One child. It is killed by the kernel when the test process dies, however that dies."""

    def __init__(self, command, log, *, env=None, cwd=None, user=None, death=signal.SIGKILL):
        self.log = pathlib.Path(log)
        self.command = [str(part) for part in command]
        with open(self.log, "ab") as out:
            self.child = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=surroundings() | (env or {}),
                cwd=cwd,
                user=user,
                group=user,
                extra_groups=[] if user else None,
                preexec_fn=lambda: die_with_parent(death),
            )

    @property
    def pid(self):
        return self.child.pid

    def require_alive(self):
        if self.child.poll() is not None:
            raise Ended(f"{self.command[0]} ended with {self.child.returncode}:\n{self.tail()}")

    def kill(self):
        """As a crash: no chance to flush or to say goodbye."""
        self.child.kill()
        self.child.wait(10)

    def stop(self, how=signal.SIGTERM, seconds=10):
        """Asks to end and waits; a child that does not listen is killed."""
        if self.child.poll() is None:
            self.child.send_signal(how)
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.child.returncode

    def tail(self, size=6000):
        return self.log.read_bytes()[-size:].decode(errors="replace")


def surroundings():
    """The environment, without what would set a Varve of one's own."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("VARVE_", "CHAINLIT_"))}


def die_with_parent(how):
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(how), 0, 0, 0)
