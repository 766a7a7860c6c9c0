package mysql_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/internal/mytest"
)

// A page of threads reads about as many rows as it has, wherever it is among
// many, of one user or of all; so do a thread and the favourites of a user.
func TestACallReadsWhatItAnswers(t *testing.T) {
	url := mytest.New(t)
	db, beside := open(t, url), connect(t, url)
	db.Chat().Features() // makes the tables
	const threads, limit = 3000, 20
	exec(t, beside, fmt.Sprintf("SET sql_mode='ANSI_QUOTES';"+`
	  INSERT INTO users (id, identifier, metadata) VALUES ('ada', 'ada', '{}'), ('bob', 'bob', '{}');
	  INSERT INTO threads (id, "createdAt", "userId", "userIdentifier", metadata, varve_last_activity)
	    SELECT concat('t', seq), '2026', if(seq %% 3, 'ada', 'bob'), if(seq %% 3, 'ada', 'bob'), '{}', concat('2026-01-01T00:00:', lpad(seq %% 60, 2, '0'), '.000000Z') FROM seq_1_to_%[1]d;
	  INSERT INTO steps (id, name, type, "threadId", streaming, "createdAt", metadata, varve_starred)
	    SELECT concat(s.seq, '.', n.seq), '', 'run', concat('t', s.seq), 0, '2026', if(s.seq %% 500 = 1, '{"favorite": true}', '{}'), s.seq %% 500 = 1
	    FROM seq_1_to_%[1]d s, seq_1_to_3 n;
	  ANALYZE TABLE threads, steps`, threads))
	middle := &chat.Place{LastActivity: "2026-01-01T00:00:30.000000Z", ID: "t5"}
	for name, q := range map[string]chat.ThreadQuery{
		"the first page of a user": {ThreadFilter: chat.ThreadFilter{UserID: "ada"}},
		"a later page of a user":   {ThreadFilter: chat.ThreadFilter{UserID: "ada"}, After: middle},
		"the first page of all":    {},
		"a later page of all":      {After: middle},
	} {
		t.Run(name, func(t *testing.T) {
			q.Limit = limit
			before := reads(t, beside)
			got, err := db.Chat().Threads(t.Context(), q)
			if err != nil || len(got) != limit {
				t.Fatal(len(got), err)
			}
			// Of those with the same activity some are passed: 3000 in 60 seconds.
			if n := reads(t, beside) - before; n > 2*limit+threads/60+10 {
				t.Errorf("%d reads for %d threads", n, limit)
			}
		})
	}
	before := reads(t, beside)
	if _, err := db.Chat().Thread(t.Context(), "t7"); err != nil {
		t.Fatal(err)
	}
	if n := reads(t, beside) - before; n > 60 {
		t.Errorf("%d reads for a thread of three steps", n)
	}
	before = reads(t, beside)
	starred, err := db.Chat().Favorites(t.Context(), "bob")
	if err != nil || len(starred) != 6 {
		t.Fatalf("%d favourites, %v", len(starred), err)
	}
	if n := reads(t, beside) - before; n > 200 {
		t.Errorf("%d reads for %d favourites", n, len(starred))
	}
}

// reads is how many rows and index entries the server has read so far.
func reads(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	err := db.QueryRow(`SELECT sum(variable_value) FROM information_schema.global_status
	  WHERE variable_name IN ('HANDLER_READ_FIRST','HANDLER_READ_KEY','HANDLER_READ_LAST','HANDLER_READ_NEXT','HANDLER_READ_PREV','HANDLER_READ_RND')`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
