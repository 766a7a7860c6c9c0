-- What Varve keeps for itself. All names begin with varve_.
CREATE TABLE :varve.varve_meta (
  key   TEXT COLLATE "C" PRIMARY KEY,
  value TEXT NOT NULL
);

-- What was written where. A position is the number of the transaction shifted
-- left by 22 bits plus the number of the note in it: unlike a sequence it grows in
-- an order that readers can stop in front of, namely before the oldest transaction
-- that is still running.
CREATE TABLE :varve.varve_change (
  position BIGINT PRIMARY KEY,
  tbl      TEXT COLLATE "C" NOT NULL,
  key      TEXT COLLATE "C" NOT NULL,
  last     TEXT COLLATE "C",
  op       TEXT COLLATE "C" NOT NULL,
  at       TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- Threads deleted a short time ago, so that a late write does not bring them back,
-- with what a cursor needs to go on behind them.
CREATE TABLE :varve.varve_tombstone (
  thread          TEXT COLLATE "C" PRIMARY KEY,
  user_id         TEXT,
  user_identifier TEXT,
  last_activity   TEXT COLLATE "C" NOT NULL,
  at              TIMESTAMPTZ NOT NULL
);
CREATE INDEX varve_tombstone_at ON :varve.varve_tombstone (at);

-- Stored bytes that no element names any more and that wait for deletion. A key
-- may stand here twice, and may be long: names of files are a part of it.
CREATE TABLE :varve.varve_orphan (
  id  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key TEXT COLLATE "C" NOT NULL,
  at  TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX varve_orphan_key ON :varve.varve_orphan USING hash (key);

-- varve_base lifts the positions of a database that was restored into a cluster
-- whose transaction numbers are smaller; it is replaced when that is found.
CREATE FUNCTION :varve.varve_base() RETURNS BIGINT LANGUAGE sql IMMUTABLE AS 'SELECT 0::bigint';

-- varve_note writes one note. Beyond four million notes in one transaction, which
-- is what the 22 bits hold, there is one more a table: all keys may have changed.
CREATE FUNCTION :varve.varve_note(a_table TEXT, a_key TEXT, an_op TEXT) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  base BIGINT := (pg_current_xact_id()::text::bigint + :varve.varve_base()) << 22;
  place BIGINT;
BEGIN
  SELECT coalesce(max(c.position), base) + 1 INTO place FROM :varve.varve_change c
  WHERE c.position > base AND c.position < base + 4194304;
  IF place < base + 4194000 THEN
    INSERT INTO :varve.varve_change (position, tbl, key, op) VALUES (place, a_table, a_key, an_op);
  ELSIF NOT EXISTS (SELECT FROM :varve.varve_change c WHERE c.position >= base + 4194000 AND c.position < base + 4194304 AND c.tbl = a_table) THEN
    INSERT INTO :varve.varve_change (position, tbl, key, last, op) VALUES (place, a_table, '', U&'\+10FFFF', 'update');
  END IF;
END $$;

-- varve_utc brings a time in any form that Chainlit, browsers and databases write
-- into fixed-width UTC text; NULL for what is no time. A function in SQL would be
-- planned anew in every transaction, at the price of all else a write does.
CREATE FUNCTION :varve.varve_utc(t TEXT) RETURNS TEXT LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN :utc;
END $$;
