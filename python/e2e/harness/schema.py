"""The tables of Chainlit's SQLAlchemy layer, as they are found in the field.

`documented` is what Chainlit documents today, `oldest` the first published form; the others are what became of them.
"""

import re
import sqlite3

USERS = """
create table users (
  "id" UUID primary key, "identifier" TEXT not null unique, "metadata" JSONB not null, "createdAt" TEXT);
"""

THREADS = """
create table threads (
  "id" UUID primary key, "createdAt" TEXT, "name" TEXT, "userId" UUID, "userIdentifier" TEXT,
  "tags" TEXT[], "metadata" JSONB,
  foreign key ("userId") references users("id") on delete cascade);
"""

STEPS = """
create table steps (
  "id" UUID primary key, "name" TEXT not null, "type" TEXT not null, "threadId" UUID not null, "parentId" UUID,
  "streaming" BOOLEAN not null, "waitForAnswer" BOOLEAN, "isError" BOOLEAN, "metadata" JSONB, "tags" TEXT[],
  "input" TEXT, "output" TEXT, "createdAt" TEXT, "command" TEXT, "start" TEXT, "end" TEXT, "generation" JSONB,
  "showInput" TEXT, "language" TEXT, "indent" INT, "defaultOpen" BOOLEAN, "modes" JSONB,
  foreign key ("threadId") references threads("id") on delete cascade);
"""

ELEMENTS = """
create table elements (
  "id" UUID primary key, "threadId" UUID, "type" TEXT, "url" TEXT, "chainlitKey" TEXT, "name" TEXT not null,
  "display" TEXT, "objectKey" TEXT, "size" TEXT, "page" INT, "language" TEXT, "forId" UUID, "mime" TEXT, "props" JSONB,
  foreign key ("threadId") references threads("id") on delete cascade);
"""

FEEDBACKS = """
create table feedbacks (
  "id" UUID primary key, "forId" UUID not null, "threadId" UUID not null, "value" INT not null, "comment" TEXT,
  foreign key ("threadId") references threads("id") on delete cascade);
"""

DOCUMENTED = USERS + THREADS + STEPS + ELEMENTS + FEEDBACKS

# The first published form: feedback could be switched off per step, which no release writes any more, and only threads
# pointed anywhere.
OLDEST = (
    USERS
    + THREADS
    + """
create table steps (
  "id" UUID primary key, "name" TEXT not null, "type" TEXT not null, "threadId" UUID not null, "parentId" UUID,
  "disableFeedback" BOOLEAN not null, "streaming" BOOLEAN not null, "waitForAnswer" BOOLEAN, "isError" BOOLEAN,
  "metadata" JSONB, "tags" TEXT[], "input" TEXT, "output" TEXT, "createdAt" TEXT, "start" TEXT, "end" TEXT,
  "generation" JSONB, "showInput" TEXT, "language" TEXT, "indent" INT);
create table elements (
  "id" UUID primary key, "threadId" UUID, "type" TEXT, "url" TEXT, "chainlitKey" TEXT, "name" TEXT not null,
  "display" TEXT, "objectKey" TEXT, "size" TEXT, "page" INT, "language" TEXT, "forId" UUID, "mime" TEXT);
create table feedbacks (
  "id" UUID primary key, "forId" UUID not null, "threadId" UUID not null, "value" INT not null, "comment" TEXT);
"""
)


def without(ddl, *columns):
    """The schema before those columns were added to it."""
    for column in columns:
        ddl, hits = re.subn(rf'\s*"{column}" [A-Z]+(\[\])?,|,\s*"{column}" [A-Z]+(\[\])?', "", ddl)
        assert hits, column
    return ddl


def with_columns(ddl, table, *columns):
    """The schema of someone who added columns by hand."""
    return re.sub(rf"(create table {table} \()", r"\1" + ", ".join(columns) + ", ", ddl)


COMPLETE = with_columns(
    with_columns(DOCUMENTED, "steps", '"autoCollapse" BOOLEAN'),
    "elements",
    '"autoPlay" BOOLEAN',
    '"playerConfig" JSONB',
)

SCHEMAS = {
    "documented": DOCUMENTED,
    "complete": COMPLETE,
    "oldest": OLDEST,
    "before-commands": without(DOCUMENTED, "command", "defaultOpen", "modes"),
    "before-open-steps": without(DOCUMENTED, "defaultOpen", "modes"),
    "before-modes": without(DOCUMENTED, "modes"),
    "without-props": without(COMPLETE, "props"),
    # What people did to get along without PostgreSQL's types.
    "all-text": re.sub(r"\b(UUID|JSONB|TEXT\[\])", "TEXT", COMPLETE),
}


def create_sqlite(file, schema):
    """SQLite takes the same text once the array type is gone: it stores whatever it is given."""
    database = sqlite3.connect(file)
    database.executescript(SCHEMAS[schema].replace("TEXT[]", "TEXT"))
    database.close()
