"""The server's kinds of error, as exceptions.

The server answers an error as a problem document whose member ``kind`` is
stable. Each kind has one class here, so ``except NotFoundError`` means the same
on both sides of the wire.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


class VarveError(Exception):
    """An error the server answered, or the failure to get an answer at all.

    ``field`` names what is wrong where one thing is; ``request_id`` finds the
    call in the server's log.
    """

    kind = "internal"

    def __init__(
        self,
        detail: str = "",
        *,
        status: int = 0,
        field: str | None = None,
        request_id: str | None = None,
    ) -> None:
        text = detail or self.kind
        super().__init__(f"{field}: {text}" if field else text)
        self.detail = detail
        self.status = status
        self.field = field
        self.request_id = request_id


class InvalidError(VarveError, ValueError):
    kind = "invalid"


class UnauthenticatedError(VarveError):
    kind = "unauthenticated"


class ForbiddenError(VarveError):
    kind = "forbidden"


class NotFoundError(VarveError, LookupError):
    kind = "not_found"


class ExistsError(VarveError):
    kind = "exists"


class GoneError(VarveError):
    """A late write to a thread that was deleted within the last day."""

    kind = "gone"


class ConflictError(VarveError):
    kind = "conflict"


class TooLargeError(VarveError):
    kind = "too_large"


class UnsupportedError(VarveError):
    kind = "unsupported"


class UnavailableError(VarveError):
    """The server or its store did not answer, and retrying did not help."""

    kind = "unavailable"


class InternalError(VarveError):
    kind = "internal"


_BY_KIND = {
    cls.kind: cls
    for cls in (
        InvalidError,
        UnauthenticatedError,
        ForbiddenError,
        NotFoundError,
        ExistsError,
        GoneError,
        ConflictError,
        TooLargeError,
        UnsupportedError,
        UnavailableError,
        InternalError,
    )
}

# For an answer that carries no problem document: a proxy in between, or a
# request the server's HTTP layer refused before Varve saw it.
_KIND_BY_STATUS = {
    400: "invalid",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    409: "exists",
    410: "gone",
    412: "conflict",
    413: "too_large",
    501: "unsupported",
    502: "unavailable",
    503: "unavailable",
    504: "unavailable",
}


def from_response(status: int, headers: Mapping[str, str], body: bytes) -> VarveError:
    """The exception for an error answer. Unknown kinds become ``VarveError``'s
    nearest by status, so a newer server never breaks an older client."""
    problem = {**_problem(headers, body), "status": status}
    return from_problem(problem, headers.get("x-request-id"))


def from_problem(
    problem: Mapping[str, Any], request_id: str | None = None
) -> VarveError:
    """The exception for a problem document."""
    kind, status = problem.get("kind"), int(problem.get("status") or 0)
    if kind not in _BY_KIND:
        kind = _KIND_BY_STATUS.get(status, "internal" if status >= 500 else "invalid")
    detail = problem.get("detail") or problem.get("title") or f"HTTP {status}"
    return _BY_KIND[kind](
        str(detail), status=status, field=problem.get("field"), request_id=request_id
    )


def _problem(headers: Mapping[str, str], body: bytes) -> Mapping[str, Any]:
    if "json" not in headers.get("content-type", ""):
        return {}
    try:
        problem = json.loads(body)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
