package sqlite

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// indexSuffix is what the name of the search index has more than that of its
// database.
const indexSuffix = "-search"

// indexVersion changes with the form of the index and with chat.Fold.
const indexVersion = 2

// indexSQL is the index: every text is a doc, and its trigrams are in the
// full-text table under the doc's id, but for long texts, which are looked into
// themselves. The texts are not stored.
// "secure-delete" of FTS5 is never set: with it, tables cannot be read by
// older versions, and deletes have damaged indexes.
const indexSQL = `
CREATE TABLE note (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE doc (id INTEGER PRIMARY KEY, kind TEXT, key TEXT, thread TEXT, long INT, UNIQUE (kind, key));
CREATE INDEX doc_long ON doc (id) WHERE long;
CREATE VIRTUAL TABLE gram USING fts5(text, tokenize='trigram case_sensitive 1', content='', contentless_delete=1);
INSERT INTO gram(gram, rank) VALUES('deletemerge', 1);
PRAGMA user_version=` // and indexVersion

// index is an open search index. It has followed the change log to a position,
// or, while it is built, walked the tables to a row.
type index struct{ conn *conn }

func openIndex(path string, o Options) (*index, error) {
	x, err := tryIndex(path, o)
	if err == nil {
		return x, nil
	}
	if err := removeIndex(path); err != nil {
		return nil, err
	}
	return tryIndex(path, o)
}

func tryIndex(path string, o Options) (*index, error) {
	c, err := openConn(path, sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE, o)
	if err != nil {
		return nil, err
	}
	x := &index{c}
	if err := x.setUp(); err != nil {
		c.close()
		return nil, err
	}
	return x, nil
}

func (x *index) setUp() error {
	c := x.conn
	if err := fts5.Register(c.db); err != nil {
		return classify(err)
	}
	// A power failure may lose the last changes, which are then followed
	// again; it must not damage what is there. Freed pages are overwritten.
	if err := c.db.Exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON"); err != nil {
		return classify(err)
	}
	version, _, err := c.text("PRAGMA user_version")
	if err != nil || version == strconv.Itoa(indexVersion) {
		return err
	}
	empty, err := c.empty()
	if err == nil && !empty {
		err = errs.New(errs.Internal, "the search index has version %s", version)
	}
	if err != nil {
		return err
	}
	return c.transaction(func() error { return classify(c.db.Exec(indexSQL + strconv.Itoa(indexVersion))) })
}

func (x *index) close() error { return classify(x.conn.close()) }

func removeIndex(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return errs.Wrap(errs.Unavailable, err, "the search index cannot be removed")
		}
	}
	return nil
}

// find returns the threads of the docs that contain a folded text; false: they
// are so many that looking into the latest threads finds a page sooner.
//
// Of N docs of which h have the text, the index costs about 8 µs × h, and a
// page of 36 by looking about 36 × N/h docs of 3 µs each; they cost the same at
// h = √(13 N).
func (x *index) find(needle string) (threads []string, ok bool, err error) {
	docs, err := x.conn.number(`SELECT max(id) FROM doc`)
	if err != nil {
		return nil, false, err
	}
	most := max(200, int(math.Sqrt(float64(13*docs))))
	seen := map[string]bool{}
	hits := 0
	tooMany := errors.New("too many")
	phrase := `"` + strings.ReplaceAll(needle, `"`, `""`) + `"` // FTS5 reads nothing else in it
	err = x.conn.query(`SELECT d.thread FROM gram g JOIN doc d ON d.id=g.rowid WHERE g.text MATCH ?`, func(r sqlcore.Row) error {
		thread, _ := r.Text(0)
		if hits++; hits > most {
			return tooMany
		}
		if !seen[thread] {
			seen[thread] = true
			threads = append(threads, thread)
		}
		return nil
	}, phrase)
	if errors.Is(err, tooMany) {
		return nil, false, nil
	}
	return threads, err == nil, err
}

// longDoc is a doc whose text is not in the full-text table.
type longDoc struct{ kind, key, thread string }

// long returns some of the long docs, or all if there are no more than most.
func (x *index) long(most int) (docs []longDoc, err error) {
	err = x.conn.query(`SELECT kind,key,thread FROM doc WHERE long LIMIT ?`, func(r sqlcore.Row) error {
		var d longDoc
		d.kind, _ = r.Text(0)
		d.key, _ = r.Text(1)
		d.thread, _ = r.Text(2)
		docs = append(docs, d)
		return nil
	}, most)
	return docs, err
}

// follow takes up to most rows into the index: first all that there are, then
// those that the change log names. It returns how many are left, at least. c
// is in a transaction on the database.
func (x *index) follow(c *conn, most int) (left int64, err error) {
	err = x.conn.transaction(func() error {
		built, err := x.note("built")
		if err == nil && built == "" {
			if left, err = x.build(c, most); left > 0 {
				return err
			}
		}
		if err == nil {
			left, err = x.changes(c, most)
		}
		return err
	})
	return left, err
}

func (x *index) note(key string) (string, error) {
	value, _, err := x.conn.text(`SELECT value FROM note WHERE key=?`, key)
	return value, err
}

func (x *index) setNote(key, value string) error {
	return x.conn.exec(`INSERT INTO note (key,value) VALUES (?,?) ON CONFLICT (key) DO UPDATE SET value=excluded.value`, key, value)
}

