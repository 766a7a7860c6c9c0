package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

var _ chat.Preparer = rooms{}

// Prepare implements chat.Preparer. Two thirds of what an insert of a step
// costs the server is the search index, and of the rest the foreign key is half,
// which is asked row by row. While there are no steps nobody misses them, so on
// a database of Varve's own they are made once, at the end. Nothing relies on
// the key: databases that Chainlit's users made have none.
//
// The primary key stays, since it says whose an id is, and so does the index by
// thread, by which what a repetition replaces is found.
func (r rooms) Prepare(ctx context.Context) error {
	l, err := r.at.ready(ctx)
	o, outside := r.at.(outer)
	if err != nil || !outside || l.origin != own {
		return err
	}
	some := false
	err = o.Run(ctx, sqlcore.Query{SQL: fmt.Sprintf(`SELECT 1 FROM %s LIMIT 1`, l.target("steps")), Each: func(sqlcore.Row) error {
		some = true
		return nil
	}})
	if err != nil || some {
		return err
	}
	drop := []string{fmt.Sprintf(`DROP INDEX IF EXISTS %[1]s.%[2]s, %[1]s.%[3]s`, sqlcore.Quote(l.chat), searchIndex, parentIndex)}
	if !l.official {
		drop = append(drop, fmt.Sprintf(`ALTER TABLE %s DROP CONSTRAINT IF EXISTS %s`, l.target("steps"), stepsKey))
	}
	if err := o.s.alter(ctx, drop); code(err) != "55P03" {
		return err
	}
	return nil // another copy is at work already: this one goes on beside it
}

const (
	parentIndex = "varve_steps_parent"
	stepsKey    = `"steps_threadId_fkey"`
)

// Settle implements chat.Preparer. Writers need not wait for what it makes. The
// planner is told of the rows, or the next questions would read whole tables.
func (r rooms) Settle(ctx context.Context) error {
	l, err := r.at.ready(ctx)
	o, outside := r.at.(outer)
	if err != nil || !outside {
		return err
	}
	if l.origin == own {
		if err := o.s.mendAll(ctx, (*layout).unsettled); err != nil {
			return err
		}
	}
	var tables []string
	for _, name := range sqlcore.Tables() {
		tables = append(tables, l.target(name))
	}
	// Another's index may wait for this, and this for that.
	return patiently(ctx, func() error {
		return o.s.direct().write(ctx, sqlcore.Query{SQL: `ANALYZE ` + strings.Join(tables, ",")})
	})
}

// unsettled is what Prepare took away and Settle has not made again.
func (l *layout) unsettled() []remedy {
	return append(append(l.missingIndexes(), l.missingKey()...), l.missingSearch()...)
}

// missingKey is the foreign key of steps. It holds for new rows at once; those
// that are there are looked at beside the traffic.
func (l *layout) missingKey() []remedy {
	if l.bound || l.official {
		return nil
	}
	steps := l.target("steps")
	sql := []string{
		fmt.Sprintf(`ALTER TABLE %s DROP CONSTRAINT IF EXISTS %s`, steps, stepsKey),
		fmt.Sprintf(`ALTER TABLE %s ADD CONSTRAINT %s FOREIGN KEY ("threadId") REFERENCES %s ("id") ON DELETE CASCADE NOT VALID`, steps, stepsKey, l.target("threads")),
	}
	validate := fmt.Sprintf(`ALTER TABLE %s VALIDATE CONSTRAINT %s`, steps, stepsKey)
	return []remedy{{
		Finding: store.Finding{What: "the foreign key of steps is missing", Cost: "other programs can write steps of threads that are not there", SQL: append(sql, validate)},
		apply: func(ctx context.Context, s *Store) error {
			if err := s.alter(ctx, sql); err != nil {
				return err
			}
			err := patiently(ctx, func() error { return s.direct().write(ctx, sqlcore.Query{SQL: validate}) })
			if code(err) == "23503" {
				s.log.Warn("there are steps of threads that are not there; the foreign key of steps holds for new ones only")
				return nil
			}
			return err
		}}}
}
