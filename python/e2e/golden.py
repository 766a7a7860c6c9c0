"""One conversation, as Chainlit hands it to a layer, and what every reader must make of it.

The ids are fixed, so that what two writers wrote can be compared.
"""

from chainlit.element import CustomElement, Text
from chainlit.types import Feedback
from chainlit.user import User

THREAD = "11111111-1111-4111-8111-111111111111"
MESSAGE = "22222222-2222-4222-8222-222222222222"
TOOL = "33333333-3333-4333-8333-333333333333"
NOTE = "44444444-4444-4444-8444-444444444444"
CARD = "55555555-5555-4555-8555-555555555555"
RATING = "66666666-6666-4666-8666-666666666666"

IDENTIFIER = "bob@x"
USER_METADATA = {"role": "é", "n": 1, "f": 0.5}
THREAD_METADATA = {"chat_profile": "gpt"}
PROPS = {"k": [1, 2.5], "é": None}


def message():
    """A user's message: 17 keys, as `Message.to_dict` makes them."""
    created = "2026-01-02T03:04:05.000001Z"
    return {
        "id": MESSAGE,
        "threadId": THREAD,
        "parentId": None,
        "createdAt": created,
        "command": None,
        "modes": None,
        "start": created,
        "end": created,
        "output": "héllo",
        "name": "bob",
        "type": "user_message",
        "language": None,
        "streaming": False,
        "isError": False,
        "waitForAnswer": False,
        "metadata": {"favorite": True},
        "tags": None,
    }


def tool():
    """A tool's step: 19 keys, as `Step.to_dict` makes them."""
    return {
        "name": "search",
        "type": "tool",
        "id": TOOL,
        "threadId": THREAD,
        "parentId": MESSAGE,
        "streaming": False,
        "metadata": {"icon": "globe"},
        "tags": None,
        "input": '{\n    "q": "é"\n}',
        "isError": False,
        "output": '[\n    "x"\n]',
        "createdAt": "2026-01-02T03:04:06Z",
        "start": "2026-01-02T03:04:06Z",
        "end": "2026-01-02T03:04:07.5Z",
        "language": "json",
        "defaultOpen": False,
        "autoCollapse": False,
        "showInput": "json",
        "generation": None,
    }


def note():
    element = Text(id=NOTE, thread_id=THREAD, name="a b.txt", content="häh?", display="inline")
    element.for_id, element.mime = MESSAGE, "text/plain"
    return element


def card():
    element = CustomElement(id=CARD, thread_id=THREAD, name="Card", props=dict(PROPS), display="inline")
    element.for_id = MESSAGE
    return element


def write_with_chainlit(layer, tags=None):
    """The conversation through Chainlit's own layer: the user as it stored it."""
    user = layer.create_user(User(identifier=IDENTIFIER, metadata=dict(USER_METADATA)))
    layer.update_thread(THREAD, name="héllo", user_id=user.id, tags=tags, metadata={**THREAD_METADATA, "a": None})
    layer.create_step(message())
    layer.create_step(tool())
    layer.create_element(note)
    layer.create_element(card)
    layer.upsert_feedback(Feedback(id=RATING, forId=MESSAGE, threadId=THREAD, value=1, comment="ok"))
    return user


def write_with_varve(varve, tags=None):
    """The same conversation through Varve: the user as it stored it."""
    user = varve.send("PUT", f"/v1/users/{IDENTIFIER}", metadata=USER_METADATA)
    thread = {"name": "héllo", "userId": user["id"], "metadata": {**THREAD_METADATA, "a": None}, "tags": tags}
    varve.send("PATCH", f"/v1/threads/{THREAD}", **thread)
    varve.send("PUT", f"/v1/steps/{MESSAGE}", **message())
    varve.send("PUT", f"/v1/steps/{TOOL}", **tool())
    varve.put_element(THREAD, NOTE, NOTE_FACTS, "häh?".encode(), "text/plain")
    varve.put_element(THREAD, CARD, CARD_FACTS)
    varve.send("PUT", "/v1/feedback", id=RATING, forId=MESSAGE, threadId=THREAD, value=1, comment="ok")
    return user


NOTE_FACTS = {"type": "text", "name": "a b.txt", "display": "inline", "forId": MESSAGE, "mime": "text/plain"}
CARD_FACTS = {
    "type": "custom",
    "name": "Card",
    "display": "inline",
    "forId": MESSAGE,
    "mime": "application/json",
    "props": PROPS,
}
RATING_FACTS = {"id": RATING, "forId": MESSAGE, "value": 1, "comment": "ok"}

MESSAGE_FACTS = {
    "id": MESSAGE,
    "threadId": THREAD,
    "parentId": None,
    "name": "bob",
    "type": "user_message",
    "output": "héllo",
    "input": "",
    "streaming": False,
    "isError": False,
    "waitForAnswer": False,
    "metadata": {"favorite": True},
    "createdAt": "2026-01-02T03:04:05.000001Z",
    "start": "2026-01-02T03:04:05.000001Z",
    "end": "2026-01-02T03:04:05.000001Z",
    "showInput": None,
    "language": None,
}

TOOL_FACTS = {
    "id": TOOL,
    "threadId": THREAD,
    "parentId": MESSAGE,
    "name": "search",
    "type": "tool",
    "input": '{\n    "q": "é"\n}',
    "output": '[\n    "x"\n]',
    "streaming": False,
    "isError": False,
    "metadata": {"icon": "globe"},
    "showInput": "json",
    "language": "json",
    "createdAt": "2026-01-02T03:04:06.000000Z",
    "start": "2026-01-02T03:04:06.000000Z",
    "end": "2026-01-02T03:04:07.500000Z",
}


def missing(facts, found):
    """The facts that `found` does not show, as (key, expected, found)."""
    return [(key, value, found.get(key)) for key, value in facts.items() if found.get(key) != value]
