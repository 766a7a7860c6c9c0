-- Chainlit's tables, as its SQLAlchemy layer writes them, with the columns that
-- layer uses and its documentation forgets, and Varve's own. Ids are text, since a
-- socket client may choose any id for its thread; asyncpg binds strings to both.
-- The "C" collation makes ids sort by bytes, as everywhere else.
--
-- varve_last_activity orders listings: fixed-width UTC, '' when unknown.
-- varve_extra holds keys that have no column. varve_fold is the searchable form
-- of the output or name where that is not plain ASCII (which folds to its lower
-- case); NULL there means that it is still to be made.
CREATE TABLE :chat.users (
  "id"         TEXT COLLATE "C" PRIMARY KEY,
  "identifier" TEXT NOT NULL UNIQUE,
  "metadata"   JSONB NOT NULL,
  "createdAt"  TEXT
);

CREATE TABLE :chat.threads (
  "id"             TEXT COLLATE "C" PRIMARY KEY,
  "createdAt"      TEXT,
  "name"           TEXT,
  "userId"         TEXT COLLATE "C" REFERENCES :chat.users ("id") ON DELETE CASCADE,
  "userIdentifier" TEXT,
  "tags"           TEXT[],
  "metadata"       JSONB,
  varve_last_activity TEXT COLLATE "C" NOT NULL DEFAULT '',
  varve_fold       TEXT
);

CREATE TABLE :chat.steps (
  "id"            TEXT COLLATE "C" PRIMARY KEY,
  "name"          TEXT NOT NULL,
  "type"          TEXT NOT NULL,
  "threadId"      TEXT COLLATE "C" NOT NULL REFERENCES :chat.threads ("id") ON DELETE CASCADE,
  "parentId"      TEXT COLLATE "C",
  "streaming"     BOOLEAN NOT NULL,
  "waitForAnswer" BOOLEAN,
  "isError"       BOOLEAN,
  "metadata"      JSONB,
  "tags"          TEXT[],
  "input"         TEXT,
  "output"        TEXT,
  "createdAt"     TEXT,
  "command"       TEXT,
  "start"         TEXT,
  "end"           TEXT,
  "generation"    JSONB,
  "showInput"     TEXT,
  "language"      TEXT,
  "indent"        INT,
  "defaultOpen"   BOOLEAN,
  "autoCollapse"  BOOLEAN,
  "modes"         JSONB,
  "icon"          TEXT,
  varve_extra     JSONB,
  varve_fold      TEXT
);

CREATE TABLE :chat.elements (
  "id"           TEXT COLLATE "C" PRIMARY KEY,
  "threadId"     TEXT COLLATE "C" REFERENCES :chat.threads ("id") ON DELETE CASCADE,
  "type"         TEXT,
  "url"          TEXT,
  "chainlitKey"  TEXT,
  "name"         TEXT NOT NULL,
  "display"      TEXT,
  "objectKey"    TEXT,
  "size"         TEXT,
  "page"         INT,
  "language"     TEXT,
  "forId"        TEXT COLLATE "C",
  "mime"         TEXT,
  "props"        JSONB,
  "autoPlay"     BOOLEAN,
  "playerConfig" JSONB,
  varve_extra    JSONB
);

CREATE TABLE :chat.feedbacks (
  "id"       TEXT COLLATE "C" PRIMARY KEY,
  "forId"    TEXT COLLATE "C" NOT NULL,
  "threadId" TEXT COLLATE "C" NOT NULL REFERENCES :chat.threads ("id") ON DELETE CASCADE,
  "value"    INT NOT NULL,
  "comment"  TEXT
);
