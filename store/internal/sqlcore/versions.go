package sqlcore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/varvedb/varve/state"
)

// VersionDialect is where the engines differ in versioned tables.
type VersionDialect struct {
	// Param is the n-th parameter, from 1; the same n may stand twice.
	Param func(n int) string
	// Table is the name of a table of Varve's as it stands in SQL.
	Table func(name string) string
	// Place is the name of a column that holds values, as it stands in SQL.
	Place func(name string) string
	// Types are what columns of values are declared as.
	Types map[state.Type]string
	// Number, Text and Flag declare Varve's own columns.
	Number, Text, Flag string
	// Heads follows the declaration of a table whose rows are updated.
	Heads string
	// Widen converts an integer to the type that its column has now.
	Widen func(expr string, to state.Type) string
	// Compare makes an expression of a type that has an order.
	Compare func(expr string, t state.Type) string
	// Has tells whether a list in JSON contains a text.
	Has func(expr, param string) string
	// False is a flag that is not set, as it stands in SQL.
	False string
	// Key is what stands for a key that an index cannot hold; nil: it holds all.
	Key func(key string) string
	// Counted: the catalogue has the position of the newest version.
	Counted bool
}

// TableName is the name of a table in the catalogue.
func TableName(table string) string { return strings.ToLower(table) }

// LogTable is the table of a table's versions.
func LogTable(table string) string { return "varve_log_" + TableName(table) }

func entityTable(table string) string { return "varve_entity_" + TableName(table) }

func ownerIndex(table string) string { return "varve_owner_" + TableName(table) }

// Constraints are named, since what engines call them themselves is too long
// for some.
func keyConstraint(table string) string { return "varve_key_" + TableName(table) }

func versionConstraint(table string) string { return "varve_version_" + TableName(table) }

// Names are those of all that Create makes.
func (v *Versions) Names() []string {
	names := []string{entityTable(v.Name), LogTable(v.Name), keyConstraint(v.Name), versionConstraint(v.Name)}
	if v.Table.Owner != "" {
		names = append(names, ownerIndex(v.Name))
	}
	return names
}

// SameTable tells whether two declarations say the same.
func SameTable(a, b *state.Table) bool {
	same := func(a, b state.Column) bool {
		return a.Name == b.Name && a.Type == b.Type && slices.Equal(a.Was, b.Was)
	}
	return a.Name == b.Name && a.Owner == b.Owner && slices.Equal(a.Key, b.Key) && slices.EqualFunc(a.Columns, b.Columns, same)
}

// Versions holds the statements for one table as a caller knows it. The head
// of every row stands in one table, its versions in another that only grows:
//
//	entity: _eid, _key, _seq, _version, _deleted, _owner
//	log:    _seq, _at, _eid, _version, _op, _actor, _source, and the places
//
// _eid is the position of a row's first version, so that nothing has to count
// rows; _at is in microseconds since 1970.
type Versions struct {
	Table  state.Table
	Name   string // of the table in the catalogue
	d      *VersionDialect
	entity string
	log    string
	fields string // of a version, from log as l

	Newest, AsOf, Source, History, Log  string
	Head, Last, Position                string
	InsertVersion, InsertHead, MoveHead string
	OwnHead, NewestOf                   string
	ClearLog, ClearEntity               string
	Truncate, Drop                      string
	CompactFrom, CompactBound, Compact  string
}

// Fields of a version that come before its values, and those of them that are
// text.
const (
	SystemFields = 7
	OpField      = 4
	ActorField   = 5
)

// NewVersions prepares the statements.
func NewVersions(t *state.Table, d *VersionDialect) *Versions {
	v := &Versions{Table: *t, Name: TableName(t.Name), d: d, entity: d.Table(entityTable(t.Name)), log: d.Table(LogTable(t.Name))}
	fields := []string{"l._seq", "l._at", "l._eid", "l._version", "l._op", "l._actor", "l._source"}
	for i := range t.Columns {
		fields = append(fields, v.value(i, "l"))
	}
	v.fields = strings.Join(fields, ",")
	v.reads()
	v.writes()
	return v
}

// Reads tells whether the statements are right for a table, too.
func (v *Versions) Reads(t *state.Table) bool {
	if len(v.Table.Columns) != len(t.Columns) || v.Table.Name != t.Name || v.Table.Owner != t.Owner {
		return false
	}
	for i := range t.Columns {
		a, b := &v.Table.Columns[i], &t.Columns[i]
		if a.Name != b.Name || a.Type != b.Type || !slices.Equal(v.Table.Places[i], t.Places[i]) {
			return false
		}
	}
	return true
}

// BatchFields are the fields of a version that state.Batch has: those of bytes
// are not read.
func (v *Versions) BatchFields() string {
	fields := []string{"l._seq", "l._at", "l._eid", "l._version", "l._op", "l._actor", "l._source"}
	for i := range v.Table.Columns {
		if v.Table.Columns[i].Type != state.Bytes {
			fields = append(fields, v.value(i, "l"))
		}
	}
	return strings.Join(fields, ",")
}

