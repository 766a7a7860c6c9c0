package mysql

import (
	"context"
	"fmt"
	"regexp"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

var (
	tableLine = regexp.MustCompile(`^CREATE TABLE IF NOT EXISTS (\w+)`)
	indexLine = regexp.MustCompile(`(?m)^  ((?:UNIQUE )?KEY) (\w+) (\(.*\)),?$`)
)

// Examine implements store.Doctor. What the migrations make and somebody took
// away since is found: indexes. A table of somebody else's that has a name of
// Varve's is errs.Invalid.
func (s *Store) Examine(ctx context.Context) (store.Diagnosis, error) {
	d := store.Diagnosis{Schema: "varve"}
	if err := store.Outer(ctx); err != nil {
		return d, err
	}
	f, err := find(ctx, s.db, s.limit)
	if err == nil {
		err = f.clash()
	}
	if err == nil {
		err = f.chatClash()
	}
	if err != nil {
		return d, err
	}
	there, err := s.indexes(ctx)
	for i, m := range migrations() {
		if !f.ran[i+1] {
			continue
		}
		for _, statement := range split(m.sql) {
			table := tableLine.FindStringSubmatch(statement)
			if table == nil {
				continue
			}
			for _, index := range indexLine.FindAllStringSubmatch(statement, -1) {
				if !there[index[2]] {
					d.Findings = append(d.Findings, store.Finding{What: fmt.Sprintf("index %s on %s is missing", index[2], table[1]),
						Cost: "what it was for reads the whole table, and what it kept apart may stand twice",
						SQL:  []string{fmt.Sprintf("ALTER TABLE %s ADD %s %s %s", table[1], index[1], index[2], index[3])}})
				}
			}
		}
	}
	return d, err
}

func (s *Store) indexes(ctx context.Context) (map[string]bool, error) {
	there := map[string]bool{}
	err := send(ctx, s.db, s.limit, sqlcore.Query{SQL: `SELECT DISTINCT index_name FROM information_schema.statistics WHERE table_schema=database()`,
		Each: func(r sqlcore.Row) error {
			there[r.(row).text(0)] = true
			return nil
		}})
	return there, err
}

// Mend implements store.Doctor.
func (s *Store) Mend(ctx context.Context) error {
	d, err := s.Examine(ctx)
	for _, f := range d.Findings {
		for _, sql := range f.SQL {
			if err == nil {
				err = send(ctx, s.db, s.limit, sqlcore.Query{SQL: sql})
			}
		}
	}
	return err
}

// Remove implements store.Doctor.
func (s *Store) Remove(context.Context) error {
	return errs.New(errs.Unsupported, "this database is Varve's own; there is nothing of another's to go back to")
}
