package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/transfer/archive"
)

// Form reads what [Create] wrote, and what other programs made of it as long as
// rows are in order.
func Form() archive.Form {
	return archive.Form{Name: "parquet", Is: is, Read: Read}
}

func is(path string, head []byte) bool {
	if head != nil {
		return false // one table is not enough
	}
	_, err := os.Stat(filepath.Join(path, "threads.parquet"))
	return err == nil
}

// rows reads a table row by row. Libraries that read columns panic over files
// that are not what they say; here that is an error.
type rows[Row any] struct {
	name   string
	file   *os.File
	in     *parquet.GenericReader[Row]
	schema *parquet.Schema
	values []parquet.Row

	columns []column          // of values
	thread  func(*Row) string // the id by which the rows are in order
	block   []Row
	next    int
	row     int64 // of the next one
	ended   bool
}

// column is what the values of a column are like.
type column struct {
	kind              parquet.Kind
	repeated, defined int
}

func open[Row any](folder, name string, thread func(*Row) string) (r *rows[Row], err error) {
	r = &rows[Row]{name: name + ".parquet", thread: thread}
	defer r.guard(&err)
	r.file, err = os.Open(filepath.Join(folder, r.name))
	if err != nil {
		return r, errs.Field(errs.Invalid, "path", "%s cannot be opened; a folder of tables has %[1]s too: export again", r.name)
	}
	info, err := r.file.Stat()
	if err != nil {
		return r, err
	}
	f, err := parquet.OpenFile(r.file, info.Size(), parquet.SkipBloomFilters(true))
	if err != nil {
		return r, err
	}
	if v, ok := f.Lookup(versionKey); ok {
		if n, err := strconv.Atoi(v); err != nil || n > archive.Version || n < 1 {
			return r, errs.New(errs.Unsupported, "%s says version %q, and this program knows versions up to %d: take a newer one", r.name, v, archive.Version)
		}
	}
	if err := r.check(f.Schema(), parquet.SchemaOf(new(Row))); err != nil {
		return r, err
	}
	r.in, r.schema = parquet.NewGenericReader[Row](f), parquet.SchemaOf(new(Row))
	for _, path := range r.schema.Columns() {
		l, _ := r.schema.Lookup(path...)
		r.columns = append(r.columns, column{l.Node.Type().Kind(), l.MaxRepetitionLevel, l.MaxDefinitionLevel})
	}
	r.values = make([]parquet.Row, 64)
	return r, nil
}

// guard makes errors of what the library met.
func (r *rows[Row]) guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%v", p)
	}
	var known *errs.Error
	if *err != nil && !errors.As(*err, &known) {
		*err = errs.Wrap(errs.Invalid, *err, "%s cannot be read as Parquet from row %d on; export again", r.name, r.row)
	}
}

// check holds the columns of a file to those of the table.
func (r *rows[Row]) check(has, want *parquet.Schema) error {
	known := map[string]parquet.Field{}
	for _, f := range want.Fields() {
		known[f.Name()] = f
	}
	for _, f := range has.Fields() {
		w, ok := known[f.Name()]
		if !ok {
			return errs.Field(errs.Invalid, f.Name(), "is a column of %s that Varve does not know; put it into \"other\" or metadata, or leave it out", r.name)
		}
		delete(known, f.Name())
		if !alike(leaf(f), leaf(w)) {
			return errs.Field(errs.Invalid, f.Name(), "of %s is of type %s and should be %s", r.name, leaf(f).Type(), leaf(w).Type())
		}
	}
	for name, f := range known {
		if f.Leaf() && f.Required() {
			return errs.Field(errs.Invalid, name, "is a column that %s must have", r.name)
		}
	}
	return nil
}

// leaf is the column of values in a field; a list has it further down.
func leaf(n parquet.Node) parquet.Node {
	for !n.Leaf() && len(n.Fields()) == 1 {
		n = n.Fields()[0]
	}
	return n
}

func alike(a, b parquet.Node) bool {
	if !a.Leaf() || a.Type().Kind() != b.Type().Kind() {
		return false
	}
	return unit(a) == unit(b)
}

// unit is that of a column of times, "" for others.
func unit(n parquet.Node) string {
	if l := n.Type().LogicalType(); l != nil {
		if at, ok := l.Value.(*format.TimestampType); ok {
			return at.Unit.String()
		}
	}
	return ""
}

// peek returns the next row, nil at the end.
func (r *rows[Row]) peek() (row *Row, err error) {
	defer r.guard(&err)
	if r.next == len(r.block) && !r.ended {
		if err := r.read(); err != nil {
			return nil, err
		}
	}
	if r.next == len(r.block) {
		return nil, nil
	}
	return &r.block[r.next], nil
}

// read reads some rows. In a file that is not what it says a row may be without
// the value of a column, or have one of another type; the library would then
// take numbers for addresses. So rows are looked at first.
func (r *rows[Row]) read() error {
	n, err := r.in.ReadRows(r.values)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	r.ended = errors.Is(err, io.EOF) || n == 0
	r.block, r.next = make([]Row, n), 0
	for i, row := range r.values[:n] {
		if !r.sound(row) {
			return errors.New("the values of a row do not fit its columns")
		}
		if err := r.schema.Reconstruct(&r.block[i], row); err != nil {
			return err
		}
	}
	return nil
}

