-- A database that an early Varve made, whose migrations were one sequence: Varve's
-- own tables and those of conversations together, as pg_dump wrote it (without
-- the search index, which needs an extension).
CREATE FUNCTION public.varve_base() RETURNS bigint
    LANGUAGE sql IMMUTABLE
    AS $$SELECT 0::bigint$$;
CREATE FUNCTION public.varve_note(a_table text, a_key text, an_op text) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
  base BIGINT := (pg_current_xact_id()::text::bigint + "public".varve_base()) << 22;
  place BIGINT;
BEGIN
  SELECT coalesce(max(c.position), base) + 1 INTO place FROM "public".varve_change c
  WHERE c.position > base AND c.position < base + 4194304;
  IF place < base + 4194000 THEN
    INSERT INTO "public".varve_change (position, tbl, key, op) VALUES (place, a_table, a_key, an_op);
  ELSIF NOT EXISTS (SELECT FROM "public".varve_change c WHERE c.position >= base + 4194000 AND c.position < base + 4194304 AND c.tbl = a_table) THEN
    INSERT INTO "public".varve_change (position, tbl, key, last, op) VALUES (place, a_table, '', U&'\+10FFFF', 'update');
  END IF;
END $$;
CREATE FUNCTION public.varve_noted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    PERFORM "public".varve_note(TG_TABLE_NAME, OLD."id"::text, 'delete');
  ELSE
    PERFORM "public".varve_note(TG_TABLE_NAME, NEW."id"::text, lower(TG_OP));
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION public.varve_steps_noted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    AS $$
DECLARE
  happened TEXT;
BEGIN
  IF TG_OP = 'DELETE' THEN
    PERFORM "public".varve_note('steps', OLD."id"::text, 'delete');
    RETURN NULL;
  END IF;
  -- Text that was made searchable is no news.
  IF TG_OP = 'UPDATE' AND NEW.varve_fold IS DISTINCT FROM OLD.varve_fold AND NEW."output" IS NOT DISTINCT FROM OLD."output"
     AND to_jsonb(NEW) - 'varve_fold' = to_jsonb(OLD) - 'varve_fold' THEN
    RETURN NULL;
  END IF;
  PERFORM "public".varve_note('steps', NEW."id"::text, lower(TG_OP));
  happened := "public".varve_utc(NEW."createdAt"::text);
  UPDATE "public".threads SET varve_last_activity = happened
  WHERE "id" = NEW."threadId" AND varve_last_activity < happened;
  RETURN NULL;
END $$;
CREATE FUNCTION public.varve_threads_born() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    AS $$
BEGIN
  NEW.varve_last_activity := greatest(NEW.varve_last_activity, coalesce("public".varve_utc(NEW."createdAt"::text), ''));
  RETURN NEW;
END $$;
CREATE FUNCTION public.varve_threads_died() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    AS $$
BEGIN
  INSERT INTO "public".varve_tombstone AS d (thread, user_id, user_identifier, last_activity, at)
  VALUES (OLD."id"::text, OLD."userId"::text, OLD."userIdentifier", OLD.varve_last_activity, now())
  ON CONFLICT (thread) DO UPDATE SET user_id = EXCLUDED.user_id, user_identifier = EXCLUDED.user_identifier,
    last_activity = EXCLUDED.last_activity, at = EXCLUDED.at
  WHERE d.xmin::text::bigint <> pg_current_xact_id()::text::bigint & 4294967295;
  RETURN NULL;
END $$;
CREATE FUNCTION public.varve_unfold() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  NEW.varve_fold := NULL;
  RETURN NEW;
