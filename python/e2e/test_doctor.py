"""`varve doctor` on a database of Chainlit's own layer: what it adds helps both, and can be taken away again."""

import subprocess

import pytest

import golden
from golden import CARD, MESSAGE, NOTE, THREAD, TOOL, missing
from harness.process import surroundings
from harness.shared import ENGINES
from harness.varve import binary
from test_crossread import by_id, loaded, tags_for


def doctor(shared, *arguments):
    """Its exit code (0: nothing is missing) and what it says."""
    command = [binary(), "doctor", "--data", shared.folder / "doctor-data", "--url", shared.url(), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=surroundings(), stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(params=ENGINES)
def shared(request, schema, tmp_path):
    engine = ENGINES[request.param]
    postgres = request.getfixturevalue("postgres") if engine.name == "postgres" else None
    return engine(tmp_path, schema, postgres)


@pytest.mark.parametrize("schema", ["documented", "oldest", "without-props", "all-text"])
def test_chainlit_loses_nothing_on_a_mended_database(shared, schema):
    assert doctor(shared)[0] == 1, "something is missing"
    code, said = doctor(shared, "--apply")
    assert code == 0, said
    assert doctor(shared)[0] == 0, "once mended, nothing is missing"
    with shared.varve() as varve, shared.chainlit() as chainlit:
        user = golden.write_with_chainlit(chainlit, tags_for(shared, schema))
        thread = varve.get(f"/v1/threads/{THREAD}")
        steps, elements = by_id(thread["steps"]), by_id(thread["elements"])
        assert set(elements) == {NOTE, CARD}
        assert not missing(golden.CARD_FACTS, elements[CARD])
        if (shared.name, schema) == ("sqlite", "oldest"):
            return  # SQLite cannot take a NOT NULL from a column: Chainlit's layer still loses every step there
        assert set(steps) == {MESSAGE, TOOL}
        assert not missing(golden.TOOL_FACTS | {"defaultOpen": False, "autoCollapse": False}, steps[TOOL])

        later = {**golden.message(), "id": MESSAGE[:-1] + "9", "output": "mended", "createdAt": "2099-03-01T00:00:00Z"}
        chainlit.create_step(later)
        (listed,) = varve.get("/v1/threads", userId=user.id)["data"]
        assert listed["createdAt"] == "2099-03-01T00:00:00.000000Z", "what Chainlit writes counts as activity"
        assert varve.get("/v1/threads", userId=user.id, search="MENDED")["data"]

        varve.send("PUT", f"/v1/steps/{TOOL}", **golden.tool() | {"output": "from varve"})
        assert by_id(loaded(chainlit.get_thread(THREAD))["steps"])[TOOL]["output"] == "from varve"
        chainlit.delete_thread(THREAD)
        assert varve.get("/v1/threads", userId=user.id)["data"] == []


@pytest.mark.parametrize("schema", ["documented", "complete"])
def test_what_the_doctor_did_can_be_taken_back(shared, schema):
    before = shared.objects()
    with shared.chainlit() as chainlit:
        golden.write_with_chainlit(chainlit)
    assert doctor(shared, "--apply")[0] == 0
    assert shared.objects() != before
    code, said = doctor(shared, "--remove")
    assert code == 0, said
    assert shared.objects() == before
    with shared.chainlit() as chainlit:
        assert chainlit.get_thread(THREAD)["name"] == "héllo"
        chainlit.update_thread(THREAD, name="still mine")
        assert chainlit.get_thread(THREAD)["name"] == "still mine"