// sound tells whether a row has a value of the right type for each column in
// turn, and several for lists only.
func (r *rows[Row]) sound(row parquet.Row) bool {
	last := -1
	for _, v := range row {
		c := v.Column()
		if c != last+1 && (c != last || v.RepetitionLevel() == 0) || c >= len(r.columns) {
			return false
		}
		at := r.columns[c]
		if v.RepetitionLevel() > at.repeated || v.DefinitionLevel() > at.defined || !v.IsNull() && v.Kind() != at.kind ||
			v.IsNull() && at.defined == 0 {
			return false
		}
		last = c
	}
	return last == len(r.columns)-1
}

// take goes on to the next row.
func (r *rows[Row]) take() {
	r.next++
	r.row++
}

// of hands out the rows of a thread. They must be here: what comes before them
// belongs to no thread, or is out of order.
func (r *rows[Row]) of(thread string, each func(*Row) error) error {
	for {
		row, err := r.peek()
		if err != nil || row == nil {
			return err
		}
		id := r.thread(row)
		if id < thread {
			return r.wrong(errs.Field(errs.Invalid, "threadId", "is of no row in threads.parquet, or out of order: tables are to be sorted by it, and threads.parquet by id"))
		}
		if id > thread {
			return nil
		}
		if err := each(row); err != nil {
			return r.wrong(err)
		}
		r.take()
	}
}

func (r *rows[Row]) wrong(err error) error {
	return archive.Wrong(fmt.Sprintf("%s:%d", r.name, r.row+1), err)
}

func (r *rows[Row]) close() {
	if r.in != nil {
		r.in.Close()
	}
	if r.file != nil {
		r.file.Close()
	}
}

// folder is the five tables while they are read side by side.
type folder struct {
	users     *rows[userRow]
	threads   *rows[threadRow]
	steps     *rows[stepRow]
	elements  *rows[elementRow]
	feedbacks *rows[feedbackRow]
}

// Read hands the rows of the tables in a folder to a Sink.
func Read(ctx context.Context, path string, into archive.Sink) error {
	var f folder
	var failed [5]error
	f.users, failed[0] = open(path, "users", func(r *userRow) string { return r.Identifier })
	f.threads, failed[1] = open(path, "threads", func(r *threadRow) string { return r.ID })
	f.steps, failed[2] = open(path, "steps", func(r *stepRow) string { return r.ThreadID })
	f.elements, failed[3] = open(path, "elements", func(r *elementRow) string { return r.ThreadID })
	f.feedbacks, failed[4] = open(path, "feedbacks", func(r *feedbackRow) string { return r.ThreadID })
	defer f.close()
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	for {
		u, err := f.users.peek()
		if err != nil {
			return err
		}
		if u == nil {
			break
		}
		user, err := u.user()
		if err == nil {
			err = into.User(user)
		}
		if err != nil {
			return f.users.wrong(err)
		}
		f.users.take()
	}
	return f.join(ctx, into)
}

func (f *folder) close() {
	f.users.close()
	f.threads.close()
	f.steps.close()
	f.elements.close()
	f.feedbacks.close()
}

// join puts threads together from rows that are in the same order.
func (f *folder) join(ctx context.Context, into archive.Sink) error {
	for last := ""; ; {
		if err := ctx.Err(); err != nil {
			return errs.Wrap(errs.Unavailable, err, "the import was given up")
		}
		row, err := f.threads.peek()
		if err != nil {
			return err
		}
		if row == nil {
			return f.rest()
		}
		if row.ID <= last {
			return f.threads.wrong(errs.Field(errs.Invalid, "id", "is there twice or out of order: threads.parquet is to be sorted by it"))
		}
		last = row.ID
		t, files, err := f.thread(row)
		if err != nil {
			return err
		}
		if err := into.Thread(&t, files); err != nil {
			return f.threads.wrong(err)
		}
		f.threads.take()
	}
}

func (f *folder) thread(row *threadRow) (t chat.Thread, files map[string]archive.File, err error) {
	if t, err = row.thread(); err != nil {
		return t, nil, f.threads.wrong(err)
	}
	steps := map[string]int{}
	err = f.steps.of(t.ID, func(r *stepRow) error {
		s, err := r.step()
		steps[s.ID] = len(t.Steps)
		t.Steps = append(t.Steps, s)
		return err
	})
	if err != nil {
		return t, nil, err
	}
	err = f.elements.of(t.ID, func(r *elementRow) error {
		e, file, err := r.element()
		t.Elements = append(t.Elements, e)
		if file.SHA256 != "" {
			if files == nil {
				files = map[string]archive.File{}
			}
			files[e.ID] = file
		}
		return err
	})
	if err != nil {
		return t, nil, err
	}
	err = f.feedbacks.of(t.ID, func(r *feedbackRow) error {
		fb := r.feedback()
		if i, ok := steps[fb.ForID]; !ok {
			t.Loose = append(t.Loose, fb)
		} else if t.Steps[i].Feedback != nil {
			return errs.Field(errs.Invalid, "forId", "names a step that has a feedback already")
		} else {
			t.Steps[i].Feedback = &fb
		}
		return nil
	})
	return t, files, err
}

// rest refuses rows behind those of the last thread.
func (f *folder) rest() error {
	for _, behind := range []func() (bool, error){
		func() (bool, error) { r, err := f.steps.peek(); return r != nil, err },
		func() (bool, error) { r, err := f.elements.peek(); return r != nil, err },
		func() (bool, error) { r, err := f.feedbacks.peek(); return r != nil, err },
	} {
		more, err := behind()
		if err != nil {
			return err
		}
		if more {
			return errs.Field(errs.Invalid, "threadId", "of the last rows of a table is in no row of threads.parquet, or out of order: tables are to be sorted by it")
		}
	}
	return nil
}
