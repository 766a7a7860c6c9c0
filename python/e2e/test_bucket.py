"""The app on DynamoDB and S3, as people in the cloud run it: its files lie in the bucket that Chainlit's own variables
name, are read from there, and Chainlit's `DynamoDBDataLayer` with its `S3StorageClient` shares both."""

import asyncio

import httpx
import pytest
from chainlit.data.dynamodb import DynamoDBDataLayer
from chainlit.data.storage_clients.s3 import S3StorageClient

import golden
from golden import NOTE, THREAD
from harness.backend import OnSQLite
from harness.chainlit_layer import ChainlitLayer
from harness.clouds import KEY, REGION, SECRET, S3, DynamoDB
from harness.varve import Varve
from harness.wait import until

# These sentences hold here too; pytest runs them on the app below.
from test_app import (  # noqa: F401
    test_a_deleted_thread_stays_deleted,
    test_an_uploaded_file_comes_back_byte_for_byte,
    test_everything_is_found_again_after_a_restart,
)


@pytest.fixture(scope="module")
def dynamodb(tmp_path_factory):
    with DynamoDB(tmp_path_factory.mktemp("dynamodb")) as server:
        yield server


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    with S3(tmp_path_factory.mktemp("s3")) as server:
        yield server


class InTheCloud(OnSQLite):
    """`varve serve` on a table and a bucket."""

    def __init__(self, folder, dynamodb, s3):
        self.dynamodb, self.s3 = dynamodb, s3
        super().__init__(folder)

    def prepare(self):
        bucket = self.s3.environment(self.s3.bucket("app"))
        self.varve = Varve(self.folder / "varve-data", self.dynamodb.table("app"), bucket)


@pytest.fixture(scope="module")
def backend(tmp_path_factory, dynamodb, s3):
    with InTheCloud(tmp_path_factory.mktemp("cloud"), dynamodb, s3) as running:
        yield running


def test_the_page_reads_files_from_the_bucket(backend, s3, alice, chat, png):
    file_id = alice.upload(chat, "50% #1.png", png, "image/png")
    chat.say("what is in the picture?", [file_id])
    thread = alice.thread_when(chat.thread_id, lambda t: t["elements"], "the picture is there")
    (element,) = thread["elements"]
    assert element["url"].startswith(f"{s3.url}/app/") and "X-Amz-Signature" in element["url"]
    answer = alice.fetch(element["url"])
    assert answer.content == png and answer.headers["content-type"] == "image/png"
    assert "UTF-8''50%25%20#1.png" in answer.headers["content-disposition"]
    assert httpx.get(element["url"].split("?")[0]).status_code == 403, "without a signature nobody reads it"
    assert element["objectKey"] in s3.keys("app")
    assert element["objectKey"] == f"{thread['userId']}/{chat.thread_id}/{element['id']}"


class CloudLayer(ChainlitLayer):
    """Chainlit's own layer and storage client, on the same table and bucket."""

    def __init__(self, dynamodb, s3, name):
        self.table, self.client = name, dynamodb.client()
        keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": REGION}
        self.storage = S3StorageClient(bucket=name, endpoint_url=s3.url, **keys)

    def __enter__(self):
        self.runner = asyncio.Runner()
        self.layer = DynamoDBDataLayer(self.table, client=self.client, storage_provider=self.storage)
        return self

    def __exit__(self, *_):
        self.runner.close()  # the storage client of this Chainlit cannot be closed


@pytest.fixture
def shared(request, dynamodb, s3, tmp_path):
    """A name for a table and a bucket, and Varve on both."""
    name = request.node.name.replace("_", "-")[:60]
    url = dynamodb.table(name)
    with Varve(tmp_path / "data", url, s3.environment(s3.bucket(name))) as varve:
        yield name, varve


def test_varve_reads_files_that_chainlit_stored(shared, dynamodb, s3):
    name, varve = shared
    with CloudLayer(dynamodb, s3, name) as chainlit:
        golden.write_with_chainlit(chainlit)
    elements = {e["id"]: e for e in varve.get(f"/v1/threads/{THREAD}")["elements"]}
    assert httpx.get(elements[NOTE]["url"]).content == "häh?".encode()
    key = elements[NOTE]["objectKey"]
    assert key in s3.keys(name)
    varve.send("DELETE", f"/v1/threads/{THREAD}")
    until(lambda: key not in s3.keys(name), "the file is gone too")


def test_chainlit_reads_files_that_varve_stored(shared, dynamodb, s3):
    name, varve = shared
    golden.write_with_varve(varve)
    with CloudLayer(dynamodb, s3, name) as chainlit:
        elements = {e["id"]: e for e in chainlit.get_thread(THREAD)["elements"]}
        assert httpx.get(elements[NOTE]["url"]).content == "häh?".encode()
