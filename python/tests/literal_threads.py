"""Threads made of literalai's own classes, as its to_dict writes them.

Run as a program, it writes the files that the Go tests of
transfer/archive/literal read.
"""

from __future__ import annotations

import json
import pathlib
import sys

from literalai.my_types import PageInfo, PaginatedResponse, User
from literalai.observability.generation import ChatGeneration, CompletionGeneration
from literalai.observability.message import Message
from literalai.observability.step import Attachment, Score, Step
from literalai.observability.thread import Thread


def score(**more: object) -> Score:
    values = {
        "name": "user-feedback",
        "type": "HUMAN",
        "value": 1.0,
        "step_id": None,
        "dataset_experiment_item_id": None,
        "comment": None,
        "tags": None,
    }
    return Score(**{**values, **more})


def step(id: str, at: int, thread: str = "thread-1", **more: object) -> Step:
    made = Step(name=str(more.pop("name", "")), type=more.pop("type", "run"), id=id)
    made.thread_id = thread
    made.start_time = f"2025-03-04T05:06:{at:02d}.100000Z"
    made.end_time = f"2025-03-04T05:06:{at:02d}.200000Z"
    for key, value in more.items():
        setattr(made, key, value)
    return made


def user() -> User:
    return User(
        id="user-1",
        identifier="ana@example.org",
        metadata={"role": "admin"},
        created_at="2025-01-02T03:04:05.000Z",
    )


def thread() -> Thread:
    """Everything that a thread can have."""
    question = Message(
        "How much?",
        id="message-1",
        type="user_message",
        name="Ana",
        thread_id="thread-1",
        timestamp="2025-03-04T05:06:07.000100Z",
        tags=["asked"],
        attachments=[
            Attachment(
                id="attachment-1",
                name="picture.png",
                mime="image/png",
                url="https://example.org/picture.png?signature=1",
                object_key="threads/thread-1/files/attachment-1",
                metadata={
                    "type": "image",
                    "display": "inline",
                    "size": "large",
                    "page": 3,
                    "by": "hand",
                },
            ),
            Attachment(id="attachment-2", name="paper", mime="application/pdf"),
        ],
    )
    run = step("run-1", 8, name="agent", parent_id="message-1", root_run_id="run-1")
    run.input = {"content": "How much?", "args": [1, 2.5], "kwargs": {"deep": None}}
    run.output = {"answer": 42}
    run.metadata = {"showInput": "python", "language": "python", "waitForAnswer": True}
    model = step("llm-1", 9, type="llm", name="model", parent_id="run-1")
    model.environment = "prod"
    model.generation = ChatGeneration(
        id="generation-1",
        provider="openai",
        model="gpt-4o",
        settings={"temperature": 0.5},
        token_count=12,
        duration=1.25,
        messages=[{"role": "user", "content": "How much?"}],
        message_completion={"role": "assistant", "content": "42"},
    )
    model.scores = [
        score(id="score-1", step_id="llm-1", comment="right"),
        score(id="score-2", step_id="llm-1", name="toxicity", type="AI", value=0.25),
    ]
    older = step("llm-2", 10, type="llm", name="older model", parent_id="run-1")
    older.generation = CompletionGeneration(prompt="p", completion="c", model="davinci")
    older.tags = ["old"]
    tool = step("tool-1", 11, type="tool", name="search", parent_id="run-1")
    tool.error = "no network"
    tool.scores = [score(id="score-3", step_id="tool-1", value=0.0)]
    answer = Message(
        "42 \N{SNOWMAN}",
        id="message-2",
        name="Agent",
        thread_id="thread-1",
        parent_id="message-1",
        timestamp="2025-03-04T05:06:12Z",
    )
    made = Thread(
        id="thread-1",
        name="Much",
        metadata={"client": "web", "n": 12345678901234567890},
        tags=["t", "u"],
        participant_id="user-1",
        steps=[question, run, model, older, tool, answer],
    )
    made.participant_identifier = "ana@example.org"
    return made


def others() -> list[Thread]:
    """Threads with little in them; one knows its participant by an id only."""
    by_id = Thread(id="thread-2", participant_id="user-1", steps=[])
    nobody = Thread(id="thread-3", name=None, steps=[step("run-3", 20, "thread-3")])
    return [by_id, nobody]


def loose() -> list[Step]:
    """Steps that stand by themselves, of a thread that is not there."""
    return [
        step("loose-2", 32, "thread-4", parent_id="loose-1", output={"content": "b"}),
        step("loose-1", 31, "thread-4", output={"content": "a"}),
    ]


def files() -> dict[str, str]:
    """The shapes in which a file may have them."""
    everything = [user(), thread(), *others(), *loose()]
    page = PaginatedResponse(
        page_info=PageInfo(has_next_page=False, start_cursor=None, end_cursor=None),
        data=[thread(), *others()],
        total_count=3,
    )
    return {
        "list.json": json.dumps([x.to_dict() for x in everything], indent=1) + "\n",
        "lines.jsonl": "".join(json.dumps(x.to_dict()) + "\n" for x in everything),
        "thread.json": str(thread()),
        "answer.json": json.dumps(page.to_dict()),
    }


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8")
