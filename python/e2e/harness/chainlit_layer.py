"""Chainlit's real `SQLAlchemyDataLayer`, used from synchronous tests without an app around it."""

import asyncio
import inspect
import pathlib

from chainlit.context import init_http_context
from chainlit.data.sql_alchemy import SQLAlchemyDataLayer
from chainlit.data.storage_clients.base import BaseStorageClient


class Bucket(BaseStorageClient):
    """A bucket of the user's own, which Varve knows nothing of."""

    def __init__(self):
        self.objects = {}

    async def upload_file(self, object_key, data, mime="", overwrite=True, content_disposition=None):
        self.objects[object_key] = data
        return {"object_key": object_key, "url": f"https://bucket.example/{object_key}"}

    async def delete_file(self, object_key):
        return self.objects.pop(object_key, None) is not None

    async def get_read_url(self, object_key):
        return f"https://bucket.example/{object_key}?signed"

    async def close(self):
        pass


class ChainlitLayer:
    """Calls of the layer's methods, each run to its end: `layer.get_thread(id)`."""

    def __init__(self, conninfo):
        self.conninfo = conninfo
        self.bucket = Bucket()

    def __enter__(self):
        self.runner = asyncio.Runner()
        self.layer = SQLAlchemyDataLayer(self.conninfo, storage_provider=self.bucket)
        return self

    def __exit__(self, *_):
        self.runner.run(self.layer.close())
        self.runner.close()

    def __getattr__(self, name):
        method = getattr(self.layer, name)

        def call(*arguments, **named):
            async def run():
                # Elements and deferred methods look for a session; that of an API call defers nothing.
                init_http_context(thread_id="not-used")
                first = [made() if inspect.isfunction(made) else made for made in arguments]
                return await method(*first, **named)

            return self.runner.run(run())

        return call


def sqlite_conninfo(file):
    return f"sqlite+aiosqlite:///{pathlib.Path(file).absolute()}"