END $$;
CREATE FUNCTION public.varve_utc(t text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $_$
BEGIN
  RETURN CASE WHEN t ~ '^(?!0000)\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.,]\d+)?([Zz]|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)?)?$'
  AND length(t) <= 40
  AND (substr(t, 9, 2) <= '28' OR substr(t, 9, 2)::int <= date_part('day', make_date(substr(t, 1, 4)::int, substr(t, 6, 2)::int, 1) + interval '1 month - 1 day'))
THEN CASE
  WHEN length(t) = 27 AND substr(t, 11, 1) = 'T' AND substr(t, 20, 1) = '.' AND right(t, 1) = 'Z' THEN t
  WHEN t ~ ':[^Zz]*[+-]' AND substr(t, 1, 4) IN ('0001', '9999') THEN NULL
  WHEN t ~ ':[^Zz]*[+-]' THEN to_char(make_timestamp(substr(t, 1, 4)::int, substr(t, 6, 2)::int, substr(t, 9, 2)::int, substr(t, 12, 2)::int, substr(t, 15, 2)::int, substr(t, 18, 2)::int)
    - (substring(t from '([+-]\d\d)(?::?\d\d)?$') || ':' || coalesce(substring(t from '[+-]\d\d:?(\d\d)$'), '00'))::interval, 'YYYY-MM-DD"T"HH24:MI:SS')
    || '.' || rpad(left(coalesce(substring(t from '[.,](\d+)'), ''), 6), 6, '0') || 'Z'
  ELSE left(t, 10) || 'T' || substr(t, 12, 5) || CASE WHEN length(t) >= 19 THEN substr(t, 17, 3) ELSE ':00' END
    || '.' || rpad(left(coalesce(substring(t from '[.,](\d+)'), ''), 6), 6, '0') || 'Z'
END END;
END $_$;
CREATE TABLE public.elements (
    id text NOT NULL COLLATE pg_catalog."C",
    "threadId" text COLLATE pg_catalog."C",
    type text,
    url text,
    "chainlitKey" text,
    name text NOT NULL,
    display text,
    "objectKey" text,
    size text,
    page integer,
    language text,
    "forId" text COLLATE pg_catalog."C",
    mime text,
    props jsonb,
    "autoPlay" boolean,
    "playerConfig" jsonb,
    varve_extra jsonb
);
CREATE TABLE public.feedbacks (
    id text NOT NULL COLLATE pg_catalog."C",
    "forId" text NOT NULL COLLATE pg_catalog."C",
    "threadId" text NOT NULL COLLATE pg_catalog."C",
    value integer NOT NULL,
    comment text
);
CREATE TABLE public.steps (
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    type text NOT NULL,
    "threadId" text NOT NULL COLLATE pg_catalog."C",
    "parentId" text COLLATE pg_catalog."C",
    streaming boolean NOT NULL,
    "waitForAnswer" boolean,
    "isError" boolean,
    metadata jsonb,
    tags text[],
    input text,
    output text,
    "createdAt" text,
    command text,
    start text,
    "end" text,
    generation jsonb,
    "showInput" text,
    language text,
    indent integer,
    "defaultOpen" boolean,
    "autoCollapse" boolean,
    modes jsonb,
    icon text,
    varve_extra jsonb,
    varve_fold text
);
CREATE TABLE public.threads (
    id text NOT NULL COLLATE pg_catalog."C",
    "createdAt" text,
    name text,
    "userId" text COLLATE pg_catalog."C",
    "userIdentifier" text,
    tags text[],
    metadata jsonb,
    varve_last_activity text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    varve_fold text
);
CREATE TABLE public.users (
    id text NOT NULL COLLATE pg_catalog."C",
    identifier text NOT NULL,
    metadata jsonb NOT NULL,
    "createdAt" text
);
CREATE TABLE public.varve_artifact (
    digest text NOT NULL COLLATE pg_catalog."C",
    size bigint NOT NULL,
    media text NOT NULL,
    place text NOT NULL,
    touched bigint NOT NULL
);
CREATE TABLE public.varve_artifact_note (
    place text NOT NULL COLLATE pg_catalog."C",
    made bigint NOT NULL,
    doomed integer NOT NULL
);
CREATE TABLE public.varve_artifact_part (
    part text NOT NULL COLLATE pg_catalog."C",
    whole text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.varve_artifact_ref (
    digest text NOT NULL COLLATE pg_catalog."C",
    owner_kind text NOT NULL COLLATE pg_catalog."C",
    owner text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.varve_change (
    "position" bigint NOT NULL,
    tbl text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    last text COLLATE pg_catalog."C",
    op text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.varve_data_table (
    name text NOT NULL COLLATE pg_catalog."C",
    declaration text NOT NULL,
    edition bigint NOT NULL
);
CREATE TABLE public.varve_meta (
    key text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL
);
CREATE TABLE public.varve_migration (
    version integer NOT NULL,
    name text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.varve_orphan (
    id bigint NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.varve_orphan ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.varve_orphan_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.varve_table (
    name text NOT NULL COLLATE pg_catalog."C",
    declaration text NOT NULL,
    edition bigint NOT NULL,
    generation bigint NOT NULL,
    horizon bigint NOT NULL,
    seq bigint NOT NULL,
    at bigint NOT NULL
)
WITH (fillfactor='25');
CREATE TABLE public.varve_tombstone (
    thread text NOT NULL COLLATE pg_catalog."C",
    user_id text,
    user_identifier text,
    last_activity text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL
);
INSERT INTO public.steps VALUES ('s', 'n', 'run', 't', NULL, false, NULL, NULL, '{}', NULL, NULL, 'o', '2001-01-01T00:00:00.000000Z', NULL, NULL, NULL, 'null', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.threads VALUES ('t', '2026-01-02T03:04:05.000000Z', 'old', '33333333-3333-4333-8333-333333333333', 'ada', NULL, '{}', '2026-01-02T03:04:05.000000Z', NULL);
INSERT INTO public.users VALUES ('33333333-3333-4333-8333-333333333333', 'ada', '{}', '2001-01-01T00:00:00.000000Z');
INSERT INTO public.varve_change VALUES (3053453313, 'users', '33333333-3333-4333-8333-333333333333', NULL, 'insert', '2026-01-02 03:04:05+00');
INSERT INTO public.varve_change VALUES (3061841921, 'threads', 't', NULL, 'insert', '2026-01-02 03:04:05+00');
INSERT INTO public.varve_change VALUES (3066036225, 'steps', 's', NULL, 'insert', '2026-01-02 03:04:05+00');
INSERT INTO public.varve_meta VALUES ('origin', 'varve');
INSERT INTO public.varve_meta VALUES ('secret.cursors', '0000000000000000000000000000000000000000000000000000000000000001');
INSERT INTO public.varve_migration VALUES (1, '0001_varve', '2026-01-02 03:04:05+00');
INSERT INTO public.varve_migration VALUES (2, '0002_chainlit', '2026-01-02 03:04:05+00');
INSERT INTO public.varve_migration VALUES (3, '0003_triggers', '2026-01-02 03:04:05+00');
INSERT INTO public.varve_migration VALUES (4, '0004_indexes', '2026-01-02 03:04:05+00');
INSERT INTO public.varve_migration VALUES (5, '0005_state', '2026-01-02 03:04:05+00');
INSERT INTO public.varve_migration VALUES (6, '0006_artifacts', '2026-01-02 03:04:05+00');
INSERT INTO public.varve_migration VALUES (7, '0007_data', '2026-01-02 03:04:05+00');
SELECT pg_catalog.setval('public.varve_orphan_id_seq', 1, false);
ALTER TABLE ONLY public.elements
    ADD CONSTRAINT elements_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.feedbacks
    ADD CONSTRAINT feedbacks_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.steps
    ADD CONSTRAINT steps_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.threads
    ADD CONSTRAINT threads_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_identifier_key UNIQUE (identifier);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.varve_artifact_note
    ADD CONSTRAINT varve_artifact_note_pkey PRIMARY KEY (place);
ALTER TABLE ONLY public.varve_artifact_part
    ADD CONSTRAINT varve_artifact_part_pkey PRIMARY KEY (part, whole);
ALTER TABLE ONLY public.varve_artifact
    ADD CONSTRAINT varve_artifact_pkey PRIMARY KEY (digest);
ALTER TABLE ONLY public.varve_artifact_ref
    ADD CONSTRAINT varve_artifact_ref_pkey PRIMARY KEY (digest, owner_kind, owner);
ALTER TABLE ONLY public.varve_change
    ADD CONSTRAINT varve_change_pkey PRIMARY KEY ("position");
ALTER TABLE ONLY public.varve_data_table
    ADD CONSTRAINT varve_data_table_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.varve_meta
    ADD CONSTRAINT varve_meta_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.varve_migration
    ADD CONSTRAINT varve_migration_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.varve_orphan
    ADD CONSTRAINT varve_orphan_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.varve_table
    ADD CONSTRAINT varve_table_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.varve_tombstone
    ADD CONSTRAINT varve_tombstone_pkey PRIMARY KEY (thread);
CREATE INDEX varve_artifact_owner ON public.varve_artifact_ref USING btree (owner_kind, owner);
CREATE INDEX varve_artifact_whole ON public.varve_artifact_part USING btree (whole);
CREATE INDEX varve_elements_for ON public.elements USING hash ("forId");
CREATE INDEX varve_elements_object ON public.elements USING hash ("objectKey");
CREATE INDEX varve_elements_thread ON public.elements USING btree ("threadId");
CREATE INDEX varve_feedbacks_for ON public.feedbacks USING hash ("forId");
CREATE INDEX varve_feedbacks_thread ON public.feedbacks USING btree ("threadId");
CREATE INDEX varve_orphan_key ON public.varve_orphan USING hash (key);
CREATE INDEX varve_steps_parent ON public.steps USING hash ("parentId");
CREATE INDEX varve_steps_starred ON public.steps USING btree ("threadId") WHERE ((metadata @> '{"favorite": true}'::jsonb) OR ((jsonb_typeof(metadata) = 'string'::text) AND ((metadata)::text ~~ '%favorite%'::text)));
CREATE INDEX varve_steps_thread ON public.steps USING btree ("threadId");
CREATE INDEX varve_steps_unfolded ON public.steps USING btree ("threadId") WHERE ((varve_fold IS NULL) AND (octet_length(output) > char_length(output)));
CREATE INDEX varve_threads_unfolded ON public.threads USING btree ("userId") WHERE ((varve_fold IS NULL) AND (octet_length(name) > char_length(name)));
CREATE INDEX varve_threads_user ON public.threads USING btree ("userId", varve_last_activity DESC, id DESC);
CREATE INDEX varve_tombstone_at ON public.varve_tombstone USING btree (at);
CREATE TRIGGER varve_elements_noted AFTER INSERT OR DELETE OR UPDATE ON public.elements FOR EACH ROW WHEN ((current_setting('varve.bulk'::text, true) IS DISTINCT FROM 'on'::text)) EXECUTE FUNCTION public.varve_noted();
CREATE TRIGGER varve_feedbacks_noted AFTER INSERT OR DELETE OR UPDATE ON public.feedbacks FOR EACH ROW WHEN ((current_setting('varve.bulk'::text, true) IS DISTINCT FROM 'on'::text)) EXECUTE FUNCTION public.varve_noted();
CREATE TRIGGER varve_steps_noted AFTER INSERT OR DELETE OR UPDATE ON public.steps FOR EACH ROW WHEN ((current_setting('varve.bulk'::text, true) IS DISTINCT FROM 'on'::text)) EXECUTE FUNCTION public.varve_steps_noted();
CREATE TRIGGER varve_steps_unfold BEFORE UPDATE OF output ON public.steps FOR EACH ROW WHEN (((old.varve_fold = new.varve_fold) AND (old.output IS DISTINCT FROM new.output))) EXECUTE FUNCTION public.varve_unfold();
CREATE TRIGGER varve_threads_born BEFORE INSERT ON public.threads FOR EACH ROW WHEN ((current_setting('varve.bulk'::text, true) IS DISTINCT FROM 'on'::text)) EXECUTE FUNCTION public.varve_threads_born();
CREATE TRIGGER varve_threads_died AFTER DELETE ON public.threads FOR EACH ROW EXECUTE FUNCTION public.varve_threads_died();
CREATE TRIGGER varve_threads_noted AFTER INSERT OR DELETE OR UPDATE OF id, "createdAt", name, "userId", "userIdentifier", tags, metadata ON public.threads FOR EACH ROW WHEN ((current_setting('varve.bulk'::text, true) IS DISTINCT FROM 'on'::text)) EXECUTE FUNCTION public.varve_noted();
CREATE TRIGGER varve_threads_unfold BEFORE UPDATE OF name ON public.threads FOR EACH ROW WHEN (((old.varve_fold = new.varve_fold) AND (old.name IS DISTINCT FROM new.name))) EXECUTE FUNCTION public.varve_unfold();
CREATE TRIGGER varve_users_noted AFTER INSERT OR DELETE OR UPDATE ON public.users FOR EACH ROW WHEN ((current_setting('varve.bulk'::text, true) IS DISTINCT FROM 'on'::text)) EXECUTE FUNCTION public.varve_noted();
ALTER TABLE ONLY public.elements
    ADD CONSTRAINT "elements_threadId_fkey" FOREIGN KEY ("threadId") REFERENCES public.threads(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.feedbacks
    ADD CONSTRAINT "feedbacks_threadId_fkey" FOREIGN KEY ("threadId") REFERENCES public.threads(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.steps
    ADD CONSTRAINT "steps_threadId_fkey" FOREIGN KEY ("threadId") REFERENCES public.threads(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.threads
    ADD CONSTRAINT "threads_userId_fkey" FOREIGN KEY ("userId") REFERENCES public.users(id) ON DELETE CASCADE;
