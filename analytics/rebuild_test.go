//go:build cgo && !no_duckdb

package analytics_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/state"
)

func question(sql string) analytics.Question { return analytics.Question{SQL: sql} }

const summary = `SELECT count(*), count(DISTINCT _seq), sum(n), sum(hash(id || owner || CAST(labels AS VARCHAR)) % 1000003), (SELECT sum(n) FROM todos), (SELECT count(*) FROM users) FROM todos_history`

// A mirror that is gone, damaged, or of another program, version or database is
// made anew, and every answer is the database's.
func TestAMirrorThatCannotBeTrustedIsMadeAnew(t *testing.T) {
	everywhere(t, func(p *place) {
		p.many(p.declare(todos), 2000)
		want := p.ask(summary)
		p.must(p.mirror.Close())
		whole, err := os.ReadFile(p.file)
		p.must(err)
		for name, spoil := range map[string]func() error{
			"deleted":            func() error { return os.Remove(p.file) },
			"empty":              func() error { return os.Truncate(p.file, 0) },
			"cut":                func() error { return os.Truncate(p.file, int64(len(whole)/2)) },
			"rubbish":            func() error { return os.WriteFile(p.file, bytes.Repeat([]byte("rubbish "), 4096), 0o600) },
			"of another version": func() error { return inside(p.ctx, p.file, `UPDATE varve.identity SET text='0 of this by another'`) },
			"of nobody":          func() error { return inside(p.ctx, p.file, `DELETE FROM varve.identity`) },
			"without a table":    func() error { return inside(p.ctx, p.file, `DROP TABLE varve.log_todos`) },
			"with a torn log":    func() error { return os.WriteFile(p.file+".wal", bytes.Repeat([]byte{7}, 999), 0o600) },
		} {
			p.must(spoil())
			p.open("this")
			if diff := cmp.Diff(want, p.ask(summary)); diff != "" {
				p.Errorf("%s: %s", name, diff)
			}
			p.must(p.mirror.Close())
			p.must(os.WriteFile(p.file, whole, 0o600))
			p.must(errors.Join(ignore(os.Remove(p.file + ".wal"))))
		}
		p.open("another")
		if diff := cmp.Diff(want, p.ask(summary)); diff != "" {
			p.Errorf("of another database: %s", diff)
		}
	})
}

func ignore(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// inside does something to a mirror's file.
func inside(ctx context.Context, file, sql string) error {
	db, err := duck.Open(file, 1<<28, nil)
	if err != nil {
		return err
	}
	c, err := db.Connect()
	if err == nil {
		err = c.Exec(ctx, sql)
		c.Close()
	}
	return errors.Join(err, db.Close())
}

// A question that is given up while the mirror is built ends at once, and the
// next one goes on with what there is.
func TestABuildThatIsGivenUpGoesOn(t *testing.T) {
	everywhere(t, func(p *place) {
		p.many(p.declare(todos), 6000)
		rounds := 20
		if testing.Short() {
			rounds = 6
		}
		for i := range rounds {
			ctx, cancel := context.WithCancel(p.ctx)
			var waits sync.WaitGroup
			waits.Go(func() {
				<-time.After(time.Duration(i) * time.Millisecond)
				cancel()
			})
			if _, err := p.query(ctx, question(summary)); err != nil && errs.KindOf(err) != errs.Unavailable {
				p.Errorf("given up: %v", err)
			}
			waits.Wait()
		}
		got := p.ask(summary)
		if got[0][0] != int64(6000) || got[0][1] != int64(6000) || got[0][2] != int64(6000*5999/2) {
			p.Errorf("%v", got)
		}
		gone, cancel := context.WithCancel(p.ctx)
		cancel()
		if _, err := p.query(gone, question(summary)); errs.KindOf(err) != errs.Unavailable {
			p.Errorf("after the caller went away: %v", err)
		}
	})
}

// Limits hold whatever is asked, and afterwards questions are answered as before.
func TestLimitsOfTheMirror(t *testing.T) {
	everywhere(t, func(p *place) {
		p.opt.Memory = 256 << 20
		p.open("this")
		p.put(p.declare(todos), state.Row{"id": "a"})
		for name, q := range map[string]analytics.Question{
			"time":   {SQL: `SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b`, Limits: analytics.Limits{Time: 50 * time.Millisecond}},
			"rows":   {SQL: `SELECT * FROM range(1001)`, Limits: analytics.Limits{Rows: 1000}},
			"memory": {SQL: `SELECT list(range) FROM range(1000000000)`, Limits: analytics.Limits{Time: time.Minute}},
		} {
			start := time.Now()
			if _, err := p.query(p.ctx, q); errs.KindOf(err) != errs.TooLarge {
				p.Errorf("%s: %v", name, err)
			}
			if name == "time" && time.Since(start) > 10*time.Second {
				p.Errorf("it took %s", time.Since(start))
			}
		}
		p.answers(`SELECT id FROM todos`, []any{"a"})
	})
}
