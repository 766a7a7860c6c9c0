package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/store/postgres"
)

// A server that only reads, a standby or one that was told to, is not ready,
// and says why, whether its tables are there or not.
func TestPingTellsOfAServerThatOnlyReads(t *testing.T) {
	for name, url := range map[string]string{"empty": pgtest.New(t), "foreign": fixture(t, "documented")} {
		for _, via := range []string{url, pgtest.Bouncer(t, url)} {
			if err := open(t, via).Ping(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		err := open(t, url+"&default_transaction_read_only=on").Ping(t.Context())
		if errs.KindOf(err) != errs.Unavailable || !strings.Contains(err.Error(), "read-only") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A role that is not let in any more is told of as soon as it has to log in, and
// no more when it may again.
func TestPingTellsOfALoginThatIsRefused(t *testing.T) {
	url := pgtest.New(t)
	role := "in_" + roleSuffix(url)
	pgtest.Exec(t, url, `CREATE ROLE `+role+` LOGIN`)
	t.Cleanup(func() { pgtest.Exec(t, url, `DROP ROLE `+role) })
	db := open(t, strings.Replace(url, pgtest.Role+"@", role+"@", 1))
	if err := db.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	kill := `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename='` + role + `'`
	pgtest.Exec(t, url, `ALTER ROLE `+role+` NOLOGIN`)
	pgtest.Exec(t, url, kill)
	if err := settled(t, db); errs.KindOf(err) != errs.Unavailable || !strings.Contains(err.Error(), "refuses this user") || strings.Contains(err.Error(), role) {
		t.Errorf("the login is refused: %v", err)
	}
	pgtest.Exec(t, url, `ALTER ROLE `+role+` LOGIN`)
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("and let in: %v", err)
	}
}

// settled is what Ping says when each connection that lay in the pool has been
// seen to be gone.
func settled(t *testing.T, db *postgres.Store) (err error) {
	t.Helper()
	for range 4 {
		err = db.Ping(t.Context())
	}
	return err
}

// When the disk refused a write, the database is not ready until it takes one
// again, without a caller's write that would find out.
func TestPingTellsOfADiskThatIsFull(t *testing.T) {
	url := pgtest.New(t)
	db, w := open(t, url), chat.Write{Now: time.Now()}
	if err := db.Chat().ApplyThread(t.Context(), chat.ThreadPatch{ID: "t"}, w); err != nil {
		t.Fatal(err)
	}
	tables := shape(t, url)
	// What PostgreSQL says when a file cannot grow.
	pgtest.Exec(t, url, `CREATE FUNCTION full_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'could not extend file' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER full_row BEFORE INSERT ON threads FOR EACH ROW EXECUTE FUNCTION full_row();
CREATE FUNCTION full_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'could not extend file' USING ERRCODE = '53100'; END $$;
CREATE EVENT TRIGGER full_ddl ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION full_ddl()`)
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("before any write: %v", err)
	}
	if err := db.Chat().ApplyThread(t.Context(), chat.ThreadPatch{ID: "u"}, w); errs.KindOf(err) != errs.Unavailable || !strings.Contains(err.Error(), "nothing was written: the disk") {
		t.Errorf("a write: %v", err)
	}
	for range 2 {
		if err := db.Ping(t.Context()); errs.KindOf(err) != errs.Unavailable || !strings.Contains(err.Error(), "free some space") {
			t.Errorf("after it: %v", err)
		}
	}
	pgtest.Exec(t, url, `DROP EVENT TRIGGER full_ddl; DROP FUNCTION full_ddl; DROP FUNCTION full_row CASCADE`)
	for range 2 {
		if err := db.Ping(t.Context()); err != nil {
			t.Errorf("when there is room again: %v", err)
		}
	}
	if after := shape(t, url); after != tables {
		t.Errorf("it left\n%s", after)
	}
}
