package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/internal/pgtest"
)

// BenchmarkPostgres reads and writes on a database that Chainlit's SQLAlchemy
// layer made, first as it is found, then mended by the doctor, beside SQL
// written by hand over the same driver and beside that layer.
func BenchmarkPostgres(b *testing.B) {
	threads := size(1000, 50)
	url := database(b, "sqlalchemy", threads, 30)
	path := fmt.Sprintf("library, Chainlit's SQLAlchemy schema %%s, one user, %d threads × 30 steps of 1 KB", threads)
	db, hand := open(b, url), connectHand(b, url)

	listUnmended(b, fmt.Sprintf(path, "as it is found"), db, hand)
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	mend(b, url)
	peer := startPeer(b, conninfo(url))
	db, path = open(b, url), fmt.Sprintf(path, "mended by the doctor")
	listMended(b, path, db, hand, peer)
	openMended(b, path, db, hand, peer, threads)
	persist(b, url, hand, threads)
}

// conninfo is a URL as SQLAlchemy spells it, whose driver knows no sslmode.
func conninfo(url string) string {
	url, _, _ = strings.Cut(url, "?")
	return strings.Replace(url, "postgres://", "postgresql+asyncpg://", 1)
}

func listUnmended(b *testing.B, path string, db *varve.DB, hand *handPG) {
	b.Helper()
	p := results.part("PostgreSQL: list 35 threads, not migrated", path)
	t := alternate(b, size(100, 3),
		way{"list", listOf(b, db, adaID, "")},
		way{"page query", func(int) error { return readAll[threadRow](b.Context(), hand, pageByHand, 35, adaID) }})
	p.slower(t[0].median(), "page query by hand (threads joined to steps)", t[1].median(), 3)
}

func listMended(b *testing.B, path string, db *varve.DB, hand *handPG, peer *peer) {
	b.Helper()
	p := results.part("PostgreSQL: list 35 threads", path)
	t := alternate(b, size(500, 3),
		way{"list", listOf(b, db, adaID, "")},
		way{"page query", func(int) error { return readAll[threadRow](b.Context(), hand, mendedPageByHand, 35, adaID) }})
	p.slower(t[0].median(), "page query by hand (by last activity)", t[1].median(), 1.3)
	p.faster(t[0].median(), "Chainlit's SQLAlchemy layer", peer.median(b, "list", adaID, size(5, 1)), 500)
}

func openMended(b *testing.B, path string, db *varve.DB, hand *handPG, peer *peer, threads int) {
	b.Helper()
	p := results.part("PostgreSQL: open a thread of 30 steps", path)
	t := alternate(b, size(500, 3),
		way{"open", func(i int) error { return openThread(b, db, threadID(i%threads), 30) }},
		way{"select", func(i int) error { return readAll[stepRow](b.Context(), hand, stepsByHand, 30, threadID(i%threads)) }})
	p.slower(t[0].median(), "one indexed select by hand", t[1].median(), 1.5)
	p.faster(t[0].median(), "Chainlit's SQLAlchemy layer", peer.median(b, "open", threadID(1), size(30, 1)), 0)
}

// persist writes steps to the mended database, and to one of Varve's own.
func persist(b *testing.B, url string, hand *handPG, threads int) {
	b.Helper()
	hand.exec(b, `CREATE TABLE bare_steps (LIKE steps); ALTER TABLE bare_steps ADD PRIMARY KEY (id)`)
	own := pgtest.NewDurable(b)
	mine := open(b, own)
	fill(b, mine, putUser(b, mine), 0, threads, 1)
	p := results.part("PostgreSQL: persist a step of 1 KB", "library, synchronous_commit=on, fsync=on, one caller, change log and last activity included")
	p.floor("fdatasync of 4 KB", duration(syncTimes(b, size(300, 5)).median()))
	for _, d := range []struct{ title, url string }{{"Chainlit's schema, mended", url}, {"Varve's own schema", own}} {
		through, counted := countTrips(b, d.url)
		db := open(b, through)
		per := counted.per(b, size(100, 5), func(i int) error { return putStepIn(b.Context(), db, i%threads) })
		p.value("round trips; "+d.title, fmt.Sprintf("%.2f", per), "1", per == 1)
		direct := open(b, d.url)
		t := alternate(b, size(400, 3),
			way{"step", func(i int) error { return putStepIn(b.Context(), direct, i%threads) }},
			way{"insert", func(i int) error { return hand.insert(b.Context(), i%threads) }})
		p.slower(t[0].median(), "bare INSERT, no index but the key; "+d.title, t[1].median(), 0)
	}
}

