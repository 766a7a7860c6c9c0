"""What Chainlit's context says about the call being made."""

from __future__ import annotations

from chainlit.context import context_var
from chainlit.session import WebsocketSession


def in_context() -> bool:
    """Whether a chat session makes this call; a script or a REST request is none."""
    return context_var.get(None) is not None


def acting_user() -> str | None:
    """The identifier of the user on whose behalf a write is made, if known.

    Only a browser's session acts for one user. In Slack, Discord and Teams one
    thread is written by several people, so those sessions act for nobody.
    """
    context = context_var.get(None)
    if context is None or not isinstance(context.session, WebsocketSession):
        return None
    user = context.session.user
    return user.identifier if user is not None else None


def current_thread() -> str | None:
    """The thread of the session that makes this call."""
    context = context_var.get(None)
    return getattr(context.session, "thread_id", None) if context is not None else None
