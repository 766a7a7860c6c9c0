"""The app on a database that Chainlit's official layer has made and filled: nothing is altered, everything works, and
the old conversations go on."""

import pytest
from chainlit.user import User

from harness.backend import OnSQLite
from harness.official import OfficialPostgres

# These sentences hold here too; pytest runs them on the app below.
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
from test_shared_database import OLD_THREAD, said


class OnOfficial(OnSQLite):
    """`varve serve --url` on a database with the official tables, and a conversation of alice's in it."""

    def database(self):
        self.shared = OfficialPostgres(self.folder, self.postgres)
        with self.shared.chainlit() as chainlit:
            user = chainlit.create_user(User(identifier="alice", metadata={}))
            chainlit.update_thread(OLD_THREAD, name="from the old days", user_id=user.id, metadata={"last": "long ago"})
            chainlit.create_step(said("user_message", "alice", "how are you?", 1))
            chainlit.create_step(said("assistant_message", "Assistant", "fine", 2))
        self.before = self.shared.objects()
        return self.shared.url()


@pytest.fixture(scope="session")
def backend(tmp_path_factory, postgres):
    with OnOfficial(tmp_path_factory.mktemp("official"), postgres) as running:
        yield running


def test_a_conversation_of_the_official_layer_goes_on(backend, alice, open_chats):
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
