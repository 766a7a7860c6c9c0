"""The app on a database that Chainlit's own layer has made and filled: nothing is altered, everything works, and the
old conversations go on."""

import uuid

import pytest
from chainlit.user import User

from harness.backend import OnSQLite
from harness.shared import ENGINES

# These sentences hold here too; pytest runs them on the apps below.
from test_app import (  # noqa: F401
    has_output,
    outputs,
    test_a_custom_elements_props_are_kept_and_changed,
    test_a_deleted_thread_stays_deleted,
    test_an_edit_replaces_what_came_after,
    test_an_uploaded_file_comes_back_byte_for_byte,
    test_favourites_are_kept_between_visits,
    test_pages_hold_each_thread_once,
    test_search_finds_names_and_answers,
    test_thumbs_down_then_up_then_none,
    test_two_turns_are_saved_with_their_tools,
)

OLD_THREAD = "7d0f2a51-0c8e-4d2b-9d3a-0a8f5a1c2b3d"


class OnShared(OnSQLite):
    """`varve serve --url` on a database with the schema that Chainlit documents, and a conversation of alice's in it."""

    def __init__(self, folder, engine, postgres):
        self.engine = engine
        super().__init__(folder, postgres)

    def database(self):
        self.shared = self.engine(self.folder, "documented", self.postgres)
        with self.shared.chainlit() as chainlit:
            user = chainlit.create_user(User(identifier="alice", metadata={}))
            chainlit.update_thread(OLD_THREAD, name="from the old days", user_id=user.id, metadata={"last": "long ago"})
            chainlit.create_step(said("user_message", "alice", "how are you?", 1))
            chainlit.create_step(said("assistant_message", "Assistant", "fine", 2))
        self.before = self.shared.objects()
        return self.shared.url()


def said(kind, name, text, second):
    created = f"2026-01-02T03:04:0{second}.5Z"
    return {
        "id": str(uuid.uuid4()),
        "threadId": OLD_THREAD,
        "type": kind,
        "name": name,
        "output": text,
        "streaming": False,
        "isError": False,
        "waitForAnswer": False,
        "metadata": {},
        "createdAt": created,
        "start": created,
        "end": created,
    }


@pytest.fixture(scope="session", params=ENGINES)
def backend(request, tmp_path_factory):
    engine = ENGINES[request.param]
    postgres = request.getfixturevalue("postgres") if engine.name == "postgres" else None
    with OnShared(tmp_path_factory.mktemp(f"shared-{engine.name}"), engine, postgres) as running:
        yield running


def test_a_conversation_of_chainlits_own_layer_goes_on(backend, alice, open_chats):
    assert OLD_THREAD in alice.thread_ids() and OLD_THREAD in alice.thread_ids(search="FINE")
    chat = alice.open_chat(OLD_THREAD)
    open_chats.append(chat)
    resumed = chat.wait("resume_thread")
    assert outputs(resumed) == ["how are you?", "fine"]
    assert resumed["metadata"]["last"] == "long ago"
    chat.say("still fine?")
    alice.thread_when(OLD_THREAD, has_output("Echo: still fine?"), "the next turn is there")
    with backend.shared.chainlit() as chainlit:
        again = chainlit.get_thread(OLD_THREAD)
        assert outputs(again, "user_message") == ["how are you?", "still fine?"]
    assert alice.thread_ids()[0] == OLD_THREAD, "it is the latest again"


def test_nothing_of_chainlits_was_altered(backend):
    now = backend.shared.objects()
    assert {name: sql for name, sql in now.items() if "varve" not in str(name)} == backend.before
