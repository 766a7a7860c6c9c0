-- The tables that Chainlit documents for its SQLAlchemy layer, with the three
-- columns its code writes and its page forgets, and no index beside the keys.
CREATE TABLE users (
  "id" UUID PRIMARY KEY, "identifier" TEXT NOT NULL UNIQUE, "metadata" JSONB NOT NULL, "createdAt" TEXT);
CREATE TABLE threads (
  "id" UUID PRIMARY KEY, "createdAt" TEXT, "name" TEXT, "userId" UUID REFERENCES users ("id") ON DELETE CASCADE,
  "userIdentifier" TEXT, "tags" TEXT[], "metadata" JSONB);
CREATE TABLE steps (
  "id" UUID PRIMARY KEY, "name" TEXT NOT NULL, "type" TEXT NOT NULL,
  "threadId" UUID NOT NULL REFERENCES threads ("id") ON DELETE CASCADE, "parentId" UUID,
  "streaming" BOOLEAN NOT NULL, "waitForAnswer" BOOLEAN, "isError" BOOLEAN, "metadata" JSONB, "tags" TEXT[],
  "input" TEXT, "output" TEXT, "createdAt" TEXT, "command" TEXT, "start" TEXT, "end" TEXT, "generation" JSONB,
  "showInput" TEXT, "language" TEXT, "indent" INT, "defaultOpen" BOOLEAN, "autoCollapse" BOOLEAN, "modes" JSONB);
CREATE TABLE elements (
  "id" UUID PRIMARY KEY, "threadId" UUID REFERENCES threads ("id") ON DELETE CASCADE, "type" TEXT, "url" TEXT,
  "chainlitKey" TEXT, "name" TEXT NOT NULL, "display" TEXT, "objectKey" TEXT, "size" TEXT, "page" INT, "language" TEXT,
  "forId" UUID, "mime" TEXT, "props" JSONB, "autoPlay" BOOLEAN, "playerConfig" JSONB);
CREATE TABLE feedbacks (
  "id" UUID PRIMARY KEY, "forId" UUID NOT NULL, "threadId" UUID NOT NULL REFERENCES threads ("id") ON DELETE CASCADE,
  "value" INT NOT NULL, "comment" TEXT);
