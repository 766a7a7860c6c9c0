"""One database, two programs: what Chainlit's own layer wrote Varve reads, and the other way round."""

import datetime
import json
import re

import pytest
from chainlit.types import Feedback, Pagination, ThreadFilter
from chainlit.user import User

import golden
from golden import CARD, IDENTIFIER, MESSAGE, NOTE, RATING, THREAD, TOOL, missing
from harness.schema import SCHEMAS
from harness.shared import ENGINES

# What Chainlit's own layer loses in silence on these schemas (a column is missing that it writes, or one is required
# that it does not write). Varve must read the rest, and must itself lose nothing there.
LOST = {
    "documented": {TOOL},
    "complete": set(),
    "oldest": {MESSAGE, TOOL, CARD},
    "before-commands": {TOOL},
    "before-open-steps": {TOOL},
    "before-modes": {TOOL},
    "without-props": {CARD},
    "all-text": set(),
}

# The layer's reads of elements name the column `props`; without it they return none at all.
NO_ELEMENTS = {"oldest", "without-props"}


@pytest.fixture(params=ENGINES)
def engine(request):
    return ENGINES[request.param]


@pytest.fixture
def shared(engine, schema, tmp_path, request):
    postgres = request.getfixturevalue("postgres") if engine.name == "postgres" else None
    return engine(tmp_path, schema, postgres)


def tags_for(shared, schema):
    return ["gpt"] if shared.stores_tags and schema != "all-text" else None


def by_id(things):
    return {thing["id"]: thing for thing in things}


def threads_of(user_id, **filters):
    return Pagination(first=10), ThreadFilter(userId=user_id, **filters)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_varve_reads_what_chainlit_wrote(shared, schema):
    tags = tags_for(shared, schema)
    with shared.chainlit() as chainlit:
        user = golden.write_with_chainlit(chainlit, tags)
    with shared.varve() as varve:
        found = varve.get(f"/v1/users/{IDENTIFIER}")
        assert (found["id"], found["metadata"]) == (user.id, golden.USER_METADATA)
        thread = varve.get(f"/v1/threads/{THREAD}")
        assert not missing(
            {"id": THREAD, "name": "héllo", "userId": user.id, "userIdentifier": IDENTIFIER, "tags": tags}
            | {"metadata": golden.THREAD_METADATA},
            thread,
        )
        steps, elements = by_id(thread["steps"]), by_id(thread["elements"])
        assert set(steps) == {MESSAGE, TOOL} - LOST[schema]
        assert set(elements) == {NOTE, CARD} - LOST[schema]
        if MESSAGE in steps:
            assert not missing(golden.MESSAGE_FACTS, steps[MESSAGE])
            assert not missing(golden.RATING_FACTS, steps[MESSAGE]["feedback"])
        if TOOL in steps:
            assert not missing(golden.TOOL_FACTS, steps[TOOL])
            assert steps[TOOL]["generation"] is None
        assert not missing(golden.NOTE_FACTS | {"objectKey": f"{user.id}/{NOTE}/a b.txt"}, elements[NOTE])
        if CARD in elements:
            assert not missing(golden.CARD_FACTS, elements[CARD])
        assert [t["id"] for t in varve.get("/v1/threads", userId=user.id)["data"]] == [THREAD]
        assert varve.get(f"/v1/threads/{THREAD}/author") == {"author": IDENTIFIER}
        if MESSAGE in steps:
            assert [t["id"] for t in varve.get("/v1/threads", userId=user.id, search="HÉLLO")["data"]] == [THREAD]
            assert [t["id"] for t in varve.get("/v1/threads", userId=user.id, feedback=1)["data"]] == [THREAD]
            assert varve.get("/v1/threads", userId=user.id, feedback=0)["data"] == []
            assert [s["id"] for s in varve.get("/v1/favorites", userId=user.id)["data"]] == [MESSAGE]


@pytest.mark.parametrize("schema", [*SCHEMAS, None], ids=lambda schema: schema or "made-by-varve")
def test_chainlit_reads_what_varve_wrote(shared, schema):
    tags = tags_for(shared, schema)
    with shared.varve() as varve:
        user = golden.write_with_varve(varve, tags)
        whole = varve.get(f"/v1/threads/{THREAD}")
    steps, elements = by_id(whole["steps"]), by_id(whole["elements"])
    assert set(steps) == {MESSAGE, TOOL} and set(elements) == {NOTE, CARD}
    # Varve loses nothing of a step, whatever the schema has no column for; an element has no metadata to keep it in,
    # so there Varve says what it leaves out.
    assert not missing(golden.MESSAGE_FACTS, steps[MESSAGE])
    assert not missing(golden.TOOL_FACTS | {"defaultOpen": False, "autoCollapse": False}, steps[TOOL])
    if schema in NO_ELEMENTS:
        assert not missing(golden.CARD_FACTS | {"props": None}, elements[CARD])
        assert re.search("keys? of (an )?element", varve.process.tail())
    else:
        assert not missing(golden.CARD_FACTS, elements[CARD])

    with shared.chainlit() as chainlit:
        found = chainlit.get_user(IDENTIFIER)
        assert (found.id, found.metadata) == (user["id"], golden.USER_METADATA)
        assert chainlit.get_thread_author(THREAD) == IDENTIFIER
        thread = loaded(chainlit.get_thread(THREAD))
        assert not missing({"name": "héllo", "userId": user["id"], "userIdentifier": IDENTIFIER}, thread)
        assert thread["metadata"] == golden.THREAD_METADATA
        steps = by_id(thread["steps"])
        assert [step["id"] for step in thread["steps"]] == [MESSAGE, TOOL]
        assert not missing(golden.MESSAGE_FACTS, steps[MESSAGE])
        assert not missing(golden.TOOL_FACTS, steps[TOOL])
        assert not missing(golden.RATING_FACTS, steps[MESSAGE]["feedback"])
        if schema not in NO_ELEMENTS:
            elements = by_id(thread["elements"])
            assert not missing(golden.NOTE_FACTS, elements[NOTE])
            assert not missing(golden.CARD_FACTS, elements[CARD])
        page = chainlit.list_threads(*threads_of(user["id"], search="héllo"))
        assert [t["id"] for t in page.data] == [THREAD]
        favourites = chainlit.get_favorite_steps(user["id"])
        if shared.name == "sqlite" or schema == "all-text":  # the layer's own query fails on JSONB
            assert [step["id"] for step in favourites] == [MESSAGE]


