"""A ``varve serve`` process for tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time

from typing_extensions import Self


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Running:
    """A server on TCP and on its Unix socket; ``kill`` and ``start`` as one likes."""

    def __init__(self, binary: str, data: str) -> None:
        self.binary, self.data = binary, str(data)
        self.port = free_port()
        self.tcp = f"http://127.0.0.1:{self.port}"
        self.socket = os.path.join(self.data, "varve.sock")
        self.unix = "unix:" + self.socket
        self.process = None

    def start(self) -> None:
        listen = f"127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [self.binary, "serve", "--data", self.data, "--listen", listen]
        )
        deadline = time.monotonic() + 20
        while not (answers_tcp(self.port) and answers_unix(self.socket)):
            assert self.process.poll() is None, "the server ended at once"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.02)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)


def answers_tcp(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers_unix(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
        return True
