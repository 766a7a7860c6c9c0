"""Waiting with a bound: persistence behind a chat is asynchronous, so tests poll for what must become true."""

import time

SECONDS = 30.0


class Ended(Exception):
    """What is waited for can no longer come."""


def until(check, what, seconds=SECONDS):
    """Returns the first truthy answer of `check`; an answer that never comes fails with what was last seen.

    Errors of `check` count as "not yet", since a server that is being restarted refuses connections; only `Ended` does
    not.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            last = check()
            if last:
                return last
        except Ended:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown when the time is over
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}; last seen: {last!r}")
        time.sleep(0.02)
