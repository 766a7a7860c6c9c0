package mysql

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"time"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// own checks that a call is not one inside an Update, and makes Varve's own
// tables.
func (s *Store) own(ctx context.Context) error {
	if err := store.Outer(ctx); err != nil {
		return err
	}
	return s.found(ctx)
}

// batch is how many notes get their positions in one transaction.
const batch = 1000

// place gives positions to all notes that are committed and have none, in the
// order in which they were written. Those who do so take turns; writers wait
// for nobody. A note that is not committed yet gets a later position than all
// that are, whatever its own number: so nothing ever appears below a position
// that was given.
func (s *Store) place(ctx context.Context) error {
	for {
		n := 0
		for try := 1; ; try++ {
			var err error
			n, err = s.placeSome(ctx)
			if err == nil {
				break
			}
			if try == tries || !lost(err) {
				return s.notice(err)
			}
		}
		if n < batch {
			return nil
		}
	}
}

func (s *Store) placeSome(ctx context.Context) (n int, err error) {
	err = s.lend(ctx, func(c *sql.Conn) error {
		var last int64
		var seqs []any
		// The lock first: only then is it said what is committed.
		err := send(ctx, c, s.limit, append(begin[:len(begin):len(begin)],
			sqlcore.Query{SQL: `SELECT "value" FROM varve_meta WHERE "key"='position' FOR UPDATE`, Each: func(r sqlcore.Row) error {
				last = r.(row).number(0)
				return nil
			}},
			sqlcore.Query{SQL: `SELECT seq FROM varve_change WHERE position IS NULL ORDER BY seq LIMIT ?`, Args: []any{batch}, Each: func(r sqlcore.Row) error {
				seqs = append(seqs, r.(row).number(0))
				return nil
			}})...)
		if err != nil {
			return err
		}
		if n = len(seqs); n == 0 {
			return send(ctx, c, s.limit, sqlcore.Query{SQL: "COMMIT"})
		}
		shift := last + 1 - seqs[0].(int64) // positions may have gaps where numbers have
		return send(ctx, c, s.limit,
			// By the primary key and nothing else: a scan would wait for notes of others.
			sqlcore.Query{SQL: `UPDATE varve_change FORCE INDEX (PRIMARY) SET position=seq+? WHERE seq IN (` + marks(n) + `)`, Args: append([]any{shift}, seqs...)},
			sqlcore.Query{SQL: `UPDATE varve_meta SET "value"=? WHERE "key"='position'`, Args: []any{seqs[n-1].(int64) + shift}},
			sqlcore.Query{SQL: "COMMIT"})
	})
	return n, err
}

// Changes implements change.Log.
func (s *Store) Changes(ctx context.Context, after int64, limit int) (events []change.Event, err error) {
	if err := s.own(ctx); err != nil {
		return nil, err
	}
	err = s.placed(ctx, sqlcore.Query{
		SQL:  `SELECT position,tbl,"key",coalesce(last,''),op,at FROM varve_change WHERE position>? ORDER BY position LIMIT ?`,
		Args: []any{after, limit},
		Each: func(r sqlcore.Row) error {
			got := r.(row)
			at, err := time.Parse(moments, got.text(5))
			if err != nil {
				return errs.New(errs.Internal, "a note of the change log has no time")
			}
			events = append(events, change.Event{Position: got.number(0), Table: got.text(1), Key: got.text(2),
				Last: got.text(3), Op: change.Op(got.text(4)), At: at})
			return nil
		}})
	return events, err
}

// placed asks a question of the log once no committed note is without a
// position; where there was none, that is one round trip.
func (s *Store) placed(ctx context.Context, q sqlcore.Query) error {
	due := false
	err := send(ctx, s.db, s.limit, sqlcore.Query{SQL: `SELECT 1 FROM varve_change WHERE position IS NULL LIMIT 1`, Each: func(sqlcore.Row) error {
		due = true
		return nil
	}})
	if err == nil && due {
		err = s.place(ctx)
	}
	if err != nil {
		return s.notice(err)
	}
	return s.notice(send(ctx, s.db, s.limit, q))
}

// Head implements change.Log.
func (s *Store) Head(ctx context.Context) (head int64, err error) {
	if err := s.own(ctx); err != nil {
		return 0, err
	}
	err = s.placed(ctx, sqlcore.Query{SQL: `SELECT coalesce(max(position),0) FROM varve_change`, Each: func(r sqlcore.Row) error {
		head = r.(row).number(0)
		return nil
	}})
	return head, err
}

// Secret implements store.Store: that of whichever process was first to make
// it.
func (s *Store) Secret(ctx context.Context, name string) ([]byte, error) {
	if err := s.own(ctx); err != nil {
		return nil, err
	}
	fresh := make([]byte, 32)
	rand.Read(fresh)
	text, key := "", "secret."+name
	err := send(ctx, s.db, s.limit,
		sqlcore.Query{SQL: `INSERT IGNORE INTO varve_meta ("key","value") VALUES (?,?)`, Args: []any{key, hex.EncodeToString(fresh)}},
		sqlcore.Query{SQL: `SELECT "value" FROM varve_meta WHERE "key"=?`, Args: []any{key}, Each: func(r sqlcore.Row) error {
			text, _ = r.Text(0)
			return nil
		}})
	if err != nil {
		return nil, s.notice(err)
	}
	secret, err := hex.DecodeString(text)
	if err != nil || len(secret) == 0 {
		return nil, errs.New(errs.Internal, "the secret %q in varve_meta is damaged", name)
	}
	return secret, nil
}
