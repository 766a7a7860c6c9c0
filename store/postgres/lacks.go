package postgres

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// wish is a column of Varve's own tables, which others may lack.
type wish struct{ table, name, declared string }

// ours tells Varve's columns from Chainlit's.
func (w wish) ours() bool { return strings.HasPrefix(w.name, "varve_") }

var (
	tableHead  = regexp.MustCompile(`^CREATE TABLE :chat\."?(\w+)"? \($`)
	columnLine = regexp.MustCompile(`^  "?(\w+)"?\s+([^,]*?),?$`)
	demands    = regexp.MustCompile(`\s*(PRIMARY KEY|UNIQUE|REFERENCES .*)`)
)

// wanted reads the columns off the migration that makes them, so that there is
// one list. "indent" is a relic that nothing writes.
func (l *layout) wanted() []wish {
	var out []wish
	table := ""
	for line := range strings.Lines(l.migrations()[1].sql) {
		line = strings.TrimRight(line, "\n")
		if m := tableHead.FindStringSubmatch(line); m != nil {
			table = documented(m[1])
		} else if m := columnLine.FindStringSubmatch(line); m != nil && table != "" && m[1] != "indent" {
			out = append(out, wish{table, m[1], demands.ReplaceAllString(m[2], "")})
		} else if line == ");" {
			table = ""
		}
	}
	return out
}

// lies is a table as it lies in the database, not as it is read.
func (l *layout) lies(table string) sqlcore.Table {
	if l.official {
		return *l.stored.Table(table)
	}
	return *l.found.Table(table)
}

// addColumn adds without rewriting the table: with a constant default or none.
// What is NOT NULL without one cannot be added to rows that are there.
func (l *layout) addColumn(w wish) string {
	declared := w.declared
	if !strings.Contains(declared, "DEFAULT") {
		declared = strings.TrimSuffix(declared, " NOT NULL")
	}
	return fmt.Sprintf(`ALTER TABLE %s ADD COLUMN IF NOT EXISTS %s %s`, l.target(w.table), sqlcore.Quote(w.name), declared)
}

// costs says what a missing column of Chainlit's costs.
var costs = map[string]string{
	"steps.autoCollapse":    "every tool and run step that Chainlit's own layer writes is lost",
	"steps.defaultOpen":     "every tool and run step that Chainlit's own layer writes is lost",
	"steps.command":         "messages with a command are lost by Chainlit's own layer",
	"steps.modes":           "messages with modes are lost by Chainlit's own layer",
	"elements.props":        "custom elements cannot be stored, and Chainlit's own layer shows no element at all",
	"elements.autoPlay":     "audio elements are lost by Chainlit's own layer",
	"elements.playerConfig": "video elements with a player configuration are lost by Chainlit's own layer",
}

// missingColumns are those of Chainlit's that newer versions write.
func (l *layout) missingColumns() []remedy {
	var out []remedy
	for _, w := range l.wanted() {
		if w.ours() || l.official || l.found.Table(w.table).Has(w.name) {
			continue
		}
		cost := costs[w.table+"."+w.name]
		if cost == "" {
			cost = "the value has no column of its own"
		}
		out = append(out, l.ddl(fmt.Sprintf("column %s.%s is missing", w.table, w.name), cost, l.addColumn(w), l.remember(w.table+"."+w.name)))
	}
	return out
}

// remember notes what Remove may take away again.
func (l *layout) remember(what string) string {
	return fmt.Sprintf(`INSERT INTO %s (key, value) VALUES ('%s%s', '') ON CONFLICT DO NOTHING`, l.varve("varve_meta"), addedKey, what)
}

// addedKey begins the keys under which varve_meta lists what was added to
// Chainlit's own.
const addedKey = "added."

var indexHead = regexp.MustCompile(`^CREATE INDEX (\w+) ON :chat\."?(\w+)"? (?:USING \w+ )?\(([^)]*)\)( WHERE .*)?;$`)

// missingIndexes are those of the migration that no index there can stand in
// for.
func (l *layout) missingIndexes() []remedy {
	var out []remedy
	for _, sql := range split(l.migrations()[indexesVersion-1].sql) {
		m := indexHead.FindStringSubmatch(sql)
		if m == nil || l.indexes[m[1]] || (m[4] == "" && l.found.Table(documented(m[2])).Indexed(indexed(m[3])...)) {
			continue
		}
		build := strings.TrimSuffix(l.render(strings.Replace(sql, "CREATE INDEX", "CREATE INDEX CONCURRENTLY IF NOT EXISTS", 1), true), ";")
		out = append(out, remedy{
			Finding: store.Finding{What: fmt.Sprintf("index on %s (%s) is missing", m[2], strings.Join(indexed(m[3]), ", ")),
				Cost: "questions about one thread or user read whole tables", SQL: []string{build}},
			apply: func(ctx context.Context, s *Store) error { return s.build(ctx, l, m[1], build) },
		})
	}
	return out
}

// indexed are the bare names in a list of index columns.
func indexed(list string) []string {
	var names []string
	for _, item := range strings.Split(strings.ReplaceAll(list, ":threadid", `"id"`), ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(item), " ")
		names = append(names, strings.Trim(name, `"`))
	}
	return names
}

// build makes an index beside the traffic, and first takes away what a build
// that was broken off left under the name. Two who build at once wait for each
// other's index, and the server ends one of them, which comes back; the index
// of another who is at work is not taken away, and is waited for.
func (s *Store) build(ctx context.Context, l *layout, name, sql string) error {
	index := sqlcore.Quote(l.chat) + "." + sqlcore.Quote(name)
	return patiently(ctx, func() error {
		for {
			wreck, err := s.unbuilt(ctx, index)
			if err != nil {
				return err
			}
			busy, err := s.altering(ctx, l)
			switch {
			case err != nil:
				return err
			case wreck && busy:
				if err := pause(ctx, time.Second/2); err != nil {
					return err
				}
				continue
			case wreck:
				if err := s.direct().write(ctx, sqlcore.Query{SQL: `DROP INDEX CONCURRENTLY IF EXISTS ` + index}); err != nil {
					return err
				}
			}
			if err := s.direct().write(ctx, sqlcore.Query{SQL: sql}); err != nil {
				return err
			}
			// Another's that was there may have been broken off since.
			if wreck, err = s.unbuilt(ctx, index); err != nil || !wreck {
				return err
			}
		}
	})
}

// unbuilt tells whether an index is there that is not built to its end.
func (s *Store) unbuilt(ctx context.Context, index string) (is bool, err error) {
	const sql = `SELECT 1 FROM pg_index WHERE indexrelid=to_regclass($1) AND NOT indisvalid`
	err = s.direct().write(ctx, sqlcore.Query{SQL: sql, Args: []any{index}, Each: func(sqlcore.Row) error {
		is = true
		return nil
	}})
	return is, err
}

// missingSearch is the trigram index, where the server has the extension.
func (l *layout) missingSearch() []remedy {
	if l.trgm || !l.trgmAvailable {
		return nil
	}
	sql := trigrams(l, "CONCURRENTLY")
	return []remedy{{
		Finding: store.Finding{What: "search has no index", Cost: "a search reads all texts of the user", SQL: sql},
		apply: func(ctx context.Context, s *Store) error {
			if err := s.alter(ctx, sql[:1]); err != nil {
				if code(err) == "42501" { // not without the right to; search works without
					s.log.Warn("search stays without an index: this role may not create the extension pg_trgm")
					return nil
				}
				return err
			}
			return s.build(ctx, l, searchIndex, sql[1])
		}}}
}
