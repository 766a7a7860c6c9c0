-- The tables of Chainlit's official layer, as its two migrations leave them, with
-- Varve's own columns. Names, types and defaults are those that layer relies on.
--
-- varve_last_activity orders listings: fixed-width UTC, '' when unknown.
-- varve_created is the creation to the microsecond, of which "createdAt" keeps the
-- milliseconds. varve_extra holds what has no column. varve_fold is the searchable
-- form of the output or name where that is not plain ASCII.
CREATE TYPE :chat."StepType" AS ENUM ('assistant_message', 'embedding', 'llm', 'retrieval', 'rerank', 'run', 'system_message', 'tool', 'undefined', 'user_message');
CREATE TABLE :chat."User" (
  "id"         TEXT PRIMARY KEY DEFAULT gen_random_uuid(),
  "createdAt"  TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt"  TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "metadata"   JSONB NOT NULL,
  "identifier" TEXT NOT NULL,
  varve_created TEXT COLLATE "C"
);
CREATE TABLE :chat."Thread" (
  "id"        TEXT PRIMARY KEY DEFAULT gen_random_uuid(),
  "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "deletedAt" TIMESTAMP(3),
  "name"      TEXT,
  "metadata"  JSONB NOT NULL,
  "userId"    TEXT REFERENCES :chat."User" ("id") ON DELETE SET NULL ON UPDATE CASCADE,
  "tags"      TEXT[] DEFAULT '{}',
  varve_last_activity TEXT COLLATE "C" NOT NULL DEFAULT '',
  varve_created TEXT COLLATE "C",
  varve_fold  TEXT
);
CREATE TABLE :chat."Step" (
  "id"        TEXT PRIMARY KEY DEFAULT gen_random_uuid(),
  "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "parentId"  TEXT REFERENCES :chat."Step" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
  "threadId"  TEXT REFERENCES :chat."Thread" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
  "input"     TEXT,
  "metadata"  JSONB NOT NULL,
  "name"      TEXT,
  "output"    TEXT,
  "type"      :chat."StepType" NOT NULL,
  "showInput" TEXT DEFAULT 'json',
  "isError"   BOOLEAN DEFAULT false,
  "startTime" TIMESTAMP(3) NOT NULL,
  "endTime"   TIMESTAMP(3) NOT NULL,
  varve_extra JSONB,
  varve_fold  TEXT
);
CREATE TABLE :chat."Element" (
  "id"          TEXT PRIMARY KEY DEFAULT gen_random_uuid(),
  "createdAt"   TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt"   TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "threadId"    TEXT REFERENCES :chat."Thread" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
  "stepId"      TEXT NOT NULL REFERENCES :chat."Step" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
  "metadata"    JSONB NOT NULL,
  "mime"        TEXT,
  "name"        TEXT NOT NULL,
  "objectKey"   TEXT,
  "url"         TEXT,
  "chainlitKey" TEXT,
  "display"     TEXT,
  "size"        TEXT,
  "language"    TEXT,
  "page"        INTEGER,
  "props"       JSONB
);
CREATE TABLE :chat."Feedback" (
  "id"        TEXT PRIMARY KEY DEFAULT gen_random_uuid(),
  "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "stepId"    TEXT REFERENCES :chat."Step" ("id") ON DELETE SET NULL ON UPDATE CASCADE,
  "name"      TEXT NOT NULL,
  "value"     DOUBLE PRECISION NOT NULL,
  "comment"   TEXT
);
CREATE INDEX "Element_stepId_idx" ON :chat."Element" ("stepId");
CREATE INDEX "Element_threadId_idx" ON :chat."Element" ("threadId");
CREATE INDEX "User_identifier_idx" ON :chat."User" ("identifier");
CREATE UNIQUE INDEX "User_identifier_key" ON :chat."User" ("identifier");
CREATE INDEX "Feedback_createdAt_idx" ON :chat."Feedback" ("createdAt");
CREATE INDEX "Feedback_name_idx" ON :chat."Feedback" ("name");
CREATE INDEX "Feedback_stepId_idx" ON :chat."Feedback" ("stepId");
CREATE INDEX "Feedback_value_idx" ON :chat."Feedback" ("value");
CREATE INDEX "Feedback_name_value_idx" ON :chat."Feedback" ("name", "value");
CREATE INDEX "Step_createdAt_idx" ON :chat."Step" ("createdAt");
CREATE INDEX "Step_endTime_idx" ON :chat."Step" ("endTime");
CREATE INDEX "Step_parentId_idx" ON :chat."Step" ("parentId");
CREATE INDEX "Step_startTime_idx" ON :chat."Step" ("startTime");
CREATE INDEX "Step_threadId_idx" ON :chat."Step" ("threadId");
CREATE INDEX "Step_type_idx" ON :chat."Step" ("type");
CREATE INDEX "Step_name_idx" ON :chat."Step" ("name");
CREATE INDEX "Step_threadId_startTime_endTime_idx" ON :chat."Step" ("threadId", "startTime", "endTime");
CREATE INDEX "Thread_createdAt_idx" ON :chat."Thread" ("createdAt");
CREATE INDEX "Thread_name_idx" ON :chat."Thread" ("name");
