"""What was exported is read in Python: whole, or not at all."""

import json
import shutil
import zipfile

import pytest

import varve
from varve import Component
from varve.errors import InvalidError, NotFoundError

WEIGHTS = bytes(range(256)) * 1024


@pytest.fixture
def exported(lite, program):
    """The digest of an application that was exported to app and app.zip."""
    contents = {"weights": WEIGHTS, "small": b"x"}
    model = varve.Model("words", kind="hash", artifacts=contents)
    fields = varve.Schema("docs-fields", fields={"text": "text"})
    docs = varve.Table("docs", schema=fields)
    listener = varve.Listener("embed", key="text", model=model, select=lite["docs"])
    lite.add(varve.Application("app", components=[docs, listener]))
    program("export", "--url", "sqlite:app.db", "application", "app", "app")
    told = program("export", "--url", "sqlite:app.db", "application", "app", "app.zip")
    return told.split("SHA-256 is ")[1].strip()


@pytest.mark.parametrize("place", ["app", "app.zip"])
def test_it_comes_back_elsewhere(exported, lite, place):
    read = Component.read(place, exported)
    assert [c.link for c in read.children()] == [
        "&:component:table:docs",
        "&:component:listener:embed",
    ]
    model = read.components[1].model
    assert bytes(model.artifacts["weights"]) == WEIGHTS
    with varve.connect("sqlite:other.db", data="other") as other:
        assert len(other.add(read).created) == 5
        loaded = other.load("model", "words")
        assert loaded.artifacts["weights"].read() == WEIGHTS
    assert len(lite.add(read).unchanged) == 5


def test_what_was_changed_is_refused(exported):
    with pytest.raises(InvalidError, match="another export"):
        Component.read("app", "0" * 64)
    with pytest.raises(NotFoundError):
        Component.read("nowhere")
    spoils = {
        "component.json": lambda b: b.replace(b"hash", b"hush"),
        "manifest.json": lambda b: b.replace(b'"path": "blobs/', b'"path": "../lobs/'),
        "more": lambda b: b"more",
    }
    for name, spoil in spoils.items():
        shutil.copytree("app", "spoilt")
        path = f"spoilt/{name}"
        before = open(path, "rb").read() if name != "more" else b""
        assert spoil(before) != before
        with open(path, "wb") as file:
            file.write(spoil(before))
        with pytest.raises(InvalidError):
            Component.read("spoilt")
        shutil.rmtree("spoilt")


def test_an_archive_that_was_changed_is_refused(exported):
    with zipfile.ZipFile("app.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    blob = next(name for name in files if name.startswith("blobs/"))
    manifest = json.loads(files["manifest.json"])
    for changed in (
        {blob: files[blob][:-1] + b"!"},
        {blob: None},
        {"../out": b"x"},
        {"manifest.json": json.dumps({**manifest, "version": 2}).encode()},
        {"manifest.json": b"{"},
        {"manifest.json": None},
    ):
        with zipfile.ZipFile("spoilt.zip", "w") as archive:
            for name, content in {**files, **changed}.items():
                if content is not None:
                    archive.writestr(name, content)
        with pytest.raises(InvalidError):
            Component.read("spoilt.zip")
    with open("spoilt.zip", "wb") as file:
        file.write(b"PK\x03\x04 no archive")
    with pytest.raises(InvalidError):
        Component.read("spoilt.zip")
