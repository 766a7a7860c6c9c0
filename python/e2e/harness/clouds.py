"""What stands in for a cloud: DynamoDB Local, and versitygw for S3. Both check or ignore the one pair of keys."""

import os
import pathlib
import subprocess

import boto3
import httpx

from .process import Process, free_port
from .varve import binary
from .wait import until

REGION = "eu-central-1"
KEY, SECRET = "varve", "varve-secret"


def credentials():
    """For every library of this process, and for its children."""
    os.environ |= {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION}


def cached(path, script):
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    assert (cache / "varve" / path).exists(), f"{path} is missing: run scripts/{script}"
    return cache / "varve" / path


class Service:
    """A server that answers at `url` while it is entered."""

    def __init__(self, folder):
        credentials()
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def command(self):
        raise NotImplementedError

    def __enter__(self):
        self.process = Process(self.command(), self.folder / "log")
        until(self.answers, f"{type(self).__name__} is ready", 60)
        return self

    def __exit__(self, *_):
        self.process.stop()

    def answers(self):
        self.process.require_alive()
        try:
            return httpx.get(self.url).status_code > 0
        except httpx.TransportError:
            return False


class DynamoDB(Service):
    def command(self):
        lib = cached("dynamodb-local-2.5.2", "need-dynamodb")
        java = ["java", f"-Djava.library.path={lib}", "-cp", f"{lib}/*"]
        return [*java, "com.amazonaws.services.dynamodbv2.local.main.ServerRunner", "-inMemory", "-port", self.port]

    def client(self):
        return boto3.client("dynamodb", region_name=REGION, endpoint_url=self.url)

    def table(self, name):
        """The URL of a table that Varve's doctor has made."""
        url = f"dynamodb://{name}?region={REGION}&endpoint={self.url}"
        doctor = [binary(), "doctor", "--data", self.folder / f"doctor-{name}", "--url", url]
        told = subprocess.run(doctor, capture_output=True, text=True)
        assert told.returncode != 0 and "AWS::DynamoDB::Table" in told.stdout, told
        mended = subprocess.run([*doctor, "--apply"], capture_output=True, text=True)
        assert mended.returncode == 0, mended
        return url


class S3(Service):
    def command(self):
        at = {name: self.folder / name for name in ("data", "meta", "iam")}
        for folder in at.values():
            folder.mkdir()
        program = cached("versitygw-v1.8.0/versitygw", "need-buckets")
        command = [program, "--access", KEY, "--secret", SECRET, "--region", REGION, "--port", f"127.0.0.1:{self.port}"]
        return [*command, "--iam-dir", at["iam"], "--quiet", "posix", "--sidecar", at["meta"], at["data"]]

    def client(self):
        return boto3.client("s3", region_name=REGION, endpoint_url=self.url)

    def bucket(self, name):
        self.client().create_bucket(Bucket=name)
        return name

    def keys(self, bucket):
        return [found["Key"] for found in self.client().list_objects_v2(Bucket=bucket).get("Contents", [])]

    def environment(self, bucket):
        """Chainlit's own variables for a bucket."""
        keys = {"APP_AWS_ACCESS_KEY": KEY, "APP_AWS_SECRET_KEY": SECRET, "APP_AWS_REGION": REGION}
        return {"BUCKET_NAME": bucket, "DEV_AWS_ENDPOINT": self.url, **keys}
