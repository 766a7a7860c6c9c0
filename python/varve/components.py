"""What an application declares: a class for each type of component.

Made from the server's own types, and held against them by a test; to write it
again: make docs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._component import (
    Bytes,
    Child,
    Component,
    Object,
    blob,
    blobs,
    child,
    children,
    fields,
    listed,
    mapped,
)

__all__ = [
    "Component",
    "Model",
    "Listener",
    "VectorIndex",
    "DataType",
    "Schema",
    "Table",
    "Dataset",
    "Metric",
    "Validation",
    "Trainer",
    "Application",
    "Template",
    "CronJob",
]


@dataclass
class Model(Component, type_id="model"):
    """Model computes an output from an input. It is data: ``kind`` names who runs
    it and ``config`` tells it how."""

    identifier: str
    kind: str = ""
    # "singleton", "*args", "**kwargs", "*args,**kwargs"
    signature: str = ""
    # ``revision`` is raised by who changes what the record cannot see: the code of
    # a function, the weights behind an address.
    revision: str = ""
    config: Object = mapped()
    artifacts: dict[str, Bytes] = blobs()
    datatype: Child = child()
    output_schema: Child = child()
    # each element of an output is a row
    flatten: bool = False
    # ``select``, with variables, is the model itself when it is a stored query.
    select: Any = None
    # run one after the other
    models: list[Child] = children()
    predict_kwargs: Object = mapped()
    compute_kwargs: Object = mapped()
    max_batch_size: int = 0
    num_workers: int = 0
    trainer: Child = child()
    validation: Child = child()
    metric_values: Object = mapped()
    version: int | None = None
    uuid: str = ""
    description: str = ""
    upstream: list[Child] = children()


@dataclass
class Listener(Component, type_id="listener"):
    """Listener keeps a model's outputs current over the rows of a query."""

    identifier: str
    # which fields go in, and as what
    key: Any = None
    model: Child = child()
    select: Any = None
    predict_kwargs: Object = mapped()
    chunk_size: int = 0
    version: int | None = None
    uuid: str = ""
    description: str = ""
    upstream: list[Child] = children()


@dataclass
class VectorIndex(Component, type_id="vector_index"):
    """VectorIndex finds the nearest of a listener's outputs."""

    identifier: str
    indexing_listener: Child = child()
    compatible_listener: Child = child()
    # "cosine", "dot", "l2"
    measure: str = ""
    metric_values: Object = mapped()
    version: int | None = None
    uuid: str = ""
    description: str = ""
    upstream: list[Child] = children()


@dataclass
class DataType(Component, type_id="datatype"):
    """DataType says how values are kept."""

    identifier: str
    # as in query: "text", "vector[384]"
    type: str = ""
    encodable: str = ""
    bytes_encoding: str = ""
    media_type: str = ""
    version: int | None = None
    uuid: str = ""
    description: str = ""
    upstream: list[Child] = children()


@dataclass
class Schema(Component, type_id="schema"):
    """Schema names the fields of rows."""

    identifier: str
    fields: dict[str, Child] = fields()
    version: int | None = None
    uuid: str = ""
    description: str = ""
    upstream: list[Child] = children()


@dataclass
class Table(Component, type_id="table"):
    """Table is a table of the databackend."""

    identifier: str
    schema: Child = child()
    # "id"
    primary_id: str = ""
    version: int | None = None
    uuid: str = ""
    description: str = ""
    upstream: list[Child] = children()


@dataclass
class Dataset(Component, type_id="dataset"):
    """Dataset is the rows of a query, or a sample of them; pinned, they stay as
    they were when it was applied."""

    identifier: str
    select: Any = None
    sample_size: int = 0
    random_seed: int = 0
    pin: bool = False
    # of a pinned one: a row of JSON on each line
    raw_data: Bytes = blob()
    creation_date: str = ""
    version: int | None = None
    uuid: str = ""
    description: str = ""
    upstream: list[Child] = children()


@dataclass
class Metric(Component, type_id="metric"):
    """Metric compares predictions with targets."""

    identifier: str
    # "accuracy", "f1", …; default: its identifier
    kind: str = ""
    config: Object = mapped()
    version: int | None = None
    uuid: str = ""
    description: str = ""
    upstream: list[Child] = children()


@dataclass
class Validation(Component, type_id="validation"):
    """Validation is metrics over data sets."""

    identifier: str
    metrics: list[Child] = children()
    key: Any = None
    datasets: list[Child] = children()
    version: int | None = None
    uuid: str = ""
    description: str = ""
    upstream: list[Child] = children()


@dataclass
class Trainer(Component, type_id="trainer"):
    """Trainer fits a model."""

    identifier: str
    kind: str = ""
    key: Any = None
    select: Any = None
    signature: str = ""
    config: Object = mapped()
    compute_kwargs: Object = mapped()
    metric_values: Object = mapped()
    version: int | None = None
    uuid: str = ""
    description: str = ""
    upstream: list[Child] = children()


@dataclass
class Application(Component, type_id="application"):
    """Application is components that are applied together."""

    identifier: str
    components: list[Child] = children()
    namespace: list[str] = listed()
    version: int | None = None
    uuid: str = ""
    description: str = ""
    upstream: list[Child] = children()


@dataclass
class Template(Component, type_id="template"):
    """Template is components with variables, as in "<var:size>". Storing it does no
    work."""

    identifier: str
    template: Any = None
    template_variables: list[str] = listed()
    info: Object = mapped()
    blobs: dict[str, Bytes] = blobs()
    version: int | None = None
    uuid: str = ""
    description: str = ""
    upstream: list[Child] = children()


@dataclass
class CronJob(Component, type_id="cronjob"):
    """CronJob runs a query again and again."""

    identifier: str
    # five fields, as cron has them
    schedule: str = ""
    run: Any = None
    version: int | None = None
    uuid: str = ""
    description: str = ""
    upstream: list[Child] = children()
