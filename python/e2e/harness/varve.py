"""The real binary, as a server on a data folder."""

import json
import os
import pathlib

import httpx

from .process import Process, free_port
from .wait import until

ROOT = pathlib.Path(__file__).resolve().parents[3]


def binary():
    path = pathlib.Path(os.environ.get("VARVE_BINARY") or ROOT / "bin" / "varve")
    if not path.exists():
        raise RuntimeError(f"there is no {path}; run the tests through test.sh, which builds it")
    return path


class Varve:
    """`varve serve` on a folder, or on a folder and another database. It can be killed and started again."""

    def __init__(self, folder, url=None, environment=None):
        self.folder = pathlib.Path(folder)
        self.database = url
        self.environment = environment
        self.port = free_port()
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [binary(), "serve", "--data", self.folder, "--listen", f"127.0.0.1:{self.port}"]
        if self.database:
            command += ["--url", self.database]
        self.process = Process(command, f"{self.folder}.log", env=self.environment)
        until(self.ready, "varve is ready", 30)

    def stop(self):
        if self.process:
            self.process.stop()

    def kill(self):
        self.process.kill()

    def ready(self):
        self.process.require_alive()
        return httpx.get(f"{self.url}/readyz").status_code == 200

    def put_element(self, thread_id, element_id, element, content=None, mime=None):
        """An element, and its bytes if it has any, as the adapter sends them."""
        parts = [("element", (None, json.dumps(element), "application/json"))]
        if content is not None:
            parts.append(("content", (element["name"], content, mime)))
        path = f"{self.url}/v1/threads/{thread_id}/elements/{element_id}"
        response = httpx.put(path, files=parts, headers={"Varve-Client": "e2e/1"})
        assert response.status_code == 200, response.text
        return response.json()

    def get(self, path, **query):
        """A read as a bare HTTP caller makes it: the JSON answer."""
        response = httpx.get(f"{self.url}{path}", params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def send(self, method, path, **body):
        response = httpx.request(method, f"{self.url}{path}", json=body, headers={"Varve-Client": "e2e/1"})
        assert response.status_code in (200, 204), response.text
        return response.json() if response.content else None