// build walks the tables from where it stopped. What changes behind it is in
// the log after the position noted at its start.
func (x *index) build(c *conn, most int) (left int64, err error) {
	start, err := x.note("position")
	if err != nil {
		return 0, err
	}
	if start == "" {
		head, err := c.head()
		if err != nil {
			return 0, err
		}
		if err := x.setPosition(c, head); err != nil {
			return 0, err
		}
	}
	for _, t := range indexed {
		n, err := x.walk(c, t, most)
		if err != nil {
			return 0, err
		}
		if n == most {
			return 1, nil
		}
		most -= n
	}
	return 0, x.setNote("built", "1")
}

// texts says where the texts of a table are.
type texts struct{ table, thread, text string }

var indexed = []texts{{"threads", "id", "name"}, {"steps", "threadId", "output"}}

func (x *index) walk(c *conn, t texts, most int) (n int, err error) {
	mark, err := x.note(t.table)
	if err != nil {
		return 0, err
	}
	after, _ := strconv.ParseInt(mark, 10, 64)
	err = c.query(`SELECT rowid,"id","`+t.thread+`","`+t.text+`" FROM `+t.table+` WHERE rowid>? ORDER BY rowid LIMIT ?`, func(r sqlcore.Row) error {
		n++
		after = r.(row).ColumnInt64(0)
		key, _ := r.Text(1)
		thread, _ := r.Text(2)
		text, _ := r.Text(3)
		return x.put(t.table, key, thread, text)
	}, after, most)
	if err != nil {
		return n, err
	}
	return n, x.setNote(t.table, strconv.FormatInt(after, 10))
}

// changes follows the log.
func (x *index) changes(c *conn, most int) (left int64, err error) {
	text, err := x.note("position")
	if err != nil {
		return 0, err
	}
	position, _ := strconv.ParseInt(text, 10, 64)
	if err := x.sameLog(c, position); err != nil {
		return 0, err
	}
	type key struct{ table, key string }
	var changed []key
	seen := map[key]bool{}
	n := 0
	err = c.query(`SELECT position,"table",key FROM varve_change WHERE position>? ORDER BY position LIMIT ?`, func(r sqlcore.Row) error {
		n++
		position = r.(row).ColumnInt64(0)
		var k key
		k.table, _ = r.Text(1)
		k.key, _ = r.Text(2)
		if !seen[k] {
			seen[k] = true
			changed = append(changed, k)
		}
		return nil
	}, position, most)
	if err != nil || n == 0 {
		return 0, err
	}
	for _, k := range changed {
		for _, t := range indexed {
			if t.table == k.table {
				if err := x.renew(c, t, k.key); err != nil {
					return 0, err
				}
			}
		}
	}
	if err := x.setPosition(c, position); err != nil {
		return 0, err
	}
	head, err := c.head()
	return head - position, err
}

// setPosition notes how far the log was followed, and what stands there.
func (x *index) setPosition(c *conn, position int64) error {
	mark, err := c.mark(position)
	if err == nil {
		err = x.setNote("mark", mark)
	}
	if err == nil {
		err = x.setNote("position", strconv.FormatInt(position, 10))
	}
	return err
}

// mark tells a note of the log from another at the same position.
func (c *conn) mark(position int64) (string, error) {
	mark, _, err := c.text(`SELECT "table"||' '||key||' '||at FROM varve_change WHERE position=?`, position)
	return mark, err
}

// sameLog refuses to go on from a position that the log does not have any
// more, or that is of another file: one restored from a backup, or pruned.
func (x *index) sameLog(c *conn, position int64) error {
	noted, err := x.note("mark")
	if err != nil {
		return err
	}
	mark, err := c.mark(position)
	if err == nil && mark != noted {
		err = errs.New(errs.Conflict, "the search index has followed another log")
	}
	return err
}

// renew brings a row's doc up to date, or takes it away with the row.
func (x *index) renew(c *conn, t texts, key string) error {
	found := false
	var thread, text string
	err := c.query(`SELECT "`+t.thread+`","`+t.text+`" FROM `+t.table+` WHERE "id"=?`, func(r sqlcore.Row) error {
		found = true
		thread, _ = r.Text(0)
		text, _ = r.Text(1)
		return nil
	}, key)
	if err != nil {
		return err
	}
	if !found {
		return x.take(t.table, key)
	}
	return x.put(t.table, key, thread, text)
}

func (x *index) put(kind, key, thread, text string) error {
	if err := x.take(kind, key); err != nil {
		return err
	}
	text = chat.Fold(text)
	if utf8.RuneCountInString(text) < shortest {
		return nil // nothing that is searched for here can be in it
	}
	long := len(text) > longest
	err := x.conn.exec(`INSERT INTO doc (kind,key,thread,long) VALUES (?,?,?,?)`, kind, key, thread, long)
	if err != nil || long {
		return err
	}
	return x.conn.exec(`INSERT INTO gram (rowid,text) VALUES (?,?)`, x.conn.db.LastInsertRowID(), text)
}

func (x *index) take(kind, key string) error {
	id, err := x.conn.number(`SELECT id FROM doc WHERE kind=? AND key=?`, kind, key)
	if err != nil || id == 0 {
		return err
	}
	if err := x.conn.exec(`DELETE FROM gram WHERE rowid=?`, id); err != nil {
		return err
	}
	return x.conn.exec(`DELETE FROM doc WHERE id=?`, id)
}
