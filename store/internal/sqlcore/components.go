package sqlcore

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
)

// ComponentDialect is where the engines differ over components.
type ComponentDialect struct {
	Param func(n int) string
	// Key is the type of a text of at most so many bytes that is compared byte
	// by byte and pads nothing; Text of one without bounds; Number of an int64.
	Key          func(bytes int) string
	Text, Number string
	// Index declares an index inside the table; nil: by a statement of its own.
	Index func(name, columns string) string
	Table string // what follows the columns of a table
	// Among is the condition that an expression is one of a list.
	Among func(expr string, list []string, param func(any) string) string
	Lock  string // what follows a SELECT to lock its rows
}

// Tables of components. The head of each component holds the number of its
// next version; the one without a name holds how far the tables are made, and
// whoever writes locks it first, so that one batch follows the other.
const (
	componentTable = "varve_component"
	headTable      = "varve_component_head"
	edgeTable      = "varve_edge"
	journalTable   = "varve_journal"
	artifactTable  = "varve_artifact"     // made by the room of artifacts
	holdingTable   = "varve_artifact_ref" // the same
)

// ComponentTables names the tables with the columns that are relied on.
func ComponentTables() map[string]string {
	return map[string]string{
		componentTable: "uuid,type_id,identifier,version,hash,break_hash,hidden,status,reason,revision,created_at,updated_at,record",
		headTable:      "type_id,identifier,next",
		edgeTable:      "parent,child,role",
		journalTable:   "id,at,entry",
	}
}

// Components is the port of components in SQL. A method that writes is called
// inside a transaction.
type Components struct{ d *ComponentDialect }

// NewComponents makes the port for a dialect.
func NewComponents(d *ComponentDialect) *Components { return &Components{d} }

