"""The same sentences on older Chainlit releases, and with the other way of registering the layer."""

import subprocess

import pytest

from harness.backend import OnSQLite

# The sentences that every release since 1.3 must keep; pytest runs them here on the apps below.
from test_app import (  # noqa: F401
    test_a_deleted_thread_stays_deleted,
    test_a_visit_without_a_message_leaves_no_thread,
    test_an_uploaded_file_comes_back_byte_for_byte,
    test_resume_continues_where_it_stopped,
    test_thumbs_down_then_up_then_none,
    test_two_turns_are_saved_with_their_tools,
)
from test_second_user import (  # noqa: F401
    test_another_user_is_refused_everywhere,
    test_another_user_with_the_threads_id_gets_and_writes_nothing,
)

RELEASES = [
    ("1.3.2", "variable"),
    ("2.0.603", "decorator"),
    ("2.5.5", "variable"),
    ("2.9.6", "decorator"),
    ("2.12.0", "variable"),
]


@pytest.fixture(scope="session", params=RELEASES, ids=lambda release: "-".join(release))
def backend(request, tmp_path_factory):
    version, register = request.param
    with OnSQLite(tmp_path_factory.mktemp(version), version=version, register=register) as running:
        yield running


def test_this_is_the_release_that_is_named(request, backend, alice):
    version, _ = request.node.callspec.params["backend"]
    assert alice.app is backend.app
    asked = [backend.app.python, "-c", "import importlib.metadata as m; print(m.version('chainlit'))"]
    assert subprocess.check_output(asked, text=True).strip() == version
    assert f"venv-chainlit-{version}/" in backend.app.process.command[0]
