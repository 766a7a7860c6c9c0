package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/internal/sqlcore"
	"github.com/varvedb/varve/store/internal/sqlquery"
)

// few is how many rows go as parameters of a statement; more are copied.
const few = 20

// Insert implements query.Store.
func (q data) Insert(ctx context.Context, w query.Write, rows [][]any) ([]string, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	l, err := q.layout(ctx)
	if err != nil {
		return nil, err
	}
	t, err := q.planned(ctx, w.Table)
	if err != nil {
		return nil, err
	}
	runs, err := t.Runs(rows)
	if err != nil {
		return nil, err
	}
	i := insertion{q: q, l: l, t: t, w: w, rows: rows, runs: runs}
	if err := i.do(ctx); err != nil {
		return nil, q.changed(ctx, i.refused(ctx, err), w.Table)
	}
	return sqlquery.KeyTexts(i.keys), nil
}

// insertion is one call of Insert.
type insertion struct {
	q    data
	l    *layout
	t    *sqlquery.Table
	w    query.Write
	rows [][]any
	runs []sqlquery.Run
	keys []any
}

func (i *insertion) do(ctx context.Context) error {
	at := i.t.Index(i.t.Key)
	known := true
	i.keys = make([]any, len(i.rows))
	for n, row := range i.rows {
		i.keys[n] = row[at]
		known = known && row[at] != nil
	}
	if known && len(i.runs) == 1 && len(i.rows) <= few { // one round trip
		sql, args := i.statement(i.runs[0], false)
		sql = stamped(sql, i.t)
		return i.q.kept(sql).write(ctx, append(append([]sqlcore.Query{{SQL: sql, Args: args}}, i.note()...), i.l.stillMade(i.t)...)...)
	}
	return i.q.at.atomic(ctx, func(at access) error {
		for _, run := range i.runs {
			if err := i.fill(ctx, at, run); err != nil {
				return err
			}
		}
		return at.write(ctx, append(i.note(), i.l.stillMade(i.t)...)...)
	})
}

// kept is access that has the server keep a statement, if it is asked often.
func (q data) kept(sql string) access {
	if q.s.seen.Often(sql) {
		return q.at
	}
	return q.at.once()
}