func putStepIn(ctx context.Context, db *varve.DB, thread int) error {
	_, err := db.Chat().PutStep(ctx, step(threadID(thread), thread))
	return err
}

// mend does what `varve doctor --apply` does.
func mend(b *testing.B, url string) {
	b.Helper()
	db := open(b, url)
	doctor, err := db.Doctor()
	if err == nil {
		err = doctor.Mend(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	pgtest.Exec(b, url, "VACUUM ANALYZE")
}

// handPG is what a program without a data layer would do: a pool of pgx with its
// defaults, which keep statements prepared.
type handPG struct{ pool *pgxpool.Pool }

const (
	// What can be asked of the tables as they are.
	pageByHand = `SELECT t.id::text, t."createdAt", t.name, t."userId"::text, t."userIdentifier", t.tags,
		max(s."createdAt") AS last, t.metadata FROM threads t LEFT JOIN steps s ON s."threadId"=t.id
		WHERE t."userId"=$1 GROUP BY t.id ORDER BY last DESC NULLS LAST, t.id DESC LIMIT 36`
	mendedPageByHand = `SELECT id::text, "createdAt", name, "userId"::text, "userIdentifier", tags, varve_last_activity, metadata
		FROM threads WHERE "userId"=$1 ORDER BY varve_last_activity DESC, id DESC LIMIT 36`
	stepsByHand = `SELECT id::text, "threadId"::text, "parentId"::text, name, type, command, modes::text, streaming, "waitForAnswer", "isError",
		tags, input, output, "createdAt", start, "end", generation::text, "showInput", "defaultOpen", "autoCollapse", language, metadata
		FROM steps WHERE "threadId"=$1 ORDER BY "createdAt"`
)

func connectHand(b *testing.B, url string) *handPG {
	b.Helper()
	pool, err := pgxpool.New(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	return &handPG{pool}
}

func (h *handPG) exec(b *testing.B, sql string) {
	b.Helper()
	if _, err := h.pool.Exec(b.Context(), sql); err != nil {
		b.Fatal(err)
	}
}

type threadRow struct {
	ID                                      string
	CreatedAt, Name, UserID, UserIdentifier *string
	Tags                                    []string
	LastActivity                            *string
	Metadata                                map[string]any
}

type stepRow struct {
	ID, ThreadID                         string
	ParentID, Name, Type, Command        *string
	Modes                                *string
	Streaming, WaitForAnswer, IsError    *bool
	Tags                                 []string
	Input, Output, CreatedAt, Start, End *string
	Generation, ShowInput                *string
	DefaultOpen, AutoCollapse            *bool
	Language                             *string
	Metadata                             map[string]any
}

// readAll reads an answer whole into structs, its metadata decoded.
func readAll[T any](ctx context.Context, h *handPG, sql string, least int, args ...any) error {
	answer, err := h.pool.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(answer, pgx.RowToStructByPos[T])
	if err == nil && len(found) < least {
		err = fmt.Errorf("found %d rows, want %d", len(found), least)
	}
	return err
}

func (h *handPG) insert(ctx context.Context, thread int) error {
	s := step(threadID(thread), thread)
	metadata, err := json.Marshal(s.Metadata)
	if err != nil {
		return err
	}
	_, err = h.pool.Exec(ctx, `INSERT INTO bare_steps (id, "threadId", name, type, output, "createdAt", start, "end", streaming, "isError", "waitForAnswer", metadata)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		uuid.NewString(), s.ThreadID, s.Name, s.Type, s.Output, s.CreatedAt, s.Start, s.End, s.Streaming, s.IsError, s.WaitForAnswer, metadata)
	return err
}
