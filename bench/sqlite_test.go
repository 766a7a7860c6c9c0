package bench

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/page"
)

// BenchmarkSQLiteRead lists, opens and searches, beside statements written by
// hand over the same driver that decode what they read, and beside Chainlit's
// SQLAlchemy layer on the same file.
func BenchmarkSQLiteRead(b *testing.B) {
	db, path := openFile(b)
	user := putUser(b, db)
	threads := size(1000, 50)
	sqlitePath := fmt.Sprintf("library, SQLite file of Varve's, %d threads × 30 steps of 1 KB", threads)
	fill(b, db, user, 0, threads, 30)
	hand := openHand(b, path)
	peer := startPeer(b, "sqlite+aiosqlite:///"+path)

	list := results.part("SQLite: list 35 threads of one user", sqlitePath)
	t := alternate(b, size(400, 5),
		way{"list", listOf(b, db, user, "")},
		way{"page query", func(int) error { return hand.list(user, 35) }})
	list.slower(t[0].median(), "page query by hand", t[1].median(), 0)
	list.faster(t[0].median(), "Chainlit's SQLAlchemy layer", peer.median(b, "list", user, size(5, 1)), 0)

	opened := results.part("SQLite: open a thread of 30 steps", sqlitePath)
	t = alternate(b, size(400, 5),
		way{"open", func(i int) error { return openThread(b, db, threadID(i%threads), 30) }},
		way{"select", func(i int) error { return hand.steps(threadID(i%threads), 30) }})
	opened.slower(t[0].median(), "one indexed select by hand", t[1].median(), 0)
	opened.faster(t[0].median(), "Chainlit's SQLAlchemy layer", peer.median(b, "open", threadID(1), size(30, 1)), 0)

	found := results.part("SQLite: search a word that nobody said", sqlitePath)
	// The index takes in what was written when somebody searches, and the first
	// searches after much was written scan meanwhile.
	for start := time.Now(); time.Since(start) < time.Duration(size(20, 1))*time.Second; {
		if err := listOf(b, db, user, "xylophone")(0); err != nil {
			b.Fatal(err)
		}
	}
	t = alternate(b, size(20, 2),
		way{"search", listOf(b, db, user, "xylophone")},
		way{"LIKE", func(int) error { return hand.like(user, "%xylophone%") }})
	found.slower(t[0].median(), "LIKE over the steps by hand", t[1].median(), 0)
	found.faster(t[0].median(), "Chainlit's SQLAlchemy layer", peer.median(b, "search", user, size(3, 1)), 0)
}

// listOf lists the first page of a user's threads; with a search that finds
// nothing, none.
func listOf(b *testing.B, db *varve.DB, user, search string) func(int) error {
	want := 35
	if search != "" {
		want = 0
	}
	return func(int) error {
		p, err := db.Chat().Threads(b.Context(), chat.ThreadFilter{UserID: user, Search: search}, page.Request{First: 35})
		if err == nil && len(p.Data) != want {
			err = fmt.Errorf("found %d threads, want %d", len(p.Data), want)
		}
		return err
	}
}

func openThread(b *testing.B, db *varve.DB, id string, steps int) error {
	t, err := db.Chat().Thread(b.Context(), id)
	if err == nil && len(t.Steps) != steps {
		err = fmt.Errorf("found %d steps, want %d", len(t.Steps), steps)
	}
	return err
}

// hand does by hand what a program without a data layer would do.
type hand struct {
	db               *sqlite3.Conn
	page, open, find *sqlite3.Stmt
}

func openHand(b *testing.B, path string) *hand {
	b.Helper()
	db, err := sqlite3.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	prepare := func(sql string) *sqlite3.Stmt {
		s, _, err := db.Prepare(sql)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { s.Close() })
		return s
	}
	return &hand{db,
		prepare(`SELECT id, "createdAt", name, "userId", "userIdentifier", tags, varve_last_activity, metadata FROM threads
			WHERE "userId"=? ORDER BY varve_last_activity DESC, id DESC LIMIT 36`),
		prepare(`SELECT id, "threadId", "parentId", name, type, command, modes, streaming, "waitForAnswer", "isError", tags, input, output,
			"createdAt", start, "end", generation, "showInput", "defaultOpen", "autoCollapse", language, icon, metadata
			FROM steps WHERE "threadId"=? ORDER BY "createdAt"`),
		prepare(`SELECT t.id, t.metadata FROM threads t WHERE t."userId"=?1 AND (t.name LIKE ?2 OR EXISTS
			(SELECT 1 FROM steps s WHERE s."threadId"=t.id AND s.output LIKE ?2)) ORDER BY varve_last_activity DESC, id DESC LIMIT 36`),
	}
}

func (h *hand) list(user string, least int) error { return rows(h.page, least, user) }

func (h *hand) steps(thread string, least int) error { return rows(h.open, least, thread) }

func (h *hand) like(user, pattern string) error { return rows(h.find, 0, user, pattern) }

// rows reads an answer whole: texts as text, and the last column, which is
// metadata, as JSON.
func rows(s *sqlite3.Stmt, least int, args ...string) error {
	defer s.Reset()
	for i, arg := range args {
		if err := s.BindText(i+1, arg); err != nil {
			return err
		}
	}
	n, last := 0, s.ColumnCount()-1
	for ; s.Step(); n++ {
		texts := make([]string, last)
		for i := range texts {
			texts[i] = s.ColumnText(i)
		}
		var metadata map[string]any
		if err := json.Unmarshal([]byte(s.ColumnText(last)), &metadata); err != nil {
			return err
		}
	}
	if n < least {
		return fmt.Errorf("found %d rows, want %d", n, least)
	}
	return s.Err()
}
