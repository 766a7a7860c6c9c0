-- What holds for any writer of the official tables: last activity, notes of
-- changes, tombstones. Notes name the tables as everywhere else. On a database of
-- somebody else every body is guarded, so that none of it can fail the host's own
-- statement.
CREATE FUNCTION :varve.varve_threads_born() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.varve_last_activity := greatest(NEW.varve_last_activity,
    coalesce(:varve.varve_utc(NEW.varve_created), to_char(NEW."createdAt", 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')));
  RETURN NEW;
  :guard RETURN NEW;
END $$;
CREATE TRIGGER varve_threads_born BEFORE INSERT ON :chat."Thread"
  FOR EACH ROW EXECUTE FUNCTION :varve.varve_threads_born();

CREATE FUNCTION :varve.varve_noted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    PERFORM :varve.varve_note(TG_ARGV[0], OLD."id", 'delete');
  ELSE
    PERFORM :varve.varve_note(TG_ARGV[0], NEW."id", lower(TG_OP));
  END IF;
  RETURN NULL;
  :guard RETURN NULL;
END $$;
CREATE TRIGGER varve_users_noted AFTER INSERT OR UPDATE OR DELETE ON :chat."User"
  FOR EACH ROW EXECUTE FUNCTION :varve.varve_noted('users');
CREATE TRIGGER varve_elements_noted AFTER INSERT OR UPDATE OR DELETE ON :chat."Element"
  FOR EACH ROW EXECUTE FUNCTION :varve.varve_noted('elements');
CREATE TRIGGER varve_feedbacks_noted AFTER INSERT OR UPDATE OR DELETE ON :chat."Feedback"
  FOR EACH ROW EXECUTE FUNCTION :varve.varve_noted('feedbacks');
-- Not on updates of last activity, which is no news of its own.
CREATE TRIGGER varve_threads_noted AFTER INSERT OR DELETE
  OR UPDATE OF "id", "createdAt", "deletedAt", "name", "userId", "tags", "metadata" ON :chat."Thread"
  FOR EACH ROW EXECUTE FUNCTION :varve.varve_noted('threads');

-- A tombstone that this transaction wrote itself is left as it is.
CREATE FUNCTION :varve.varve_threads_died() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO :varve.varve_tombstone AS d (thread, user_id, user_identifier, last_activity, at)
  VALUES (OLD."id", OLD."userId", (SELECT u."identifier" FROM :chat."User" u WHERE u."id" = OLD."userId"), OLD.varve_last_activity, now())
  ON CONFLICT (thread) DO UPDATE SET user_id = EXCLUDED.user_id, user_identifier = EXCLUDED.user_identifier,
    last_activity = EXCLUDED.last_activity, at = EXCLUDED.at
  WHERE d.xmin::text::bigint <> pg_current_xact_id()::text::bigint & 4294967295;
  RETURN NULL;
  :guard RETURN NULL;
END $$;
CREATE TRIGGER varve_threads_died AFTER DELETE ON :chat."Thread"
  FOR EACH ROW EXECUTE FUNCTION :varve.varve_threads_died();

-- A placeholder for a parent that is not there yet is no step until it is written.
-- "updatedAt" of the thread goes along, since the official layer lists by it.
CREATE FUNCTION :varve.varve_steps_noted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  happened TEXT;
  op TEXT := lower(TG_OP);
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF NOT (OLD."name" IS NULL AND OLD."type"::text = 'run') THEN
      PERFORM :varve.varve_note('steps', OLD."id", 'delete');
    END IF;
    RETURN NULL;
  END IF;
  IF NEW."name" IS NULL AND NEW."type"::text = 'run' THEN
    IF TG_OP = 'UPDATE' AND NOT (OLD."name" IS NULL AND OLD."type"::text = 'run') THEN
      PERFORM :varve.varve_note('steps', NEW."id", 'delete');
    END IF;
    RETURN NULL;
  END IF;
  IF TG_OP = 'UPDATE' THEN
    -- Text that was made searchable is no news.
    IF NEW.varve_fold IS DISTINCT FROM OLD.varve_fold AND NEW."output" IS NOT DISTINCT FROM OLD."output"
       AND to_jsonb(NEW) - 'varve_fold' = to_jsonb(OLD) - 'varve_fold' THEN
      RETURN NULL;
    END IF;
    IF OLD."name" IS NULL AND OLD."type"::text = 'run' THEN
      op := 'insert';
    END IF;
  END IF;
  PERFORM :varve.varve_note('steps', NEW."id", op);
  happened := :varve.varve_utc(coalesce(NEW.varve_extra->>'createdAt', to_char(NEW."startTime", 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')));
  UPDATE :chat."Thread" SET varve_last_activity = happened,
    "updatedAt" = greatest("updatedAt", date_trunc('milliseconds', happened::timestamptz AT TIME ZONE 'UTC'))
  WHERE "id" = NEW."threadId" AND varve_last_activity < happened;
  RETURN NULL;
  :guard RETURN NULL;
END $$;
CREATE TRIGGER varve_steps_noted AFTER INSERT OR UPDATE OR DELETE ON :chat."Step"
  FOR EACH ROW EXECUTE FUNCTION :varve.varve_steps_noted();

-- A writer that does not know of varve_fold leaves a stale one; it is made anew at
-- the next search.
CREATE FUNCTION :varve.varve_unfold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.varve_fold := NULL;
  RETURN NEW;
END $$;
CREATE TRIGGER varve_steps_unfold BEFORE UPDATE OF "output" ON :chat."Step" FOR EACH ROW
  WHEN (OLD.varve_fold = NEW.varve_fold AND OLD."output" IS DISTINCT FROM NEW."output")
  EXECUTE FUNCTION :varve.varve_unfold();
CREATE TRIGGER varve_threads_unfold BEFORE UPDATE OF "name" ON :chat."Thread" FOR EACH ROW
  WHEN (OLD.varve_fold = NEW.varve_fold AND OLD."name" IS DISTINCT FROM NEW."name")
  EXECUTE FUNCTION :varve.varve_unfold();
