"""`chainlit run` on the app in `app/`, in any of the Chainlit versions that have an environment."""

import os
import pathlib
import re
import shutil

import httpx

from .process import Process, free_port
from .wait import until

HERE = pathlib.Path(__file__).resolve().parent.parent
NEWEST = "2.12.0"
SECRET = "end-to-end-tests-only-0123456789abcdef"


def environments():
    return pathlib.Path(os.environ.get("VARVE_VENVS", HERE.parent.parent / ".cache"))


class App:
    """The app under one Chainlit version. `environment` names the data layer (see `app/layers.py`)."""

    def __init__(self, folder, environment, version=NEWEST, register="decorator"):
        self.root = pathlib.Path(folder)
        self.version = tuple(int(part) for part in version.split("."))
        self.python = environments() / f"venv-chainlit-{version}" / "bin" / "python"
        self.port = free_port()
        self.environment = {
            **environment,
            "APP_REGISTER": register,
            "APP_URL": self.url,
            "CHAINLIT_APP_ROOT": str(self.root),
            "CHAINLIT_AUTH_SECRET": SECRET,
            "PYTHONPATH": os.pathsep.join([str(self.root), str(HERE.parent)]),
            "PYTHONUNBUFFERED": "1",
            "DO_NOT_TRACK": "1",
        }
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
        """Chainlit writes beside the app (translations, uploads), so it runs on a copy."""
        if not self.root.exists():
            shutil.copytree(HERE / "app", self.root)
            self.fit_settings()
        self.process = Process(
            [self.python, "-m", "chainlit", "run", "main.py", "-h", "--ci", "--host", "127.0.0.1", "--port", self.port],
            f"{self.root}.log",
            env=self.environment,
            cwd=self.root,
        )
        until(self.answers, "the app answers", 120)

    def fit_settings(self):
        """Older versions refuse settings that they do not know."""
        known = {"favorites": (2, 9, 5), "allow_thread_sharing": (2, 8, 0)}
        file = self.root / ".chainlit" / "config.toml"
        text = file.read_text()
        for name, since in known.items():
            if self.version < since:
                text = re.sub(rf"^{name} = .*\n", "", text, flags=re.MULTILINE)
        file.write_text(text)

    def answers(self):
        self.process.require_alive()
        return httpx.head(f"{self.url}/").status_code == 200

    def stop(self):
        if self.process:
            self.process.stop(seconds=5)

    def restart(self):
        self.stop()
        self.start()

    def log(self):
        return self.process.log.read_text(errors="replace")
