-- What holds for any writer: last activity, notes of changes, tombstones. The
-- functions run with their owner's rights, since a host's role need not know of
-- Varve's tables. On a database of somebody else every body is guarded, so that
-- none of it can fail the host's own statement. A transaction that says so with
-- varve.bulk does by itself for all its rows what they do row by row.
CREATE FUNCTION :varve.varve_threads_born() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.varve_last_activity := greatest(NEW.varve_last_activity, coalesce(:varve.varve_utc(NEW."createdAt"::text), ''));
  RETURN NEW;
  :guard RETURN NEW;
END $$;
CREATE TRIGGER varve_threads_born BEFORE INSERT ON :chat.threads
  FOR EACH ROW WHEN (:rowwise) EXECUTE FUNCTION :varve.varve_threads_born();

CREATE FUNCTION :varve.varve_noted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    PERFORM :varve.varve_note(TG_TABLE_NAME, OLD."id"::text, 'delete');
  ELSE
    PERFORM :varve.varve_note(TG_TABLE_NAME, NEW."id"::text, lower(TG_OP));
  END IF;
  RETURN NULL;
  :guard RETURN NULL;
END $$;
CREATE TRIGGER varve_users_noted AFTER INSERT OR UPDATE OR DELETE ON :chat.users
  FOR EACH ROW WHEN (:rowwise) EXECUTE FUNCTION :varve.varve_noted();
CREATE TRIGGER varve_elements_noted AFTER INSERT OR UPDATE OR DELETE ON :chat.elements
  FOR EACH ROW WHEN (:rowwise) EXECUTE FUNCTION :varve.varve_noted();
CREATE TRIGGER varve_feedbacks_noted AFTER INSERT OR UPDATE OR DELETE ON :chat.feedbacks
  FOR EACH ROW WHEN (:rowwise) EXECUTE FUNCTION :varve.varve_noted();
-- Not on updates of last activity, which is no news of its own.
CREATE TRIGGER varve_threads_noted AFTER INSERT OR DELETE
  OR UPDATE OF "id", "createdAt", "name", "userId", "userIdentifier", "tags", "metadata" ON :chat.threads
  FOR EACH ROW WHEN (:rowwise) EXECUTE FUNCTION :varve.varve_noted();

-- A tombstone that this transaction wrote itself is left as it is.
CREATE FUNCTION :varve.varve_threads_died() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO :varve.varve_tombstone AS d (thread, user_id, user_identifier, last_activity, at)
  VALUES (OLD."id"::text, OLD."userId"::text, OLD."userIdentifier", OLD.varve_last_activity, now())
  ON CONFLICT (thread) DO UPDATE SET user_id = EXCLUDED.user_id, user_identifier = EXCLUDED.user_identifier,
    last_activity = EXCLUDED.last_activity, at = EXCLUDED.at
  WHERE d.xmin::text::bigint <> pg_current_xact_id()::text::bigint & 4294967295;
  RETURN NULL;
  :guard RETURN NULL;
END $$;
CREATE TRIGGER varve_threads_died AFTER DELETE ON :chat.threads
  FOR EACH ROW EXECUTE FUNCTION :varve.varve_threads_died();

CREATE FUNCTION :varve.varve_steps_noted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  happened TEXT;
BEGIN
  IF TG_OP = 'DELETE' THEN
    PERFORM :varve.varve_note('steps', OLD."id"::text, 'delete');
    RETURN NULL;
  END IF;
  -- Text that was made searchable is no news.
  IF TG_OP = 'UPDATE' AND NEW.varve_fold IS DISTINCT FROM OLD.varve_fold AND NEW."output" IS NOT DISTINCT FROM OLD."output"
     AND to_jsonb(NEW) - 'varve_fold' = to_jsonb(OLD) - 'varve_fold' THEN
    RETURN NULL;
  END IF;
  PERFORM :varve.varve_note('steps', NEW."id"::text, lower(TG_OP));
  happened := :varve.varve_utc(NEW."createdAt"::text);
  UPDATE :chat.threads SET varve_last_activity = happened
  WHERE "id" = NEW."threadId" AND varve_last_activity < happened;
  RETURN NULL;
  :guard RETURN NULL;
END $$;
CREATE TRIGGER varve_steps_noted AFTER INSERT OR UPDATE OR DELETE ON :chat.steps
  FOR EACH ROW WHEN (:rowwise) EXECUTE FUNCTION :varve.varve_steps_noted();

-- A writer that does not know of varve_fold leaves a stale one; it is made anew at
-- the next search.
CREATE FUNCTION :varve.varve_unfold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.varve_fold := NULL;
  RETURN NEW;
END $$;
CREATE TRIGGER varve_steps_unfold BEFORE UPDATE OF "output" ON :chat.steps FOR EACH ROW
  WHEN (OLD.varve_fold = NEW.varve_fold AND OLD."output" IS DISTINCT FROM NEW."output")
  EXECUTE FUNCTION :varve.varve_unfold();
CREATE TRIGGER varve_threads_unfold BEFORE UPDATE OF "name" ON :chat.threads FOR EACH ROW
  WHEN (OLD.varve_fold = NEW.varve_fold AND OLD."name" IS DISTINCT FROM NEW."name")
  EXECUTE FUNCTION :varve.varve_unfold();
