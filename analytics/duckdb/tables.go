//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/varvedb/varve/internal/duck"
	"github.com/varvedb/varve/state"
)

// table is a versioned table and its mirror: a log of all versions, and a base
// with the newest of every row up to a position. What is after that position,
// the delta, is small, so that the latest rows are found without looking at
// all versions.
type table struct {
	def  state.Table
	seq  int64 // of the last version that is mirrored
	base int64 // the position of the base
}

func key(name string) string { return strings.ToLower(name) }

func (t *table) log() string      { return "varve." + duck.Quote("log_"+key(t.def.Name)) }
func (t *table) newest() string   { return "varve." + duck.Quote("base_"+key(t.def.Name)) }
func (t *table) logTable() string { return "log_" + key(t.def.Name) }

var columnTypes = map[state.Type]string{state.Text: "VARCHAR", state.Integer: "BIGINT", state.Real: "DOUBLE",
	state.Boolean: "BOOLEAN", state.Time: "TIMESTAMP", state.JSON: "JSON"}

// system are the columns of every log before the table's own.
const system = `_seq BIGINT, _at TIMESTAMP, _entity BIGINT, _version BIGINT, _op VARCHAR, _actor VARCHAR, _source BIGINT`

// columns are the table's own that are mirrored: bytes are not.
func (t *table) columns() (names []string) {
	for _, c := range t.def.Columns {
		if c.Type != state.Bytes {
			names = append(names, duck.Quote(c.Name))
		}
	}
	return names
}

// create makes an empty mirror of a table, in place of one that is there.
func (t *table) create() string {
	var columns strings.Builder
	for _, c := range t.def.Columns {
		if c.Type != state.Bytes {
			fmt.Fprintf(&columns, ", %s %s", duck.Quote(c.Name), columnTypes[c.Type])
		}
	}
	return fmt.Sprintf("CREATE OR REPLACE TABLE %s (%s%s); CREATE OR REPLACE TABLE %s (%s%s);",
		t.log(), system, &columns, t.newest(), system, &columns)
}

// rebase makes the base anew, from all that is mirrored.
func (t *table) rebase() string {
	return fmt.Sprintf("CREATE OR REPLACE TABLE %[2]s AS SELECT * FROM %[1]s WHERE _seq IN (SELECT max(_seq) FROM %[1]s GROUP BY _entity);",
		t.log(), t.newest())
}

// remember notes what the mirror is of.
func (t *table) remember() (string, error) {
	definition, err := json.Marshal(t.def)
	if err != nil {
		return "", err
	}
	name := duck.Text(key(t.def.Name))
	return fmt.Sprintf("DELETE FROM varve.tables WHERE name=%s; INSERT INTO varve.tables VALUES (%s, %s, %d);",
		name, name, duck.Text(string(definition)), t.base), nil
}

// recallTables reads what the mirror is of and how far it has come.
func (e *engine) recallTables(ctx context.Context) error {
	err := e.writer.Each(ctx, `SELECT definition, base FROM varve.tables`, func(row []any) error {
		t := &table{base: row[1].(int64)}
		if err := json.Unmarshal([]byte(row[0].(string)), &t.def); err != nil {
			return err
		}
		e.tables[key(t.def.Name)] = t
		return nil
	})
	for _, t := range e.tables {
		if err == nil {
			t.seq, err = e.writer.Number(ctx, `SELECT max(_seq) FROM `+t.log())
		}
	}
	return err
}

// latest is the query for the rows as they are. The position of the base is
// written into it, so that the engine reads of the log only the blocks after
// it. (One rank over all versions would be simpler, and seven times slower
// under a condition or a limit.)
func (t *table) latest() string {
	shown := strings.Join(append(t.columns(), "_seq", "_version", "_at", "_actor"), ", ")
	delta := fmt.Sprintf("SELECT _entity, max(_seq) AS _last FROM %s WHERE _seq > %d GROUP BY _entity", t.log(), t.base)
	return fmt.Sprintf(`SELECT %[1]s FROM %[2]s WHERE _op <> 'delete' AND _entity NOT IN (SELECT _entity FROM (%[4]s))
UNION ALL SELECT %[1]s FROM %[3]s WHERE _seq > %[5]d AND _op <> 'delete' AND _seq IN (SELECT _last FROM (%[4]s))`,
		shown, t.newest(), t.log(), delta, t.base)
}

// history is the query for all versions.
func (t *table) history() string {
	return "SELECT " + strings.Join(append(t.columns(), "_seq", "_version", "_at", "_op", "_actor", "_source"), ", ") + " FROM " + t.log()
}

// asOf is the query for the rows as they were at a point, a position or a time.
// Times grow with positions, so a time is one.
func (t *table) asOf() string {
	shown := strings.Join(append(t.columns(), "_seq", "_version", "_at", "_actor"), ", ")
	at := fmt.Sprintf(`SELECT coalesce(TRY_CAST(CAST(point AS VARCHAR) AS BIGINT),
 CASE WHEN TRY_CAST(CAST(point AS VARCHAR) AS TIMESTAMP) IS NULL THEN error('as of what? give a position, or a time like 2026-11-21 12:00') END,
 (SELECT coalesce(max(_seq), 0) FROM %s WHERE _at <= TRY_CAST(CAST(point AS VARCHAR) AS TIMESTAMP))) AS p`, t.log())
	if t.def.Horizon > 0 {
		at = fmt.Sprintf(`SELECT CASE WHEN p < %d THEN error('versions from then were compacted away; %d is the first position that can be told') ELSE p END FROM (%s)`,
			t.def.Horizon, t.def.Horizon, at)
	}
	return fmt.Sprintf(`SELECT %[1]s FROM %[2]s WHERE _op <> 'delete' AND _seq IN
(SELECT max(_seq) FROM %[2]s WHERE _seq <= (%[3]s) GROUP BY _entity)`, shown, t.log(), at)
}

// publish makes the names by which a table is asked for. Names of tables go
// before those that are made from another's.
func (e *engine) publish(t *table) string {
	name := duck.Quote(t.def.Name)
	sql := "CREATE OR REPLACE VIEW state." + name + " AS " + t.latest() + ";" +
		"CREATE OR REPLACE VIEW history." + name + " AS " + t.history() + ";" +
		"CREATE OR REPLACE VIEW main." + name + " AS " + t.latest() + ";" +
		"CREATE OR REPLACE MACRO main." + duck.Quote(t.def.Name+"_as_of") + "(point) AS TABLE " + t.asOf() + ";"
	if e.tables[key(t.def.Name)+"_history"] == nil {
		sql += "CREATE OR REPLACE VIEW main." + duck.Quote(t.def.Name+"_history") + " AS " + t.history() + ";"
	}
	return sql
}

// sameMirror tells whether what is mirrored under one definition is right under
// another.
func sameMirror(a, b *state.Table) bool {
	return a.Generation == b.Generation && a.Horizon == b.Horizon && a.Edition == b.Edition && a.Name == b.Name
}

// tail is how many versions after the base are few enough to be looked at by
// every question.
func tail(versions int64) int64 { return 32768 + versions/16 }

func (t *table) String() string { return t.def.Name + " at " + strconv.FormatInt(t.seq, 10) }