// fill inserts a part of the rows inside a transaction.
func (i *insertion) fill(ctx context.Context, at access, run sqlquery.Run) error {
	key := i.t.Index(i.t.Key)
	if i.rows[run.From][key] != nil && run.To-run.From > few {
		return copyRows(ctx, at.(inner), i.l, i.t, i.rows[run.From:run.To], run.Columns)
	}
	const params = 60000
	step := max(1, params/max(1, len(run.Columns)))
	for from := run.From; from < run.To; from += step {
		part := sqlquery.Run{From: from, To: min(from+step, run.To), Columns: run.Columns}
		sql, args := i.statement(part, true)
		n := from
		err := at.once().write(ctx, sqlcore.Query{SQL: sql, Args: args, Each: func(r sqlcore.Row) (err error) {
			text, _ := r.Text(0)
			i.keys[n], err = i.t.ParseKey(text)
			n++
			return err
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// statement inserts rows by parameters.
func (i *insertion) statement(run sqlquery.Run, returning bool) (string, []any) {
	var b strings.Builder
	names := make([]string, len(run.Columns))
	for n, c := range run.Columns {
		names[n] = sqlcore.Quote(i.t.Native[c].Name)
	}
	fmt.Fprintf(&b, "INSERT INTO %s (%s) VALUES ", i.l.varve(i.t.Name), strings.Join(names, ","))
	if len(names) == 0 {
		b.Reset()
		b.WriteString("INSERT INTO " + i.l.varve(i.t.Name) + " SELECT FROM generate_series(1," + strconv.Itoa(run.To-run.From) + ")")
	}
	var args []any
	for n, row := range i.rows[run.From:run.To] {
		for m, c := range run.Columns {
			switch {
			case m > 0:
				b.WriteByte(',')
			case n > 0:
				b.WriteString(",(")
			default:
				b.WriteByte('(')
			}
			args = append(args, dataBind(row[c], i.t.Columns[c].Type))
			b.WriteString("$" + strconv.Itoa(len(args)))
		}
		if len(names) > 0 {
			b.WriteByte(')')
		}
	}
	if returning {
		b.WriteString(" RETURNING " + sqlcore.Quote(i.t.Key))
	}
	return b.String(), args
}

// place is where the notes of a transaction go on, and where they end.
func (l *layout) place() string {
	return fmt.Sprintf(`(SELECT z.base, coalesce((SELECT max(c.position) FROM %[1]s c WHERE c.position>z.base AND c.position<z.base+4194304),z.base) AS place
FROM (SELECT (pg_current_xact_id()::text::bigint+%[2]s())<<22 AS base) z)`, l.varve("varve_change"), l.varve("varve_base"))
}

// note notes what was inserted: one row, or all between the least key and the
// greatest.
func (i *insertion) note() []sqlcore.Query {
	if i.w.Quiet || !i.l.founded() {
		return nil
	}
	first, last := sqlquery.Span(i.keys)
	var end any
	if last != "" {
		end = last
	}
	return []sqlcore.Query{{
		SQL:  `INSERT INTO ` + i.l.varve("varve_change") + ` (position,tbl,key,last,op,at) SELECT b.place+1,$1,$2,$3,$4,$5 FROM ` + i.l.place() + ` b`,
		Args: []any{i.t.Name, first, end, string(change.Insert), i.w.Now}}}
}

// stillMade fails where a table is not the one that is remembered. It comes
// after what writes to the table, since that keeps others from changing it.
func (l *layout) stillMade(t *sqlquery.Table) []sqlcore.Query {
	if t.Edition == 0 {
		return nil
	}
	return []sqlcore.Query{{SQL: `SELECT 1/count(*) FROM ` + l.varve("varve_data_table") + ` WHERE name=$1 AND edition=$2`, Args: []any{t.Name, t.Edition}}}
}

// refused names the key where a row was refused because of it.
func (i *insertion) refused(ctx context.Context, err error) error {
	if code(err) != "23505" {
		return err
	}
	had := map[any]bool{}
	var texts []string
	for n, row := range i.rows {
		key := row[i.t.Index(i.t.Key)]
		if key == nil {
			continue
		}
		if had[key] {
			return sqlquery.TakenKey(i.t, i.keys[n])
		}
		had[key] = true
		texts = append(texts, sqlquery.KeyText(key))
	}
	taken := map[string]bool{}
	column := i.t.KeyColumn()
	failed := i.q.at.once().write(ctx, sqlcore.Query{
		SQL: fmt.Sprintf(`SELECT %[1]s::text FROM %[2]s WHERE %[1]s=ANY($1::%[3]s[])`, sqlcore.Quote(i.t.Key), i.l.varve(i.t.Name), base(column.Native)), Args: []any{texts},
		Each: func(r sqlcore.Row) error {
			text, _ := r.Text(0)
			taken[text] = true
			return nil
		}})
	at := slices.IndexFunc(texts, func(s string) bool { return taken[s] })
	if failed != nil || at < 0 {
		return sqlquery.TakenValue(i.t)
	}
	return sqlquery.TakenKey(i.t, texts[at])
}

// Update implements query.Store.
func (q data) Update(ctx context.Context, w query.Write, set []query.Assign, where query.Cond) ([]string, error) {
	columns := make([]int, len(set))
	for i, s := range set {
		columns[i] = s.Column
	}
	if len(set) == 0 {
		return nil, nil
	}
	return q.alter(ctx, w, change.Update, columns, func(t *sqlquery.Table, d *sqlquery.Dialect) (*sqlquery.Asked, error) {
		return sqlquery.Update(t, set, &where, d)
	})
}

// Delete implements query.Store.
func (q data) Delete(ctx context.Context, w query.Write, where query.Cond) ([]string, error) {
	return q.alter(ctx, w, change.Delete, nil, func(t *sqlquery.Table, d *sqlquery.Dialect) (*sqlquery.Asked, error) {
		return sqlquery.Delete(t, &where, d)
	})
}

func (q data) alter(ctx context.Context, w query.Write, op change.Op, columns []int, statement func(*sqlquery.Table, *sqlquery.Dialect) (*sqlquery.Asked, error)) ([]string, error) {
	l, err := q.layout(ctx)
	if err != nil {
		return nil, err
	}
	t, err := q.planned(ctx, w.Table)
	if err == nil {
		err = t.Writable(columns...)
	}
	if err != nil {
		return nil, err
	}
	asked, err := statement(t, l.dataDialect())
	if err != nil {
		return nil, err
	}
	if l.founded() && !w.Quiet {
		l.noting(asked, t, op, w.Now)
	}
	asked.SQL = stamped(asked.SQL, t)
	var keys []any
	err = q.kept(asked.SQL).write(ctx, append([]sqlcore.Query{{SQL: asked.SQL, Args: asked.Args, Each: func(r sqlcore.Row) error {
		text, _ := r.Text(0)
		key, err := t.ParseKey(text)
		keys = append(keys, key)
		return err
	}}}, l.stillMade(t)...)...)
	if code(err) == "23505" {
		err = sqlquery.TakenValue(t)
	}
	if err != nil {
		return nil, q.changed(ctx, err, w.Table)
	}
	return sqlquery.SortKeys(keys), nil
}

// noting makes a statement that answers keys note them too. What goes beyond
// the notes that one transaction can hold is one note more: all keys may have
// changed.
func (l *layout) noting(asked *sqlquery.Asked, t *sqlquery.Table, op change.Op, at time.Time) {
	n := len(asked.Args)
	asked.Args = append(slices.Clip(asked.Args), t.Name, string(op), at)
	asked.SQL = fmt.Sprintf(`WITH x(key) AS (%[1]s), b AS %[2]s, n AS (INSERT INTO %[3]s (position,tbl,key,last,op,at)
SELECT b.place+r.n,$%[4]d::text,r.key,NULL,$%[5]d::text,$%[6]d::timestamptz FROM b, (SELECT x.key::text AS key, row_number() OVER (ORDER BY x.key) AS n FROM x) r WHERE b.place+r.n<b.base+4194000
UNION ALL SELECT greatest(b.place,b.base+4193999)+1,$%[4]d::text,'',U&'\+10FFFF',$%[5]d::text,$%[6]d::timestamptz FROM b WHERE b.place+(SELECT count(*) FROM x)>=b.base+4194000)
SELECT key FROM x`, asked.SQL, l.place(), l.varve("varve_change"), n+1, n+2, n+3)
}

// errControl is the error for a transaction that a statement of somebody's
// would end.
var errControl = errs.Field(errs.Forbidden, "sql", "the statement would begin or end a transaction; ask for what is in it only")
