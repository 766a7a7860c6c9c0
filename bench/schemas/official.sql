-- The tables of Chainlit's official layer, with all the indexes that its own
-- migrations make.
CREATE TYPE "StepType" AS ENUM ('assistant_message', 'embedding', 'llm', 'retrieval', 'rerank', 'run', 'system_message',
  'tool', 'undefined', 'user_message');
CREATE TABLE "User" (
  "id" TEXT PRIMARY KEY DEFAULT gen_random_uuid(), "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "metadata" JSONB NOT NULL, "identifier" TEXT NOT NULL UNIQUE);
CREATE TABLE "Thread" (
  "id" TEXT PRIMARY KEY DEFAULT gen_random_uuid(), "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "deletedAt" TIMESTAMP(3), "name" TEXT, "metadata" JSONB NOT NULL,
  "userId" TEXT REFERENCES "User" ("id") ON DELETE SET NULL ON UPDATE CASCADE, "tags" TEXT[] DEFAULT '{}');
CREATE TABLE "Step" (
  "id" TEXT PRIMARY KEY DEFAULT gen_random_uuid(), "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "parentId" TEXT REFERENCES "Step" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
  "threadId" TEXT REFERENCES "Thread" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
  "input" TEXT, "metadata" JSONB NOT NULL, "name" TEXT, "output" TEXT, "type" "StepType" NOT NULL,
  "showInput" TEXT DEFAULT 'json', "isError" BOOLEAN DEFAULT false, "startTime" TIMESTAMP(3) NOT NULL, "endTime" TIMESTAMP(3) NOT NULL);
CREATE TABLE "Element" (
  "id" TEXT PRIMARY KEY DEFAULT gen_random_uuid(), "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "threadId" TEXT REFERENCES "Thread" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
  "stepId" TEXT NOT NULL REFERENCES "Step" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
  "metadata" JSONB NOT NULL, "mime" TEXT, "name" TEXT NOT NULL, "objectKey" TEXT, "url" TEXT, "chainlitKey" TEXT,
  "display" TEXT, "size" TEXT, "language" TEXT, "page" INTEGER, "props" JSONB);
CREATE TABLE "Feedback" (
  "id" TEXT PRIMARY KEY DEFAULT gen_random_uuid(), "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "stepId" TEXT REFERENCES "Step" ("id") ON DELETE SET NULL ON UPDATE CASCADE,
  "name" TEXT NOT NULL, "value" DOUBLE PRECISION NOT NULL, "comment" TEXT);
CREATE INDEX ON "Element" ("stepId");
CREATE INDEX ON "Element" ("threadId");
CREATE INDEX ON "User" ("identifier");
CREATE INDEX ON "Feedback" ("createdAt");
CREATE INDEX ON "Feedback" ("name");
CREATE INDEX ON "Feedback" ("stepId");
CREATE INDEX ON "Feedback" ("value");
CREATE INDEX ON "Feedback" ("name", "value");
CREATE INDEX ON "Step" ("createdAt");
CREATE INDEX ON "Step" ("endTime");
CREATE INDEX ON "Step" ("parentId");
CREATE INDEX ON "Step" ("startTime");
CREATE INDEX ON "Step" ("threadId");
CREATE INDEX ON "Step" ("type");
CREATE INDEX ON "Step" ("name");
CREATE INDEX ON "Step" ("threadId", "startTime", "endTime");
CREATE INDEX ON "Thread" ("createdAt");
CREATE INDEX ON "Thread" ("name");
