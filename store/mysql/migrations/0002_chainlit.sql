-- Conversations, with Chainlit's nouns and keys as names of tables and columns;
-- no layer of Chainlit's speaks to this server, so nothing else has to fit.
--
-- varve_seq orders what a newer row has more of, and keeps rows together as they
-- come, which ids do not. Ids have unique indexes of their own. There are no
-- foreign keys: every write holds the row of its thread, and a key would lock it
-- once more, for others to wait on each other in a circle.
-- JSON is text: the servers' own type alters numbers or is text with a check.
-- varve_last_activity orders listings: fixed-width UTC, '' when unknown.
-- varve_extra holds keys that have no column. varve_fold is the searchable form
-- of the output or name where that is not plain ASCII (which folds to its lower
-- case). varve_starred marks the favourites.
CREATE TABLE IF NOT EXISTS users (
  varve_seq    BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  "id"         VARBINARY(1024) NOT NULL,
  "identifier" VARBINARY(1024) NOT NULL,
  "metadata"   LONGTEXT NOT NULL,
  "createdAt"  LONGTEXT,
  UNIQUE KEY varve_users_id ("id"),
  UNIQUE KEY varve_users_identifier ("identifier")
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS threads (
  varve_seq        BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  "id"             VARBINARY(1024) NOT NULL,
  "createdAt"      LONGTEXT,
  "name"           LONGTEXT,
  "userId"         VARBINARY(1024),
  "userIdentifier" VARBINARY(1024),
  "tags"           LONGTEXT,
  "metadata"       LONGTEXT,
  varve_last_activity VARBINARY(32) NOT NULL DEFAULT '',
  varve_fold       LONGTEXT,
  UNIQUE KEY varve_threads_id ("id"),
  KEY varve_threads_user ("userId", varve_last_activity, "id"),
  KEY varve_threads_all (varve_last_activity, "id")
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS steps (
  varve_seq       BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  "id"            VARBINARY(1024) NOT NULL,
  "name"          LONGTEXT NOT NULL,
  "type"          LONGTEXT NOT NULL,
  "threadId"      VARBINARY(1024) NOT NULL,
  "parentId"      VARBINARY(1024),
  "streaming"     BOOLEAN NOT NULL,
  "waitForAnswer" BOOLEAN,
  "isError"       BOOLEAN,
  "metadata"      LONGTEXT,
  "tags"          LONGTEXT,
  "input"         LONGTEXT,
  "output"        LONGTEXT,
  "createdAt"     LONGTEXT,
  "command"       LONGTEXT,
  "start"         LONGTEXT,
  "end"           LONGTEXT,
  "generation"    LONGTEXT,
  "showInput"     LONGTEXT,
  "language"      LONGTEXT,
  "indent"        INT,
  "defaultOpen"   BOOLEAN,
  "autoCollapse"  BOOLEAN,
  "modes"         LONGTEXT,
  "icon"          LONGTEXT,
  varve_extra     LONGTEXT,
  varve_fold      LONGTEXT,
  varve_starred   BOOLEAN NOT NULL DEFAULT 0,
  UNIQUE KEY varve_steps_id ("id"),
  KEY varve_steps_thread ("threadId"),
  KEY varve_steps_starred (varve_starred, "threadId")
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS elements (
  varve_seq      BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  "id"           VARBINARY(1024) NOT NULL,
  "threadId"     VARBINARY(1024),
  "type"         LONGTEXT,
  "url"          LONGTEXT,
  "chainlitKey"  LONGTEXT,
  "name"         LONGTEXT NOT NULL,
  "display"      LONGTEXT,
  "objectKey"    LONGBLOB,
  "size"         LONGTEXT,
  "page"         BIGINT,
  "language"     LONGTEXT,
  "forId"        VARBINARY(1024),
  "mime"         LONGTEXT,
  "props"        LONGTEXT,
  "autoPlay"     BOOLEAN,
  "playerConfig" LONGTEXT,
  varve_extra    LONGTEXT,
  UNIQUE KEY varve_elements_id ("id"),
  KEY varve_elements_thread ("threadId"),
  KEY varve_elements_object ("objectKey"(255))
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS feedbacks (
  varve_seq  BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  "id"       VARBINARY(1024) NOT NULL,
  "forId"    VARBINARY(1024) NOT NULL,
  "threadId" VARBINARY(1024) NOT NULL,
  "value"    INT NOT NULL,
  "comment"  LONGTEXT,
  UNIQUE KEY varve_feedbacks_id ("id"),
  UNIQUE KEY varve_feedbacks_for ("forId"),
  KEY varve_feedbacks_thread ("threadId")
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
