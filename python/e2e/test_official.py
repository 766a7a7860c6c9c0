"""Chainlit's official layer and Varve on one database, as found, mended by the doctor, and made by Varve."""

import httpx
import pytest
from chainlit.types import Feedback
from chainlit.user import User

import golden
from golden import CARD, IDENTIFIER, MESSAGE, NOTE, RATING, THREAD, TOOL, missing
from harness.official import OfficialPostgres
from test_crossread import by_id, threads_of
from test_doctor import doctor

WHOLE = "2026-01-02T03:04:06.000000Z"  # the layer takes no time without its six digits


def tool():
    return golden.tool() | {"createdAt": WHOLE, "start": WHOLE, "end": "2026-01-02T03:04:07.500000Z"}


def write_with_chainlit(layer):
    user = layer.create_user(User(identifier=IDENTIFIER, metadata=dict(golden.USER_METADATA)))
    layer.update_thread(THREAD, name="héllo", user_id=user.id, tags=["gpt"], metadata={**golden.THREAD_METADATA, "a": None})
    layer.create_step(golden.message())
    layer.create_step(tool())
    layer.create_element(golden.note)
    layer.create_element(golden.card)
    layer.upsert_feedback(Feedback(id=RATING, forId=MESSAGE, threadId=THREAD, value=1, comment="ok"))
    return user


@pytest.fixture(params=["found", "mended", "made"])
def shared(request, tmp_path, postgres):
    shared = OfficialPostgres(tmp_path, postgres, made=request.param == "made")
    shared.state = request.param
    if shared.state == "mended":
        assert doctor(shared)[0] == 1, "something is missing"
        code, said = doctor(shared, "--apply")
        assert code == 0, said
        assert doctor(shared)[0] == 0, "once mended, nothing is missing"
    if shared.made:
        with shared.varve() as varve:
            varve.get("/v1/threads")
    return shared


def without(facts, *keys):
    return {key: value for key, value in facts.items() if key not in keys}


# Milliseconds are what the tables keep of times, and the layer writes no end: those are what is left of what it wrote.
MESSAGE_LEFT = without(golden.MESSAGE_FACTS, "createdAt", "start", "end", "showInput", "waitForAnswer") | {
    "createdAt": "2026-01-02T03:04:05.000000Z",
    "start": "2026-01-02T03:04:05.000000Z",
}
TOOL_LEFT = without(golden.TOOL_FACTS, "end", "language")


def test_varve_reads_what_the_official_layer_wrote(shared):
    with shared.chainlit() as chainlit:
        user = write_with_chainlit(chainlit)
    with shared.varve() as varve:
        found = varve.get(f"/v1/users/{IDENTIFIER}")
        assert (found["id"], found["metadata"]) == (user.id, golden.USER_METADATA)
        thread = varve.get(f"/v1/threads/{THREAD}")
        facts = {"name": "héllo", "userId": user.id, "userIdentifier": IDENTIFIER, "tags": ["gpt"]}
        assert not missing(facts | {"metadata": golden.THREAD_METADATA}, thread)
        steps, elements = by_id(thread["steps"]), by_id(thread["elements"])
        assert (set(steps), set(elements)) == ({MESSAGE, TOOL}, {NOTE, CARD})
        assert not missing(MESSAGE_LEFT, steps[MESSAGE])
        assert not missing(golden.RATING_FACTS, steps[MESSAGE]["feedback"])
        assert not missing(TOOL_LEFT, steps[TOOL])
        assert not missing(golden.NOTE_FACTS | {"objectKey": f"threads/{THREAD}/files/{NOTE}"}, elements[NOTE])
        assert not missing(golden.CARD_FACTS, elements[CARD])
        for query in ({}, {"search": "HÉLLO"}, {"feedback": 1}):
            (listed,) = varve.get("/v1/threads", userId=user.id, **query)["data"]
            assert listed["id"] == THREAD
        assert varve.get("/v1/threads", userId=user.id, feedback=0)["data"] == []
        assert [s["id"] for s in varve.get("/v1/favorites", userId=user.id)["data"]] == [MESSAGE]


def test_the_official_layer_reads_what_varve_wrote(shared):
    with shared.varve() as varve:
        user = golden.write_with_varve(varve, ["gpt"])
        whole = varve.get(f"/v1/threads/{THREAD}")
        assert whole["tags"] == ["gpt"]
        steps, elements = by_id(whole["steps"]), by_id(whole["elements"])
        # To Varve nothing of it is lost, not the microseconds either.
        assert not missing(golden.MESSAGE_FACTS, steps[MESSAGE])
        assert not missing(golden.TOOL_FACTS | {"defaultOpen": False, "autoCollapse": False}, steps[TOOL])
        assert not missing(golden.CARD_FACTS, elements[CARD])

    with shared.chainlit() as chainlit:
        found = chainlit.get_user(IDENTIFIER)
        assert (found.id, found.metadata) == (user["id"], golden.USER_METADATA)
        assert chainlit.get_thread_author(THREAD) == IDENTIFIER
        thread = chainlit.get_thread(THREAD)
        facts = {"name": "héllo", "userId": user["id"], "userIdentifier": IDENTIFIER, "metadata": golden.THREAD_METADATA}
        assert not missing(facts, thread)
        assert [step["id"] for step in thread["steps"]] == [MESSAGE, TOOL]
        for step in thread["steps"]:
            private = step["metadata"].pop("varve", None)
            assert bool(private) == (shared.state == "found"), "where there is no column of Varve's, metadata takes it"
        message, called = thread["steps"]
        facts = {"parentId": None, "name": "bob", "type": "user_message", "output": "héllo", "metadata": {"favorite": True}}
        assert not missing(facts | {"createdAt": "2026-01-02T03:04:05", "isError": False}, message)
        assert not missing(golden.RATING_FACTS, message["feedback"])
        facts = without(golden.TOOL_FACTS, "streaming", "language", "createdAt", "start", "end")
        times = {"createdAt": "2026-01-02T03:04:06", "start": "2026-01-02T03:04:06", "end": "2026-01-02T03:04:07.500000"}
        assert not missing(facts | times, called)
        elements = by_id(thread["elements"])
        assert not missing(golden.NOTE_FACTS, elements[NOTE])
        assert not missing(golden.CARD_FACTS, elements[CARD])
        assert not missing(golden.CARD_FACTS, chainlit.get_element(THREAD, CARD))
        page = chainlit.list_threads(*threads_of(user["id"], search="héllo"))
        assert [t["id"] for t in page.data] == [THREAD]
        assert [step["id"] for step in chainlit.get_favorite_steps(user["id"])] == [MESSAGE]


