"""One DynamoDB table, two programs: Chainlit's own `DynamoDBDataLayer` and Varve read each other."""

import asyncio

import pytest
from chainlit.data.dynamodb import DynamoDBDataLayer
from chainlit.types import Pagination, ThreadFilter

import golden
from golden import CARD, IDENTIFIER, MESSAGE, NOTE, THREAD, TOOL, missing
from harness.chainlit_layer import Bucket, ChainlitLayer
from harness.clouds import DynamoDB
from harness.varve import Varve

FEEDBACK = f"THREAD#{THREAD}::STEP#{MESSAGE}"


class DynamoLayer(ChainlitLayer):
    def __init__(self, table, client):
        self.table, self.client, self.bucket = table, client, Bucket()

    def __enter__(self):
        self.runner = asyncio.Runner()
        self.layer = DynamoDBDataLayer(self.table, client=self.client, storage_provider=self.bucket)
        return self


@pytest.fixture(scope="module")
def dynamodb(tmp_path_factory):
    with DynamoDB(tmp_path_factory.mktemp("dynamodb")) as server:
        yield server


@pytest.fixture
def table(request):
    return "".join(c if c.isalnum() else "-" for c in request.node.name)


@pytest.fixture
def client(dynamodb):
    return dynamodb.client()


@pytest.fixture
def varve(dynamodb, table, tmp_path):
    """Varve on a table that its doctor made."""
    with Varve(tmp_path / "data", dynamodb.table(table)) as server:
        yield server


def by_id(things):
    return {thing["id"]: thing for thing in things}


def test_varve_reads_what_chainlit_wrote(varve, table, client):
    with DynamoLayer(table, client) as chainlit:
        user = golden.write_with_chainlit(chainlit, ["gpt"])
    found = varve.get(f"/v1/users/{IDENTIFIER}")
    assert (found["id"], found["metadata"]) == (user.id, golden.USER_METADATA)
    thread = varve.get(f"/v1/threads/{THREAD}")
    facts = {"id": THREAD, "name": "héllo", "userId": IDENTIFIER, "userIdentifier": IDENTIFIER, "tags": ["gpt"]}
    assert not missing(facts, thread)
    steps, elements = by_id(thread["steps"]), by_id(thread["elements"])
    assert not missing(golden.MESSAGE_FACTS, steps[MESSAGE])
    assert not missing(golden.TOOL_FACTS, steps[TOOL])
    assert not missing({"id": FEEDBACK, "value": 1, "comment": "ok"}, steps[MESSAGE]["feedback"])
    assert not missing(golden.NOTE_FACTS | {"objectKey": f"unknown/{THREAD}/{NOTE}"}, elements[NOTE])
    assert not missing(golden.CARD_FACTS, elements[CARD])

    def listed(**query):
        return [t["id"] for t in varve.get("/v1/threads", userId=IDENTIFIER, **query)["data"]]

    assert listed() == listed(search="HÉLLO") == listed(feedback=1) == [THREAD]
    assert listed(feedback=0) == []
    assert [s["id"] for s in varve.get("/v1/favorites", userId=IDENTIFIER)["data"]] == [MESSAGE]


def test_chainlit_reads_what_varve_wrote(varve, table, client):
    golden.write_with_varve(varve, ["gpt"])
    nameless = "77777777-7777-4777-8777-777777777777"
    varve.send("PATCH", f"/v1/threads/{nameless}", userId=IDENTIFIER)
    with DynamoLayer(table, client) as chainlit:
        found = chainlit.get_user(IDENTIFIER)
        assert (found.id, found.metadata) == (IDENTIFIER, golden.USER_METADATA)
        assert chainlit.get_thread_author(THREAD) == IDENTIFIER
        thread = chainlit.get_thread(THREAD)
        facts = {"name": "héllo", "userId": IDENTIFIER, "tags": ["gpt"], "metadata": golden.THREAD_METADATA}
        assert not missing(facts, thread)
        assert [s["id"] for s in thread["steps"]] == [MESSAGE, TOOL]
        steps, elements = by_id(thread["steps"]), by_id(thread["elements"])
        written = {k: v for k, v in golden.MESSAGE_FACTS.items() if k not in ("input", "showInput")}
        assert not missing(written, steps[MESSAGE])
        assert steps[MESSAGE]["feedback"]["id"] == FEEDBACK and steps[MESSAGE]["feedback"]["value"] == 1
        assert set(elements) == {NOTE, CARD} and elements[CARD]["props"] == golden.PROPS
        page = chainlit.list_threads(Pagination(first=10), ThreadFilter(userId=IDENTIFIER))
        assert {t["name"] for t in page.data} == {"héllo", "Untitled"}
        assert [s["id"] for s in chainlit.get_favorite_steps(IDENTIFIER)] == [MESSAGE]
        assert chainlit.delete_feedback(FEEDBACK)
    assert by_id(varve.get(f"/v1/threads/{THREAD}")["steps"])[MESSAGE]["feedback"] is None


def test_chainlits_cursor_goes_on_in_varve(varve, table, client):
    varve.send("PUT", f"/v1/users/{IDENTIFIER}", metadata={})
    with DynamoLayer(table, client) as chainlit:
        for n in range(5):
            chainlit.update_thread(f"thread-{n}", name=str(n), user_id=IDENTIFIER)
        chainlit.layer.user_thread_limit = 2
        page = chainlit.list_threads(Pagination(first=2), ThreadFilter(userId=IDENTIFIER))
        assert [t["name"] for t in page.data] == ["4", "3"]
    rest = varve.get("/v1/threads", userId=IDENTIFIER, cursor=page.pageInfo.endCursor)
    assert [t["name"] for t in rest["data"]] == ["2", "1", "0"]


def test_a_text_over_an_items_limit_stays_readable(varve, table, client):
    long = "é1234567" * 100_000
    varve.send("PUT", f"/v1/steps/{MESSAGE}", **(golden.message() | {"output": long}))
    assert varve.get(f"/v1/threads/{THREAD}")["steps"][0]["output"] == long
    with DynamoLayer(table, client) as chainlit:
        seen = chainlit.get_thread(THREAD)["steps"][0]["output"]
        assert seen.endswith("…") and long.startswith(seen[:-1]) and len(seen) > 1000
        chainlit.update_step({"id": MESSAGE, "threadId": THREAD, "output": "edited"})
    assert varve.get(f"/v1/threads/{THREAD}")["steps"][0]["output"] == "edited"