// Create lists the statements that make the tables; each can be repeated.
func (c *Components) Create() []string {
	d := c.d
	key, number := d.Key, d.Number
	tables := []struct{ name, columns, indexes string }{
		{componentTable, "uuid " + key(32) + " NOT NULL PRIMARY KEY,type_id " + key(32) + " NOT NULL,identifier " + key(component.MaxIdentifier) + " NOT NULL,version " + number + " NOT NULL," +
			"hash " + key(64) + " NOT NULL,break_hash " + key(64) + " NOT NULL,hidden " + number + " NOT NULL,status " + key(32) + " NOT NULL,reason " + d.Text + " NOT NULL," +
			"revision " + number + " NOT NULL,created_at " + number + " NOT NULL,updated_at " + number + " NOT NULL,record " + d.Text + " NOT NULL," +
			"CONSTRAINT varve_component_version UNIQUE (type_id,identifier,version)", ""},
		{headTable, "type_id " + key(32) + " NOT NULL,identifier " + key(component.MaxIdentifier) + " NOT NULL,next " + number + " NOT NULL,PRIMARY KEY (type_id,identifier)", ""},
		{edgeTable, "parent " + key(32) + " NOT NULL,role " + key(512) + " NOT NULL,child " + key(32) + " NOT NULL,PRIMARY KEY (parent,role)", "varve_edge_child child"},
		{journalTable, "id " + key(64) + " NOT NULL PRIMARY KEY,at " + number + " NOT NULL,entry " + d.Text + " NOT NULL", ""},
	}
	var out []string
	for _, t := range tables {
		name, on, indexed := strings.Cut(t.indexes, " ")
		if indexed && d.Index != nil {
			t.columns += "," + d.Index(name, on)
		}
		out = append(out, fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s (%s)%s`, t.name, t.columns, d.Table))
		if indexed && d.Index == nil {
			out = append(out, fmt.Sprintf(`CREATE INDEX IF NOT EXISTS %s ON %s (%s)`, name, t.name, on))
		}
	}
	return append(out, fmt.Sprintf(`INSERT INTO %[1]s (type_id,identifier,next) SELECT '','',1 FROM (SELECT 1 AS one) x WHERE NOT EXISTS (SELECT 1 FROM %[1]s WHERE type_id='' AND identifier='')`, headTable))
}

// asking is a statement that is put together.
type asking struct {
	d    *ComponentDialect
	args []any
}

func (c *Components) ask() *asking { return &asking{d: c.d} }

func (a *asking) param(v any) string {
	a.args = append(a.args, v)
	return a.d.Param(len(a.args))
}

func (a *asking) among(expr string, list []string) string {
	return a.d.Among(expr, list, a.param)
}

func (a *asking) query(each func(Row) error, sql string) Query {
	return Query{SQL: sql, Args: a.args, Each: each}
}

const recordColumns = "c.uuid,c.type_id,c.identifier,c.version,c.hash,c.break_hash,c.hidden,c.status,c.reason,c.revision,c.created_at,c.updated_at"

func scanRecord(r Row) (rec component.Record) {
	text := func(i int) string { s, _ := r.Text(i); return s }
	n := func(i int) int64 { n, _ := strconv.ParseInt(text(i), 10, 64); return n } // of integer columns
	rec.UUID, rec.Type, rec.Identifier, rec.Version = text(0), text(1), text(2), int(n(3))
	rec.Hash, rec.Break, rec.Hidden = text(4), text(5), n(6) != 0
	rec.Status, rec.Reason, rec.Revision = component.Status(text(7)), text(8), n(9)
	rec.Created, rec.Updated = time.UnixMicro(n(10)).UTC(), time.UnixMicro(n(11)).UTC()
	if body, ok := r.Text(12); ok {
		rec.Body = json.RawMessage(body)
	}
	return rec
}

// byType groups identifiers by their type, so that an index finds them.
func byType(names []component.Name) map[string][]string {
	types := map[string][]string{}
	for _, n := range names {
		types[n.Type] = append(types[n.Type], n.Identifier)
	}
	return types
}

// Heads fills in where each component stands.
func (c *Components) Heads(ctx context.Context, q Querier, names []component.Name, into []component.Head) error {
	found := map[component.Name]*component.Head{}
	var queries []Query
	for typ, identifiers := range byType(names) {
		for list := range slices.Chunk(identifiers, some) {
			a := c.ask()
			where := "c.type_id=" + a.param(typ) + " AND " + a.among("c.identifier", list)
			queries = append(queries, a.query(func(r Row) error {
				rec := scanRecord(r)
				head(found, rec.Name).Record = rec
				return nil
			}, `SELECT `+recordColumns+`,c.record FROM `+componentTable+` c WHERE `+where+` AND c.hidden=0 AND c.version=`+
				`(SELECT max(n.version) FROM `+componentTable+` n WHERE n.type_id=c.type_id AND n.identifier=c.identifier AND n.hidden=0)`), c.nexts(typ, list, found))
		}
	}
	if len(queries) == 0 {
		return nil
	}
	if err := q.Run(ctx, queries...); err != nil {
		return err
	}
	for i, n := range names {
		into[i] = *head(found, n)
	}
	return nil
}

// some is how many values one statement asks for.
const some = 500

func head(found map[component.Name]*component.Head, n component.Name) *component.Head {
	if found[n] == nil {
		found[n] = &component.Head{}
	}
	return found[n]
}

// nexts asks for the numbers of next versions.
func (c *Components) nexts(typ string, identifiers []string, into map[component.Name]*component.Head) Query {
	a := c.ask()
	where := "h.type_id=" + a.param(typ) + " AND " + a.among("h.identifier", identifiers)
	return a.query(func(r Row) error {
		identifier, _ := r.Text(0)
		next, _ := r.Text(1)
		n, _ := strconv.Atoi(next) // of an integer column
		head(into, component.Name{Type: typ, Identifier: identifier}).Next = n
		return nil
	}, `SELECT h.identifier,h.next FROM `+headTable+` h WHERE `+where)
}

// Find returns the records that a filter chooses.
func (c *Components) Find(ctx context.Context, q Querier, f component.Filter) ([]component.Record, error) {
	if len(f.UUIDs) <= some {
		return c.find(ctx, q, f)
	}
	var all []component.Record
	for list := range slices.Chunk(f.UUIDs, some) {
		part := f
		part.UUIDs, part.Limit = list, 0
		found, err := c.find(ctx, q, part)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b component.Record) int { return compareRefs(a.Ref, b.Ref) })
	if f.Limit > 0 && len(all) > f.Limit {
		all = all[:f.Limit]
	}
	return all, nil
}

func compareRefs(a, b component.Ref) int {
	if n := strings.Compare(a.Type, b.Type); n != 0 {
		return n
	}
	if n := strings.Compare(a.Identifier, b.Identifier); n != 0 {
		return n
	}
	return a.Version - b.Version
}

func (c *Components) find(ctx context.Context, q Querier, f component.Filter) (found []component.Record, err error) {
	if f.UUIDs != nil && len(f.UUIDs) == 0 {
		return nil, nil
	}
	a := c.ask()
	where := strings.Join(append(a.filter("c", f), "1=1"), " AND ")
	if f.Newest {
		newer := append(a.filter("n", f), "n.type_id=c.type_id", "n.identifier=c.identifier", "n.version>c.version")
		where += ` AND NOT EXISTS (SELECT 1 FROM ` + componentTable + ` n WHERE ` + strings.Join(newer, " AND ") + `)`
	}
	if f.After != nil {
		where += ` AND (c.type_id>` + a.param(f.After.Type) + ` OR c.type_id=` + a.param(f.After.Type) + ` AND (c.identifier>` + a.param(f.After.Identifier) +
			` OR c.identifier=` + a.param(f.After.Identifier) + ` AND c.version>` + a.param(int64(f.After.Version)) + `))`
	}
	body := ",c.record"
	if f.Bare {
		body = ",NULL"
	}
	sql := `SELECT ` + recordColumns + body + ` FROM ` + componentTable + ` c WHERE ` + where + ` ORDER BY c.type_id,c.identifier,c.version`
	if f.Limit > 0 {
		sql += ` LIMIT ` + strconv.Itoa(f.Limit)
	}
	err = q.Run(ctx, a.query(func(r Row) error {
		found = append(found, scanRecord(r))
		return nil
	}, sql))
	return found, err
}

func (a *asking) filter(alias string, f component.Filter) (where []string) {
	equal := func(column string, v any) { where = append(where, alias+"."+column+"="+a.param(v)) }
	if f.Type != "" {
		equal("type_id", f.Type)
	}
	if f.Identifier != "" {
		equal("identifier", f.Identifier)
	}
	if f.Version != nil {
		equal("version", int64(*f.Version))
	}
	if !f.Hidden {
		where = append(where, alias+".hidden=0")
	}
	if f.UUIDs != nil {
		where = append(where, a.among(alias+".uuid", f.UUIDs))
	}
	return where
}

// Edges returns edges by either end.
func (c *Components) Edges(ctx context.Context, q Querier, parents, children []string) (found []component.Edge, err error) {
	seen := map[component.Edge]bool{}
	var queries []Query
	for column, uuids := range map[string][]string{"parent": parents, "child": children} {
		for list := range slices.Chunk(uuids, some) {
			queries = append(queries, c.edges(column, list, func(e component.Edge) {
				if !seen[e] {
					seen[e] = true
					found = append(found, e)
				}
			}))
		}
	}
	if len(queries) == 0 {
		return nil, nil
	}
	err = q.Run(ctx, queries...)
	slices.SortFunc(found, func(a, b component.Edge) int {
		if n := strings.Compare(a.Parent, b.Parent); n != 0 {
			return n
		}
		return strings.Compare(a.Role, b.Role)
	})
	return found, err
}

func (c *Components) edges(column string, uuids []string, each func(component.Edge)) Query {
	a := c.ask()
	where := a.among("e."+column, uuids)
	return a.query(func(r Row) error {
		var e component.Edge
		e.Parent, _ = r.Text(0)
		e.Child, _ = r.Text(1)
		e.Role, _ = r.Text(2)
		each(e)
		return nil
	}, `SELECT e.parent,e.child,e.role FROM `+edgeTable+` e WHERE `+where)
}

// AnyComponent has a row where there are components.
const AnyComponent = `SELECT 1 FROM ` + componentTable + ` LIMIT 1`

// ComponentTableNames lists the tables in order.
func ComponentTableNames() []string {
	return slices.Sorted(maps.Keys(ComponentTables()))
}

// ComponentClash is an error where a table that is there lacks columns of
// Varve's: it is somebody else's.
func ComponentClash(have map[string]map[string]bool) error {
	for _, table := range ComponentTableNames() {
		for column := range strings.SplitSeq(ComponentTables()[table], ",") {
			if have[table] != nil && !have[table][column] {
				return errs.New(errs.Invalid, "there is a table %q that Varve did not make, and it needs the name for one of its own; rename that table", table)
			}
		}
	}
	return nil
}
