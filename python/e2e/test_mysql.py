"""The app on MariaDB: `varve serve` on a database of its own there."""

import pytest

from harness.backend import OnSQLite
from harness.mariadb import MariaDB

# These sentences hold here too; pytest runs them on the app below.
from test_app import (  # noqa: F401
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
from test_crash import test_a_turn_survives_the_death_of_the_store  # noqa: F401


class OnMariaDB(OnSQLite):
    """`varve serve --url mysql+aiomysql://…`."""

    def __init__(self, folder, server):
        self.server = server
        super().__init__(folder)

    def database(self):
        return self.server.database("app")


@pytest.fixture(scope="session")
def backend(tmp_path_factory):
    with MariaDB() as server, OnMariaDB(tmp_path_factory.mktemp("mariadb"), server) as running:
        yield running


def test_it_is_all_in_the_database(backend, alice, chat):
    chat.say("where am I?")
    alice.thread_when(chat.thread_id, lambda t: len(t["steps"]) > 2, "the turn is there")
    counted = backend.server.run(f"select count(*) from app.steps where threadId='{chat.thread_id}'")
    assert int(counted) > 2
