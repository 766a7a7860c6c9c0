"""The smallest storage client, for Chainlit's own layer, which saves no element without one: files in the app's
public folder, which the app serves."""

import pathlib
import urllib.parse

from chainlit.data.storage_clients.base import BaseStorageClient


class FolderStorage(BaseStorageClient):
    def __init__(self, folder, url):
        self.folder = pathlib.Path(folder)
        self.url = url

    def path(self, object_key):
        return self.folder / object_key

    async def upload_file(
        self, object_key, data, mime="application/octet-stream", overwrite=True, content_disposition=None
    ):
        path = self.path(object_key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return {"object_key": object_key, "url": await self.get_read_url(object_key)}

    async def delete_file(self, object_key):
        self.path(object_key).unlink(missing_ok=True)
        return True

    async def get_read_url(self, object_key):
        return f"{self.url}/{urllib.parse.quote(object_key)}"

    async def close(self):
        pass
