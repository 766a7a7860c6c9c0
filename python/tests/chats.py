"""Chainlit's objects for tests: sessions, steps, elements."""

from __future__ import annotations

import contextlib
import uuid

from chainlit.context import ChainlitContext, context_var
from chainlit.session import HTTPSession, WebsocketSession

AT = "2026-01-02T03:04:05.{:06d}Z"


def session(user=None, thread_id="", *, kind=WebsocketSession, interacted=True):
    """A session without a browser: only what a data layer looks at."""
    made = object.__new__(kind)
    made.user, made.thread_id = user, thread_id
    if kind is WebsocketSession:
        made.has_first_interaction, made.thread_queues = interacted, {}
    return made


@contextlib.contextmanager
def inside(chat):
    """Makes calls in the context of a session, as Chainlit's handlers do."""
    context = object.__new__(ChainlitContext)
    context.session = chat
    token = context_var.set(context)
    try:
        yield chat
    finally:
        context_var.reset(token)


def message(thread_id, output="hello", n=1, **more):
    """What ``Message.to_dict`` gives."""
    at = AT.format(n)
    return {
        "id": str(uuid.uuid4()),
        "threadId": thread_id,
        "parentId": None,
        "createdAt": at,
        "command": None,
        "start": at,
        "end": at,
        "output": output,
        "name": "bob",
        "type": "user_message",
        "language": None,
        "streaming": False,
        "isError": False,
        "waitForAnswer": False,
        "metadata": {},
        "tags": None,
        **more,
    }


def tool(thread_id, n=2, **more):
    """What ``Step.to_dict`` gives."""
    at = AT.format(n)
    return {
        "name": "search",
        "type": "tool",
        "id": str(uuid.uuid4()),
        "threadId": thread_id,
        "parentId": None,
        "streaming": False,
        "metadata": {},
        "tags": None,
        "input": '{\n    "q": "é"\n}',
        "isError": False,
        "output": "",
        "createdAt": at,
        "start": at,
        "end": None,
        "language": "json",
        "defaultOpen": False,
        "showInput": "json",
        "generation": None,
        **more,
    }


__all__ = ["HTTPSession", "WebsocketSession", "inside", "message", "session", "tool"]