@pytest.mark.parametrize("schema", ["complete", "documented", None], ids=lambda schema: schema or "made-by-varve")
def test_both_write_in_turns(shared, schema):
    """Chainlit changes what Varve wrote and adds to it, while Varve is running; Varve sees all of it, and goes on."""
    with shared.varve() as varve, shared.chainlit() as chainlit:
        user = golden.write_with_varve(varve)
        chainlit.create_user(User(identifier=IDENTIFIER, metadata={"role": "changed"}))
        chainlit.update_thread(THREAD, name="renamed by chainlit", metadata={"added": 1})
        later = {**golden.message(), "id": TOOL[:-1] + "4", "output": "from chainlit", "metadata": {}}
        later["createdAt"] = later["start"] = later["end"] = "2099-03-01T00:00:00Z"
        chainlit.create_step(later)
        chainlit.upsert_feedback(Feedback(id=RATING, forId=MESSAGE, threadId=THREAD, value=0))

        assert varve.get(f"/v1/users/{IDENTIFIER}")["metadata"] == {"role": "changed"}
        thread = varve.get(f"/v1/threads/{THREAD}")
        assert (thread["name"], thread["metadata"]) == ("renamed by chainlit", {**golden.THREAD_METADATA, "added": 1})
        assert [step["output"] for step in thread["steps"]] == ["héllo", golden.tool()["output"], "from chainlit"]
        assert thread["steps"][0]["feedback"]["value"] == 0
        (listed,) = varve.get("/v1/threads", userId=user["id"])["data"]
        assert listed["createdAt"] == "2099-03-01T00:00:00.000000Z", "the foreign step counts as activity"
        assert varve.get("/v1/threads", userId=user["id"], search="from chainlit")["data"]

        varve.send("PATCH", f"/v1/threads/{THREAD}", metadata={"added": None, "by": "varve"})
        assert loaded(chainlit.get_thread(THREAD))["metadata"] == {**golden.THREAD_METADATA, "by": "varve"}

        chainlit.delete_thread(THREAD)
        assert varve.get("/v1/threads", userId=user["id"])["data"] == []
        assert not shared.rows("select id from steps") and not shared.rows("select id from elements")


def loaded(thread):
    """On SQLite the layer hands JSON columns out as text; Chainlit's server parses them where it needs them."""

    def load(value):
        return json.loads(value) if isinstance(value, str) else value

    thread["metadata"] = load(thread["metadata"])
    for step in thread["steps"]:
        step["metadata"] = load(step["metadata"])
        # Where Varve keeps what the schema has no column for.
        step["metadata"].pop("varve", None)
    for element in thread["elements"]:
        element["props"] = load(element["props"])
    return thread


def test_varve_leaves_a_foreign_schema_as_it_is(engine, tmp_path, request):
    """Nothing of Chainlit's is altered without being asked for: no column, no index, no trigger, no table of theirs."""
    postgres = request.getfixturevalue("postgres") if engine.name == "postgres" else None
    shared = engine(tmp_path, "documented", postgres)
    before = shared.objects()
    with shared.varve() as varve:
        golden.write_with_varve(varve)
        varve.get(f"/v1/threads/{THREAD}")
    after = shared.objects()
    assert {name: sql for name, sql in after.items() if "varve" not in str(name)} == before


# What cannot be the same twice: ids and times that the writer makes, and where it puts bytes.
OWN = {
    "users": {"id", "createdAt"},
    "threads": {"userId", "createdAt"},
    "elements": {"url", "objectKey"},
    "steps": set(),
    "feedbacks": set(),
}


def test_both_write_the_same_rows(engine, tmp_path, request):
    postgres = request.getfixturevalue("postgres") if engine.name == "postgres" else None
    tags = tags_for(engine, "complete")
    written = []
    for writer in ("chainlit", "varve"):
        (tmp_path / writer).mkdir()
        shared = engine(tmp_path / writer, "complete", postgres)
        with getattr(shared, writer)() as layer:
            getattr(golden, f"write_with_{writer}")(layer, tags)
        written.append({table: rows(shared, table) for table in OWN})
    by_chainlit, by_varve = written
    for table in OWN:
        assert by_varve[table] == by_chainlit[table], table


def rows(shared, table):
    """The rows as they lie there, ordered by what they are about."""
    found = shared.rows(f'select * from {table} order by {"identifier" if table == "users" else "id"}')
    return [{key: meant(shared, key, value) for key, value in row.items() if key not in OWN[table]} for row in found]


def meant(shared, column, value):
    """Times are the same with any number of digits. JSON is the same in any order of its keys, but in SQLite it must be
    spelled as Python spells it: there Chainlit looks for favourites in the text."""
    if value and column in ("createdAt", "start", "end"):
        return datetime.datetime.fromisoformat(value)
    if value and column in ("metadata", "generation", "props"):
        parsed = json.loads(value)
        assert shared.name != "sqlite" or value == json.dumps(parsed)
        return parsed
    return value
