"""Components: what is declared, kept, changed and removed, on every database."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

import varve
from varve import (
    Application,
    Artifact,
    Component,
    CronJob,
    Dataset,
    DataType,
    Listener,
    Metric,
    Model,
    Schema,
    Table,
    Template,
    Trainer,
    Validation,
    VectorIndex,
    errors,
)


def model(identifier="words", **more):
    return Model(identifier, kind="hash", config={"dimensions": 64}, **more)


def search(db, **more):
    """A vector index over a listener over a model."""
    listener = Listener(
        "embed", key="text", model=model(**more), select=db["docs"].select()
    )
    return VectorIndex("by-meaning", indexing_listener=listener)


def names(refs):
    return [(r.type_id, r.identifier, r.version) for r in refs]


def test_the_same_again_is_nothing(db):
    c = model()
    first = db.apply(c)
    assert names(first.created) == [("model", "words", 0)] and not first.plan.empty
    again = db.add(c)
    assert names(again.unchanged) == [("model", "words", 0)] and again.plan.empty
    assert again.jobs == [] == again.created
    assert db.show("model", "words") == [0]


def test_always_a_version(db):
    for versions in ([0], [0, 1], [0, 1, 2]):
        db.apply(model(), always=True)
        assert db.show("model", "words") == versions
    assert db.load("model", "words").version == 2
    assert db.show("model", "words", -1)["version"] == 2


def test_large_bytes_are_kept_once_and_read_when_asked(db):
    content = os.urandom(1 << 20)
    digest = hashlib.sha256(content).hexdigest()
    db.add([model("a", artifacts={"w": content}), model("b", artifacts={"w": content})])
    record = db.show("model", "a", 0)
    assert record["artifacts"]["w"] == "&:blob:" + digest
    assert len(json.dumps(record)) < 2000
    loaded = db.load("model", "b").artifacts["w"]
    assert isinstance(loaded, Artifact) and loaded.digest == digest
    assert loaded.read() == loaded() == bytes(loaded) == content
    db.remove("model", "a")
    assert db.load("model", "b").artifacts["w"].read() == content
    small = db.add(model("c", artifacts={"w": b"\x00\xff", "t": "text"}))
    assert small.created and db.load("model", "c").artifacts == {
        "w": b"\x00\xff", "t": b"text"
    }  # fmt: skip


def test_the_artifact_store(db, folder):
    store = db.artifact_store
    (folder / "weights").write_bytes(b"weights" * 1000)
    artifact = store.put(folder / "weights", "application/x-weights")
    assert artifact == store.put(b"weights" * 1000)
    assert store.exists(artifact.digest) and not store.exists("0" * 64)
    store.save(artifact, folder / "copy")
    assert (folder / "copy").read_bytes() == b"weights" * 1000
    db.add(model(artifacts={"w": artifact}))
    assert db.load("model", "words").artifacts["w"].read() == b"weights" * 1000
    with pytest.raises(errors.NotFoundError):
        store.read("0" * 64)
    with pytest.raises(errors.InvalidError):
        db.add(model("x", artifacts={"w": Artifact("0" * 64)}))


def test_parents_and_children(db):
    db.add(search(db))
    assert db.show("listener", "embed") == [0] == db.show("model", "words")
    assert names(db.parents("model", "words")) == [("listener", "embed", 0)]
    assert names(db.children("listener", "embed")) == [("model", "words", 0)]
    assert db.show("listener", "embed", -1)["model"] == "&:component:model:words"
    loaded = db.load("vector_index", "by-meaning")
    assert loaded.indexing_listener.model.config == {"dimensions": 64}
    assert [c.identifier for c in loaded.children()] == ["embed"]


def test_what_is_no_component_is_refused(db):
    for wrong in (7, "words", [model(), object()], {"type_id": "modell"}, {}):
        with pytest.raises(errors.InvalidError):
            db.apply(wrong)
    with pytest.raises(errors.InvalidError) as unknown:
        db.apply({"type_id": "model", "identifier": "m", "kinnd": "hash"})
    assert "kinnd" in unknown.value.field
    with pytest.raises(errors.InvalidError, match="nowhere"):
        db.apply(Listener("l", key="x", model="&:component:model:nowhere"))
    assert db.show() == []


def test_showing(db):
    db.add([Metric(i) for i in ("a3", "a1", "a2")])
    for kind in ("x", "y", "z"):
        db.add(Metric("b", kind=kind))
    assert db.show("metric") == ["a1", "a2", "a3", "b"]
    assert [(c["type_id"], c["identifier"]) for c in db.show()] == [
        ("metric", i) for i in ("a1", "a2", "a3", "b")
    ]
    assert (db.show("metric", "a1"), db.show("metric", "b")) == ([0], [0, 1, 2])
    assert db.show("metric", "b", 1)["version"] == 1
    assert db.show("metric", "b", -1)["version"] == 2
    assert db.show(uuid=db.show("metric", "b", 1)["uuid"])["kind"] == "y"
    assert db.show("metric", "nobody") == [] == db.show("model")
    with pytest.raises(errors.NotFoundError):
        db.show("metric", "b", 7)
    with pytest.raises(errors.InvalidError, match="None.*version 1"):
        db.show("metric", version=1)
    with pytest.raises(errors.InvalidError):
        db.show(identifier="b")


def test_more_components_than_a_page(lite):
    lite.add([Metric(f"m{n:03}") for n in range(450)])
    assert lite.show("metric") == [f"m{n:03}" for n in range(450)]
    assert len(lite.show()) == 450


def test_removing(db):
    for kind in ("x", "y", "z"):
        db.add(Metric("m", kind=kind))
    assert names(db.remove("metric", "m", 1).removed) == [("metric", "m", 1)]
    assert db.show("metric", "m") == [0, 2]
    db.add(Metric("m", kind="v"))
    assert db.show("metric", "m") == [0, 2, 3]
    assert len(db.remove("metric", "m", dry_run=True).removed) == 3
    assert len(db.remove("metric", "m").removed) == 3
    assert db.show("metric", "m") == []
    assert db.remove("metric", "m").removed == []
    with pytest.raises(errors.NotFoundError):
        db.remove("metric", "m", 1)


def test_removing_what_is_in_use(db):
    db.add(search(db))
    with pytest.raises(errors.ConflictError, match="listener/embed"):
        db.remove("model", "words")
    assert db.show("model", "words") == [0]
    forced = db.remove("model", "words", force=True)
    assert (forced.removed, names(forced.hidden)) == ([], [("model", "words", 0)])
    assert db.show("model", "words") == []
    assert db.show("model", "words", hidden=True) == [0]
    assert db.load("listener", "embed").model.identifier == "words"
    with pytest.raises(errors.NotFoundError):
        db.load("model", "words")
    assert db.load("model", "words", allow_hidden=True).version == 0
    assert names(db.unhide("model", "words")) == [("model", "words", 0)]
    everything = db.remove("vector_index", "by-meaning", recursive=True)
    assert len(everything.removed) == 3 and db.show() == []
    db.add(search(db))
    db.remove("model", "words", force=True)
    db.remove("vector_index", "by-meaning")
    db.remove("listener", "embed")
    assert names(db.purge()) == [("model", "words", 1)]


def test_replacing(db):
    m = model(description="one")
    with pytest.raises(errors.NotFoundError):
        db.replace(m)
    assert db.replace(m, upsert=True).version == 0
    for n in (2, 3, 4):
        loaded = db.load("model", "words")
        loaded.config["dimensions"] += 1
        loaded.description = str(n)
        assert db.replace(loaded).uuid == loaded.uuid
        assert db.load("model", "words").description == str(n)
    assert db.show("model", "words") == [0]
    assert db.load("model", "words").config == {"dimensions": 67}


def test_what_breaks_and_what_does_not(db):
    db.add(search(db))
    equal = db.add(search(db))
    assert len(equal.unchanged) == 3 and equal.jobs == [] == equal.created
    harmless = db.add(search(db, description="better"))
    assert names(harmless.updated) == [("model", "words", 0)]
    assert db.show("model", "words") == [0] == db.show("listener", "embed")
    assert db.load("model", "words").description == "better"
    breaks = db.add(search(db, revision="2"))
    assert db.show("model", "words") == [0, 1] == db.show("listener", "embed")
    assert ("model", "words", 1) in names(breaks.created)


def test_a_parent_that_only_names_its_child(db):
    app = Application("app", components=[model()])
    db.add(app)
    db.add(Application("app", components=[model(revision="2")]))
    assert db.show("application", "app") == [0]
    assert db.show("model", "words") == [0, 1]


def test_a_plan_is_what_apply_does(db):
    plan = db.plan(search(db))
    assert db.show() == []
    assert [a.do for a in plan.actions] == ["create"] * 3
    assert names(plan.created) == [
        ("model", "words", 0), ("listener", "embed", 0), ("vector_index", "by-meaning", 0)
    ]  # fmt: skip
    done = db.apply(search(db))
    assert names(done.created) == names(plan.created)
    assert [str(a) for a in done.plan.actions] == [str(a) for a in plan.actions]
    changed = db.plan(search(db, revision="2", description="new"))
    assert "! revision" in str(changed) and "~ description" in str(changed)
    assert db.plan(search(db)).empty


def test_listeners_wait_for_an_engine(db):
    db.add(search(db))
    shown = {c["identifier"]: c for c in db.show()}
    assert shown["embed"]["status"] == "waiting"
    assert shown["embed"]["reason"] == "no engine"
    for asked in (lambda: db.predict("words", "x"), lambda: db.validate("words")):
        with pytest.raises(errors.UnsupportedError):
            asked()


def test_tables_are_made(db):
    fields = {"text": "text", "v": DataType("v3", type="vector[3]")}
    table = Table("docs", schema=Schema("docs-fields", fields=fields))
    assert db.plan(table).tables == ["docs"]
    db.add(table)
    assert db["docs"].insert({"text": "x", "v": [1, 2, 3]}).execute().created is None
    assert db.databackend.describe("docs")["columns"][1]["name"] == "text"


def test_pinned_data_sets_and_samples(db):
    t = db["docs"]
    t.insert([{"id": f"{n:03}", "n": n} for n in range(100)]).execute()
    ask = t.select("n")
    sample = dict(select=ask, sample_size=10, random_seed=7)
    db.add([
        Dataset("pinned", select=ask, pin=True),
        Dataset("open", select=ask),
        Dataset("drawn", pin=True, **sample),
        Dataset("same", **sample),
        Dataset("other", **{**sample, "random_seed": 8}),
    ])  # fmt: skip
    # What the server drew and what is drawn here is one sample.
    assert db.rows("drawn") == db.rows("same") == db.rows(Dataset("x", **sample))
    assert db.rows("other") != db.rows("same") and len(db.rows("other")) == 10
    t.insert({"id": "100", "n": 100}).execute()
    assert db.rows("pinned") == [{"n": n} for n in range(100)]
    assert len(db.rows("open")) == 101
    assert db.rows("drawn") == db.rows("drawn")


def test_dropping_is_no_accident(db):
    db.add(search(db))
    with pytest.raises(TypeError):
        db.drop()
    with pytest.raises(errors.InvalidError) as refused:
        db.drop("yes")
    assert len(db.show()) == 3 and repr(db.name)[1:-1] in str(refused.value)
    db.drop(db.name)
    assert db.show() == []


def test_another_process_sees_it(db, url, folder):
    db.add(search(db))
    with varve.connect(db.url) as other:
        assert other.show("model") == ["words"]
        other.add(model(description="from there"))
    assert db.load("model", "words").description == "from there"


def test_a_user_sees_no_components(lite):
    with varve.connect(lite.url, user="ada") as hers:
        with pytest.raises(errors.ForbiddenError):
            hers.show()


EVERY = [
    Model(
        "m", kind="k", signature="*args", revision="1", config={"a": [1]},
        artifacts={"w": b"\x00"}, flatten=True, max_batch_size=2, num_workers=3,
        predict_kwargs={"p": 1}, compute_kwargs={"c": 1}, description="d",
        datatype=DataType("d", type="vector[2]", media_type="x/y"),
        output_schema=Schema("s", fields={"a": "text", "b": DataType("e", type="json")}),
        trainer=Trainer("t", kind="k", key=["x"], config={"lr": 0.1}, signature="*args"),
        validation=Validation("v", key=["x", "y"], metrics=[Metric("accuracy")],
                              datasets=[Dataset("ds", select={"select": {"from": "t"}})]),
        upstream=[Metric("f1", config={"average": "macro"})],
    ),
    Table("tab", schema=Schema("ts", fields={"k": "integer", "a": "text"}), primary_id="k"),
    Listener("l", key={"x": "y"}, model="&:component:model:m", chunk_size=5,
             predict_kwargs={"p": 1}, select={"select": {"from": "tab"}}),
    VectorIndex("vi", indexing_listener="&:component:listener:l", measure="dot",
                compatible_listener=Listener("c", key="x", model="&:component:model:m")),
    Application("app", components=["&:component:model:m"], namespace=["a"]),
    Template("tpl", template={"type_id": "metric", "identifier": "<var:name>"},
             template_variables=["name"], info={"i": 1}, blobs={"b": b"\xff"}),
    CronJob("job", schedule="0 3 * * *", run={"delete": {"from": "tab", "all": True}}),
]  # fmt: skip


def test_every_class_goes_there_and_back(lite):
    assert {c.type_id for c in _inside(EVERY)} == set(Component.types)
    lite["t"].insert({"x": 1}).execute()
    lite.add(EVERY)
    for declared in EVERY:
        loaded = lite.load(declared.type_id, declared.identifier)
        assert isinstance(loaded, type(declared))
        assert loaded.version == 0 and loaded.uuid and not loaded.extra
        assert lite.plan(loaded.replace()).empty  # the server finds no difference
        assert lite.plan(loaded).empty


def _inside(components):
    for c in components:
        if isinstance(c, Component):
            yield c
            yield from _inside(c.children())


def test_templates_are_filled(lite):
    lite["docs"].insert({"id": "a"}).execute()
    body = [
        {"type_id": "model", "identifier": "<var:name>", "kind": "hash",
         "config": {"dimensions": "<var:size>", "about": "of <var:size>"}},
        {"type_id": "metric", "identifier": "<var:name>-metric"},
    ]  # fmt: skip
    shape = Template("shape", template=body, blobs={"b": b"\x00"})
    made = lite.fill(shape, name="a", size=2**60)
    assert [(type(c), c.identifier) for c in made] == [
        (Model, "a"),
        (Metric, "a-metric"),
    ]
    assert made[0].config == {"dimensions": 2**60, "about": f"of {2**60}"}
    assert lite.show("model") == []  # nothing was stored
    lite.add(shape)
    assert lite.load("template", "shape").template_variables == ["name", "size"]
    lite.add(lite.fill("shape", name="b", size=[1]))
    assert lite.load("model", "b").config == {"dimensions": [1], "about": "of [1]"}
    for values, field in (
        ({"name": "a"}, "size"),
        ({"name": "a", "size": 1, "sise": 1}, "sise"),
        ({"name": "a", "size": object()}, "size"),
    ):
        with pytest.raises(errors.InvalidError) as refused:
            lite.fill("shape", **values)
        assert refused.value.field == field
    with pytest.raises(errors.NotFoundError):
        lite.fill("nothing")
    with pytest.raises(errors.InvalidError, match="Template"):
        lite.fill(made[0])