def test_both_write_in_turns(shared):
    """The layer changes what Varve wrote and adds to it, while Varve is running; Varve sees all of it, and goes on."""
    with shared.varve() as varve, shared.chainlit() as chainlit:
        user = golden.write_with_varve(varve, ["gpt"])
        chainlit.create_user(User(identifier=IDENTIFIER, metadata={"role": "changed"}))
        chainlit.update_thread(THREAD, name="renamed by chainlit", metadata={"added": 1})
        # An update as an app makes it: the layer replaces the metadata and moves the end to the beginning.
        chainlit.update_step(tool() | {"output": "changed", "metadata": {"icon": "pen"}})
        later = golden.message() | {"id": TOOL[:-1] + "4", "output": "from chainlit", "metadata": {}}
        chainlit.create_step(later | {"createdAt": "2099-03-01T00:00:00.000000Z"})
        chainlit.upsert_feedback(Feedback(id=RATING, forId=MESSAGE, threadId=THREAD, value=0))

        assert varve.get(f"/v1/users/{IDENTIFIER}")["metadata"] == {"role": "changed"}
        thread = varve.get(f"/v1/threads/{THREAD}")
        assert (thread["name"], thread["tags"]) == ("renamed by chainlit", ["gpt"])
        assert thread["metadata"] == {**golden.THREAD_METADATA, "added": 1}
        assert [step["output"] for step in thread["steps"]] == ["héllo", "changed", "from chainlit"]
        assert thread["steps"][0]["feedback"]["value"] == 0
        assert thread["steps"][1]["metadata"] == {"icon": "pen"}
        if shared.state != "found":  # columns of Varve's survive what the layer does to metadata
            assert not missing({"end": golden.TOOL_FACTS["end"], "language": "json"}, thread["steps"][1])
        (listed,) = varve.get("/v1/threads", userId=user["id"])["data"]
        assert listed["createdAt"] == "2099-03-01T00:00:00.000000Z", "the foreign step counts as activity"
        assert varve.get("/v1/threads", userId=user["id"], search="from chainlit")["data"]

        varve.send("PATCH", f"/v1/threads/{THREAD}", metadata={"added": None, "by": "varve"})
        assert chainlit.get_thread(THREAD)["metadata"] == {**golden.THREAD_METADATA, "by": "varve"}

        chainlit.delete_thread(THREAD)
        assert varve.get("/v1/threads", userId=user["id"])["data"] == []
        assert not shared.rows('select id from "Step"') and not shared.rows('select id from "Element"')


def test_a_step_may_come_before_its_parent(shared):
    """Its place is kept by a row that Varve shows to nobody, that the layer fills, and that goes with the thread."""
    with shared.varve() as varve, shared.chainlit() as chainlit:
        varve.send("PATCH", f"/v1/threads/{THREAD}", name="n")
        varve.send("PUT", f"/v1/steps/{TOOL}", **golden.tool())
        (step,) = varve.get(f"/v1/threads/{THREAD}")["steps"]
        assert (step["id"], step["parentId"]) == (TOOL, MESSAGE)
        chainlit.create_step(golden.message())
        assert [s["id"] for s in varve.get(f"/v1/threads/{THREAD}")["steps"]] == [MESSAGE, TOOL]

        varve.send("DELETE", f"/v1/steps/{MESSAGE}")
        assert varve.get(f"/v1/threads/{THREAD}")["steps"] == []
        varve.send("PUT", f"/v1/steps/{TOOL}", **golden.tool())
        varve.send("DELETE", f"/v1/threads/{THREAD}")
        assert not shared.rows('select id from "Step"')


def test_a_thread_that_was_marked_as_deleted_is_not_shown(shared):
    with shared.varve() as varve:
        user = golden.write_with_varve(varve)
        shared.postgres.run(shared.database, """update "Thread" set "deletedAt" = now()""")
        assert varve.get("/v1/threads", userId=user["id"])["data"] == []
        assert varve.get("/v1/favorites", userId=user["id"])["data"] == []
        assert httpx.get(f"{varve.url}/v1/threads/{THREAD}").status_code == 404
        assert httpx.get(f"{varve.url}/v1/steps/{MESSAGE}").status_code == 404
        late = httpx.put(f"{varve.url}/v1/steps/{TOOL}", json=golden.tool(), headers={"Varve-Client": "e2e/1"})
        assert late.status_code == 410, late.text