// LogName is the table of versions as it stands in SQL.
func (v *Versions) LogName() string { return v.log }

// value is the expression of column i in a version: a widened column is that
// of its places that is filled.
func (v *Versions) value(i int, alias string) string {
	var parts []string
	for n, p := range v.Table.Places[i] {
		expr := alias + "." + v.d.Place(p.Name)
		if n > 0 {
			expr = v.d.Widen(expr, v.Table.Columns[i].Type)
		}
		parts = append(parts, expr)
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "COALESCE(" + strings.Join(parts, ",") + ")"
}

func (v *Versions) reads() {
	p := v.d.Param
	v.Newest = fmt.Sprintf(`SELECT %s FROM %s e CROSS JOIN %s l WHERE l._seq=e._seq AND e._key=%s`, v.fields, v.entity, v.log, p(1))
	v.NewestOf = fmt.Sprintf(`SELECT %s FROM %s e CROSS JOIN %s l WHERE l._seq=e._seq AND e._key=ANY(%s)`, v.fields, v.entity, v.log, p(1))
	v.Source = fmt.Sprintf(`SELECT %s FROM %s l WHERE l._eid=%s AND l._version=%s`, v.fields, v.log, p(1), p(2))
	v.History = fmt.Sprintf(`SELECT %s FROM %s e CROSS JOIN %s l WHERE e._key=%s AND l._eid=e._eid AND l._version<%s ORDER BY l._version DESC LIMIT %s`,
		v.fields, v.entity, v.log, p(1), p(2), p(3))
	v.Log = fmt.Sprintf(`SELECT %s FROM %s l WHERE l._seq>%s ORDER BY l._seq LIMIT %s`, v.fields, v.log, p(1), p(2))
	v.Last = fmt.Sprintf(`SELECT _seq,_at FROM %s ORDER BY _seq DESC LIMIT 1`, v.log)
	last := "t.seq"
	if !v.d.Counted {
		last = `coalesce((SELECT max(_seq) FROM ` + v.log + `),t.seq)`
	}
	v.Head = fmt.Sprintf(`SELECT %s,t.generation FROM %s t WHERE t.name=%s`, last, v.d.Table("varve_table"), p(1))
	// Both of what follows are binary searches: versions of a row and versions
	// of a table grow in number, position and time alike. What compaction took
	// away was older than all that is left of its row.
	v.AsOf = fmt.Sprintf(`WITH RECURSIVE b(eid,lo,hi) AS (
SELECT e._eid,CAST(0 AS BIGINT),e._version FROM %[2]s e WHERE e._key=%[4]s
UNION ALL
SELECT b.eid,CASE WHEN l._seq>%[5]s THEN b.lo ELSE (b.lo+b.hi+1)/2 END,CASE WHEN l._seq>%[5]s THEN (b.lo+b.hi+1)/2-1 ELSE b.hi END
FROM b LEFT JOIN %[3]s l ON l._eid=b.eid AND l._version=(b.lo+b.hi+1)/2 WHERE b.lo<b.hi)
SELECT %[1]s FROM b CROSS JOIN %[3]s l WHERE b.lo=b.hi AND l._eid=b.eid AND l._version=b.lo AND l._seq<=%[5]s`,
		v.fields, v.entity, v.log, p(1), p(2))
	v.Position = fmt.Sprintf(`WITH RECURSIVE b(lo,hi) AS (
SELECT CAST(0 AS BIGINT),coalesce((SELECT max(_seq) FROM %[1]s),0)
UNION ALL
SELECT CASE WHEN l._at>%[2]s THEN b.lo ELSE l._seq END,CASE WHEN l._at>%[2]s THEN (b.lo+b.hi+1)/2-1 ELSE b.hi END
FROM b JOIN %[1]s l ON l._seq=(SELECT min(x._seq) FROM %[1]s x WHERE x._seq>=(b.lo+b.hi+1)/2) WHERE b.lo<b.hi)
SELECT max(lo) FROM b`, v.log, p(1))
}

func (v *Versions) writes() {
	names := []string{"_seq", "_at", "_eid", "_version", "_op", "_actor", "_source"}
	for i := range v.Table.Columns {
		names = append(names, v.d.Place(v.Table.Places[i][0].Name))
	}
	params := make([]string, len(names))
	for i := range params {
		params[i] = v.d.Param(i + 1)
	}
	p := v.d.Param
	v.InsertVersion = fmt.Sprintf(`INSERT INTO %s (%s) VALUES (%s)`, v.log, strings.Join(names, ","), strings.Join(params, ","))
	v.InsertHead = fmt.Sprintf(`INSERT INTO %s (_eid,_seq,_version,_deleted,_key,_owner) VALUES (%s,%s,%s,%s,%s,%s)`, v.entity, p(1), p(2), p(3), p(4), p(5), p(6))
	// The owner is named where it changes only, since an index is on it.
	v.MoveHead = fmt.Sprintf(`UPDATE %s SET _seq=%s,_version=%s,_deleted=%s WHERE _eid=%s`, v.entity, p(2), p(3), p(4), p(1))
	v.OwnHead = fmt.Sprintf(`UPDATE %s SET _seq=%s,_version=%s,_deleted=%s,_owner=%s WHERE _eid=%s`, v.entity, p(2), p(3), p(4), p(5), p(1))
	v.CompactBound = fmt.Sprintf(`SELECT max(x._seq) FROM (SELECT _seq FROM %s WHERE _seq>%s AND _seq<=%s ORDER BY _seq LIMIT %s) x`, v.log, p(1), p(2), p(3))
	v.CompactFrom = fmt.Sprintf(`SELECT n._seq FROM %[1]s n CROSS JOIN %[2]s e WHERE e._eid=n._eid AND n._seq<=%[3]s AND n._version<=e._version-%[4]s+1 AND EXISTS (SELECT 1 FROM %[1]s l WHERE l._eid=n._eid AND l._version=n._version-1) ORDER BY n._seq DESC LIMIT 1`,
		v.log, v.entity, p(1), p(2))
	v.Compact = fmt.Sprintf(`DELETE FROM %[1]s AS l WHERE l._seq>%[2]s AND l._seq<=%[3]s AND EXISTS (SELECT 1 FROM %[1]s n WHERE n._eid=l._eid AND n._version=l._version+1 AND n._seq<=%[4]s) AND l._version<=(SELECT e._version FROM %[6]s e WHERE e._eid=l._eid)-%[5]s`,
		v.log, p(1), p(2), p(3), p(4), v.entity)
	v.ClearLog = `DELETE FROM ` + v.log
	v.ClearEntity = `DELETE FROM ` + v.entity
	v.Drop = `DROP TABLE ` + v.log + `,` + v.entity
	v.Truncate = `TRUNCATE ` + v.log + `,` + v.entity
}

// Latest is the query for the rows as they are: their columns under their
// names, then _seq, _version, _at and _actor. moment makes a time of
// microseconds.
func (v *Versions) Latest(moment func(micros string) string) string {
	var columns []string
	for i, c := range v.Table.Columns {
		expr := v.value(i, "l")
		if c.Type == state.Time {
			expr = moment(expr)
		}
		columns = append(columns, expr+" AS "+Quote(c.Name))
	}
	return fmt.Sprintf(`SELECT %s,l._seq AS %s,l._version AS %s,%s AS %s,nullif(l._actor,'') AS %s FROM %s e JOIN %s l ON l._seq=e._seq WHERE e._deleted=%s`,
		strings.Join(columns, ","), Quote("_seq"), Quote("_version"), moment("l._at"), Quote("_at"), Quote("_actor"), v.entity, v.log, v.d.False)
}

// Create lists the statements that make a table's tables.
func (v *Versions) Create() []string {
	d := v.d
	columns := fmt.Sprintf("_seq %[1]s PRIMARY KEY,_at %[1]s NOT NULL,_eid %[1]s NOT NULL,_version %[1]s NOT NULL,_op %[2]s NOT NULL,_actor %[2]s NOT NULL,_source %[1]s NOT NULL", d.Number, d.Text)
	for _, places := range v.Table.Places {
		for _, p := range places {
			columns += "," + v.declare(p)
		}
	}
	out := []string{
		fmt.Sprintf(`CREATE TABLE %s (_eid %[2]s PRIMARY KEY,_key %[3]s NOT NULL CONSTRAINT %[6]s UNIQUE,_seq %[2]s NOT NULL,_version %[2]s NOT NULL,_deleted %[4]s NOT NULL,_owner %[3]s)%[5]s`,
			v.entity, d.Number, d.Text, d.Flag, d.Heads, Quote(keyConstraint(v.Name))),
		fmt.Sprintf(`CREATE TABLE %s (%s,CONSTRAINT %s UNIQUE (_eid,_version))`, v.log, columns, Quote(versionConstraint(v.Name))),
	}
	if v.Table.Owner != "" {
		out = append(out, fmt.Sprintf(`CREATE INDEX %s ON %s (_owner)`, Quote(ownerIndex(v.Table.Name)), v.entity))
	}
	return out
}

// Add makes a place for values in a table that is there.
func (v *Versions) Add(p state.Place) string {
	return fmt.Sprintf(`ALTER TABLE %s ADD COLUMN %s`, v.log, v.declare(p))
}

func (v *Versions) declare(p state.Place) string { return v.d.Place(p.Name) + " " + v.d.Types[p.Type] }
