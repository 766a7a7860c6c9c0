-- What makes Chainlit's tables quick to list and their changes known, whoever
-- writes. {{time X}} stands for the expression that reads a time. Everything a
-- trigger uses is in SQLite 3.35 and older, and nothing in it can fail the
-- statement that fires it: no constraint, no function that raises.
CREATE TABLE IF NOT EXISTS varve_tombstone (
  thread TEXT PRIMARY KEY, user_id TEXT, user_identifier TEXT, last_activity TEXT, at INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS varve_orphan (position INTEGER PRIMARY KEY, key TEXT UNIQUE);

CREATE INDEX IF NOT EXISTS varve_threads_user ON threads ("userId", varve_last_activity DESC, "id" DESC);
CREATE INDEX IF NOT EXISTS varve_threads_all ON threads (varve_last_activity DESC, "id" DESC);
CREATE INDEX IF NOT EXISTS varve_steps_thread ON steps ("threadId", "createdAt");
CREATE INDEX IF NOT EXISTS varve_steps_starred ON steps ("threadId") WHERE instr("metadata", 'favorite') > 0;
CREATE INDEX IF NOT EXISTS varve_elements_thread ON elements ("threadId");
CREATE INDEX IF NOT EXISTS varve_elements_for ON elements ("forId");
CREATE INDEX IF NOT EXISTS varve_elements_object ON elements ("objectKey");
CREATE INDEX IF NOT EXISTS varve_feedbacks_for ON feedbacks ("forId");
CREATE INDEX IF NOT EXISTS varve_feedbacks_thread ON feedbacks ("threadId");

CREATE TRIGGER IF NOT EXISTS varve_users_insert AFTER INSERT ON users BEGIN
  INSERT INTO varve_change ("table", key, op, at) VALUES ('users', NEW."id", 'insert', {{now}});
END;
CREATE TRIGGER IF NOT EXISTS varve_users_update AFTER UPDATE ON users BEGIN
  INSERT INTO varve_change ("table", key, op, at) VALUES ('users', NEW."id", 'update', {{now}});
END;
CREATE TRIGGER IF NOT EXISTS varve_users_delete AFTER DELETE ON users BEGIN
  INSERT INTO varve_change ("table", key, op, at) VALUES ('users', OLD."id", 'delete', {{now}});
END;

-- A thread may come after its steps.
CREATE TRIGGER IF NOT EXISTS varve_threads_insert AFTER INSERT ON threads BEGIN
  INSERT INTO varve_change ("table", key, op, at) VALUES ('threads', NEW."id", 'insert', {{now}});
  UPDATE threads SET varve_last_activity = max(coalesce({{time NEW."createdAt"}}, ''),
      coalesce((SELECT max({{time s."createdAt"}}) FROM steps s WHERE s."threadId" = NEW."id"), ''))
    WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER IF NOT EXISTS varve_threads_update AFTER UPDATE OF "id", "createdAt", "name", "userId", "userIdentifier", "tags", "metadata" ON threads BEGIN
  INSERT INTO varve_change ("table", key, op, at) VALUES ('threads', NEW."id", 'update', {{now}});
END;
CREATE TRIGGER IF NOT EXISTS varve_threads_raise AFTER UPDATE OF "createdAt" ON threads BEGIN
  UPDATE threads SET varve_last_activity = {{time NEW."createdAt"}}
    WHERE rowid = NEW.rowid AND varve_last_activity < {{time NEW."createdAt"}};
END;
CREATE TRIGGER IF NOT EXISTS varve_threads_delete AFTER DELETE ON threads BEGIN
  INSERT INTO varve_change ("table", key, op, at) VALUES ('threads', OLD."id", 'delete', {{now}});
END;

CREATE TRIGGER IF NOT EXISTS varve_steps_insert AFTER INSERT ON steps BEGIN
  INSERT INTO varve_change ("table", key, op, at) VALUES ('steps', NEW."id", 'insert', {{now}});
  UPDATE threads SET varve_last_activity = max(varve_last_activity, coalesce({{time NEW."createdAt"}}, ''))
    WHERE "id" = NEW."threadId";
END;
CREATE TRIGGER IF NOT EXISTS varve_steps_update AFTER UPDATE ON steps BEGIN
  INSERT INTO varve_change ("table", key, op, at) VALUES ('steps', NEW."id", 'update', {{now}});
END;
CREATE TRIGGER IF NOT EXISTS varve_steps_raise AFTER UPDATE OF "createdAt", "threadId" ON steps BEGIN
  UPDATE threads SET varve_last_activity = {{time NEW."createdAt"}}
    WHERE "id" = NEW."threadId" AND varve_last_activity < {{time NEW."createdAt"}};
END;
CREATE TRIGGER IF NOT EXISTS varve_steps_delete AFTER DELETE ON steps BEGIN
  INSERT INTO varve_change ("table", key, op, at) VALUES ('steps', OLD."id", 'delete', {{now}});
END;

CREATE TRIGGER IF NOT EXISTS varve_elements_insert AFTER INSERT ON elements BEGIN
  INSERT INTO varve_change ("table", key, op, at) VALUES ('elements', NEW."id", 'insert', {{now}});
END;
CREATE TRIGGER IF NOT EXISTS varve_elements_update AFTER UPDATE ON elements BEGIN
  INSERT INTO varve_change ("table", key, op, at) VALUES ('elements', NEW."id", 'update', {{now}});
END;
CREATE TRIGGER IF NOT EXISTS varve_elements_delete AFTER DELETE ON elements BEGIN
  INSERT INTO varve_change ("table", key, op, at) VALUES ('elements', OLD."id", 'delete', {{now}});
END;

-- One feedback a step: Chainlit's layer inserts another when it was not told
-- the id of the first, and then shows the step twice. The newest stays.
CREATE TRIGGER IF NOT EXISTS varve_feedbacks_insert AFTER INSERT ON feedbacks BEGIN
  INSERT INTO varve_change ("table", key, op, at) VALUES ('feedbacks', NEW."id", 'insert', {{now}});
  DELETE FROM feedbacks WHERE "forId" = NEW."forId" AND rowid <> NEW.rowid;
END;
CREATE TRIGGER IF NOT EXISTS varve_feedbacks_update AFTER UPDATE ON feedbacks BEGIN
  INSERT INTO varve_change ("table", key, op, at) VALUES ('feedbacks', NEW."id", 'update', {{now}});
END;
CREATE TRIGGER IF NOT EXISTS varve_feedbacks_delete AFTER DELETE ON feedbacks BEGIN
  INSERT INTO varve_change ("table", key, op, at) VALUES ('feedbacks', OLD."id", 'delete', {{now}});
END;
