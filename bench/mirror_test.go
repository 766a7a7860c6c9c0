//go:build cgo && !no_duckdb

package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/varvedb/varve/analytics"
	"github.com/varvedb/varve/analytics/duckdb"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/sqlite"
)

// mirrored is a file with versions of to-dos and what follows it.
type mirrored struct {
	store *sqlite.Store
	table *state.Table
	path  string
	rows  int
	n     int // versions
}

var statuses = []any{nil, "done", "deleted", "archived"}

func mirrorWrite(row, version int) state.Write {
	id := fmt.Sprintf("%08x-todo", row)
	return state.Write{Op: state.OpUpdate, Key: id, Whole: true, Now: time.Now(), Values: map[string]any{"id": id, "user_id": fmt.Sprint("user", row%1000), "subject": "homework",
		"body": "do your homework before it is too late for it", "priority": int64((row + version) % 101), "status": statuses[(row+version)%4]}}
}

// fillMirrored makes rows with ten versions each, a quarter of a second apart.
func fillMirrored(b *testing.B, versions int) *mirrored {
	b.Helper()
	path := filepath.Join(b.TempDir(), "varve.db")
	s, err := sqlite.Open(b.Context(), path, sqlite.Options{Relaxed: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	text := func(name string) state.Column { return state.Column{Name: name, Type: state.Text} }
	table, err := s.State().Declare(b.Context(), state.Schema{Name: "todos", Key: []string{"id"}, Owner: "user_id",
		Columns: []state.Column{text("id"), text("user_id"), text("subject"), text("body"), {Name: "priority", Type: state.Integer}, text("status")}})
	if err != nil {
		b.Fatal(err)
	}
	m := &mirrored{store: s, table: &table, path: path, rows: versions / 10, n: versions}
	m.fill(b)
	return m
}

// fill writes as the store would have, in a tenth of its time.
func (m *mirrored) fill(b *testing.B) {
	b.Helper()
	c, err := sqlite3.Open(m.path)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	run := func(sql string, args ...any) {
		if err == nil {
			err = c.Exec(fmt.Sprintf(sql, args...))
		}
	}
	run(`PRAGMA cache_size=-65536; PRAGMA synchronous=OFF`)
	for n := range 10 {
		run(`INSERT INTO varve_log_todos (_seq,_at,_eid,_version,_op,_actor,_source,id,user_id,subject,body,priority,status)
WITH RECURSIVE c(row) AS (SELECT 0 UNION ALL SELECT row+1 FROM c WHERE row+1<%[1]d)
SELECT %[2]d*%[1]d+row+1,1767225600000000+(%[2]d*%[1]d+row)*250000,row+1,%[2]d+1,iif(%[2]d=0,'append','update'),'',0,printf('%%08x-todo',row),'user'||(row%%1000),'homework',
 'do your homework before it is too late for it',(row+%[2]d)%%101,CASE (row+%[2]d)%%4 WHEN 1 THEN 'done' WHEN 2 THEN 'deleted' WHEN 3 THEN 'archived' END FROM c`, m.rows, n)
	}
	run(`INSERT INTO varve_entity_todos (_eid,_seq,_version,_deleted,_key,_owner)
SELECT _eid,_seq,_version,0,id,user_id FROM varve_log_todos WHERE _seq>%d`, m.n-m.rows)
	if err != nil {
		b.Fatal(err)
	}
}

// write gives n rows a version each.
func (m *mirrored) write(b *testing.B, n, version int) {
	b.Helper()
	for from := 0; from < n; from += 10_000 {
		var ws []state.Write
		for row := from; row < min(from+10_000, n); row++ {
			ws = append(ws, mirrorWrite(row, version))
		}
		if _, err := m.store.State().Write(b.Context(), "todos", ws); err != nil {
			b.Fatal(err)
		}
	}
}

func (m *mirrored) open(b *testing.B, file string) *duckdb.Mirror {
	b.Helper()
	src := duckdb.Sources{State: m.store.State(), Chat: m.store.Chat(), Changes: m.store, ID: "bench"}
	mirror, err := duckdb.Open(b.Context(), src, duckdb.Options{Path: file, Memory: 8 << 30})
	if err != nil {
		b.Fatal(err)
	}
	return mirror
}

// BenchmarkMirror builds the mirror, keeps it up and asks it, beside SQLite on
// the same versions: on Varve's tables and on dkdc's.
func BenchmarkMirror(b *testing.B) {
	versions := size(1_000_000, 20_000)
	if raw := os.Getenv("BENCH_VERSIONS"); raw != "" {
		var err error
		if versions, err = strconv.Atoi(raw); err != nil {
			b.Fatal(err)
		}
	}
	m := fillMirrored(b, versions)
	file, memory := m.built(b, versions)
	defer file.Close()
	defer memory.Close()
	m.kept(b, memory)
	m.asked(b, file, memory)
}

// built builds a mirror in a file and one in memory.
func (m *mirrored) built(b *testing.B, versions int) (file, memory *duckdb.Mirror) {
	p := results.part(fmt.Sprintf("Analytics: a mirror of %d versions, built from nothing", versions), "analytics/duckdb over store/sqlite, versions per second")
	timed := func(name, path string, goal float64) *duckdb.Mirror {
		mirror := m.open(b, path)
		start, before := time.Now(), used()
		if err := mirror.Sync(b.Context()); err != nil {
			b.Fatal(err)
		}
		got := float64(versions) / time.Since(start).Seconds()
		p.value(name, rate(got), fmt.Sprintf("≥ %.0f/s", goal), got >= goal)
		p.floor(name+"; CPU a version, all threads", fmt.Sprintf("%.2f µs", (used()-before).Seconds()*1e6/float64(versions)))
		return mirror
	}
	file = timed("in a file", filepath.Join(b.TempDir(), "mirror.duckdb"), 600_000)
	return file, timed("in memory", "", 1_000_000)
}

// kept takes over nothing, one version and a thousand.
func (m *mirrored) kept(b *testing.B, mirror *duckdb.Mirror) {
	p := results.part("Analytics: the mirror before a question", "analytics/duckdb in memory over store/sqlite, one table and conversations")
	for _, c := range []struct {
		name    string
		n, runs int
		goal    time.Duration
	}{{"nothing is new", 0, 200, 5 * time.Microsecond}, {"one version is new", 1, 50, 2 * time.Millisecond}, {"1,000 versions are new", 1000, 20, 10 * time.Millisecond}} {
		var took times
		for i := range size(c.runs, 3) {
			m.write(b, c.n, 10+i)
			start := time.Now()
			if err := mirror.Sync(b.Context()); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(start))
		}
		got := took.sorted().median()
		p.value(c.name, duration(got), "≤ "+duration(c.goal), got <= c.goal)
	}
}

// question is one question in three dialects; "" is one that is not asked.
type question struct {
	name                 string
	mirror, ours, theirs string
	overOurs, overTheirs float64 // goals
}

var questions = []question{
	{"latest by status; SQLite's best", `SELECT status, count(*) FROM todos GROUP BY 1`,
		`SELECT l.status, count(*) FROM varve_entity_todos e JOIN varve_log_todos l ON l._seq=e._seq WHERE NOT e._deleted GROUP BY 1`,
		`SELECT status, count(*) FROM todos WHERE rowid IN (SELECT max(rowid) FROM todos GROUP BY id) GROUP BY 1`, 3, 30},
	{"latest by status; dkdc's rank", `SELECT status, count(*) FROM todos GROUP BY 1`, "",
		`SELECT status, count(*) FROM (SELECT *, row_number() OVER (PARTITION BY id ORDER BY idx DESC) AS r FROM todos) WHERE r=1 GROUP BY 1`, 0, 300},
	{"a user's page, ordered", `SELECT id, body, priority FROM todos WHERE user_id='user7' ORDER BY priority, _seq DESC LIMIT 50`, "",
		`SELECT id, body, priority FROM (SELECT *, row_number() OVER (PARTITION BY id ORDER BY idx DESC) AS r FROM todos) WHERE r=1 AND user_id='user7' ORDER BY priority, idx DESC LIMIT 50`, 0, 0},
	{"history by user", `SELECT user_id, count(*), avg(priority), max(priority) FROM todos_history GROUP BY 1`,
		`SELECT user_id, count(*), avg(priority), max(priority) FROM varve_log_todos GROUP BY 1`,
		`SELECT user_id, count(*), avg(priority), max(priority) FROM todos GROUP BY 1`, 0, 100},
	{"history per hour and status", `SELECT date_trunc('hour', _at), status, count(*) FROM todos_history GROUP BY 1, 2`,
		`SELECT _at/3600000000, status, count(*) FROM varve_log_todos GROUP BY 1, 2`,
		`SELECT substr(idx, 1, 13), status, count(*) FROM todos GROUP BY 1, 2`, 0, 20},
}

// asked asks the same of the mirrors and of SQLite.
func (m *mirrored) asked(b *testing.B, file, memory *duckdb.Mirror) {
	ours, theirs := m.lite(b)
	p := results.part(fmt.Sprintf("Analytics: questions over %d versions of %d to-dos", m.n, m.rows),
		"db.SQL on the mirror in a file, with all its checks; SQLite on Varve's tables and on dkdc's, warm, in this process")
	for _, q := range questions {
		ways := []way{{"mirror", put(b, file, q.mirror)}, {"mirror in memory", put(b, memory, q.mirror)}, {"dkdc's tables", lite(theirs, q.theirs)}}
		if q.ours != "" {
			ways = append(ways, way{"our tables", lite(ours, q.ours)})
		}
		took := m.times(b, ways)
		p.faster(took[0].median(), q.name+", dkdc's tables", took[2].median(), q.overTheirs)
		if q.ours != "" {
			p.faster(took[0].median(), q.name+", Varve's tables", took[3].median(), q.overOurs)
		}
		p.value(q.name+", the mirror in memory", duration(took[1].median()), "", true)
	}
}

// times is alternate, but for versions so many that SQLite takes minutes: it is
// asked once then.
func (m *mirrored) times(b *testing.B, ways []way) []times {
	b.Helper()
	if m.n < 5_000_000 {
		return alternate(b, size(3, 1), ways...)
	}
	took := alternate(b, 3, ways[:2]...)
	for _, w := range ways[2:] {
		start := time.Now()
		if err := w.run(0); err != nil {
			b.Fatal(err)
		}
		took = append(took, times{time.Since(start)})
	}
	return took
}

// put puts a question to a mirror and reads the answer.
func put(b *testing.B, mirror *duckdb.Mirror, sql string) func(int) error {
	service := analytics.NewService(analytics.Options{Open: func(context.Context) (analytics.Engine, error) { return mirror, nil }})
	return func(int) error {
		rows, err := service.Query(b.Context(), analytics.Question{SQL: sql, Limits: analytics.Limits{Time: time.Hour}})
		if err != nil {
			return err
		}
		defer rows.Close()
		_, err = rows.Slice()
		return err
	}
}

// lite opens the versions in SQLite: where they are, and as dkdc keeps them.
func (m *mirrored) lite(b *testing.B) (ours, theirs *sqlite3.Conn) {
	b.Helper()
	open := func(path string) *sqlite3.Conn {
		c, err := sqlite3.Open(path)
		if err == nil {
			err = c.Exec(`PRAGMA cache_size=-65536`)
		}
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { c.Close() })
		return c
	}
	ours, theirs = open(m.path), open(filepath.Join(b.TempDir(), "dkdc.db"))
	err := theirs.Exec(`ATTACH '` + m.path + `' AS v; CREATE TABLE todos (idx TIMESTAMP, id TEXT, user_id TEXT, subject TEXT, body TEXT, priority BIGINT, status TEXT, description TEXT, labels TEXT);
INSERT INTO todos SELECT strftime('%Y-%m-%d %H:%M:%f', _at/1e6, 'unixepoch') || printf('%09d', _seq), id, user_id, subject, body, priority, status, NULL, NULL FROM v.varve_log_todos ORDER BY _seq; DETACH v`)
	if err != nil {
		b.Fatal(err)
	}
	return ours, theirs
}

// lite asks SQLite and reads the answer.
func lite(c *sqlite3.Conn, sql string) func(int) error {
	return func(int) error {
		s, _, err := c.Prepare(sql)
		if err != nil {
			return err
		}
		defer s.Close()
		for s.Step() {
			for i := range s.ColumnCount() {
				_ = s.ColumnText(i)
			}
		}
		return s.Err()
	}
}
