"""Runs a command that ends when the process that asked for it ends.

``python _launch.py PARENT COMMAND…``. On Linux the kernel is told to send the
signal, and this process becomes the command. Elsewhere this process stays, and
watches its standard input, which closes when the parent dies.

Run as a file in a bare interpreter: it imports nothing of the package.
"""

import os
import signal
import subprocess
import sys
import threading

_PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> int:
    if _tied_by_kernel():
        if os.getppid() != parent:
            return 0  # the parent died before the kernel was told
        os.execv(command[0], command)
    return _watch(command)


def _tied_by_kernel() -> bool:
    if not sys.platform.startswith("linux") or "VARVE_LAUNCH_WATCH" in os.environ:
        return False
    try:
        import ctypes

        prctl = ctypes.CDLL(None).prctl
        return bool(prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def _watch(command: list[str]) -> int:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())

    def parent_gone() -> None:
        while os.read(0, 1):
            pass
        child.terminate()

    threading.Thread(target=parent_gone, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
