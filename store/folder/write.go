package folder

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/folder/csv"
	"github.com/varvedb/varve/store/internal/rowquery"
)

// writing runs fn when it is this call's turn, with nothing left unsettled.
func (s *Store) writing(ctx context.Context, fn func() error) error {
	if err := store.Outer(ctx); err != nil {
		return err
	}
	if _, err := s.take(ctx, true); err != nil {
		return err
	}
	defer s.give()
	if err := s.settle(ctx); err != nil {
		return err
	}
	return fn()
}

// Create implements query.Store.
func (d data) Create(ctx context.Context, t query.Table) error {
	return d.writing(ctx, func() error {
		n, err := d.find(t.Name)
		if err == nil {
			old, err := d.load(ctx, n)
			if err != nil {
				return err
			}
			return query.SameTable(&old.Table, &t)
		}
		if !errors.Is(err, errs.NotFound) {
			return err
		}
		r := record{Columns: slices.Clone(t.Columns), Key: t.Key, Made: true}
		return d.replace(ctx, nil, &table{Table: t, file: stemOf(t.Name) + csvEnding, content: csv.New(r.shape())}, r, nil)
	})
}

// Drop implements query.Store.
func (d data) Drop(ctx context.Context, name string) error {
	return d.writing(ctx, func() error {
		n, err := d.find(name)
		if err != nil {
			return err
		}
		t, err := d.describe(ctx, n)
		if err != nil {
			return err
		}
		if !t.Created {
			return errs.Field(errs.Forbidden, "table", "%q was not made here; delete the file %s yourself", name, n.file)
		}
		if err := d.root.Remove(n.file); err != nil {
			return unwritten(err, n.file)
		}
		if err := d.sync("."); err != nil {
			return err
		}
		return d.forget(context.WithoutCancel(ctx), name)
	})
}

// change writes a table anew. next makes of the old one what is to be there, with
// its notes; nil: nothing changes.
func (d data) change(ctx context.Context, w query.Write, next func(old, t *table) ([]change.Event, error), then func(*table)) error {
	return d.writing(ctx, func() error {
		all, err := d.files()
		if err != nil {
			return err
		}
		old, err := d.planned(ctx, all, w.Table)
		if err != nil {
			return err
		}
		if err := d.writable(old); err != nil {
			return err
		}
		t := *old
		content := *old.content
		t.content = &content
		notes, err := next(old, &t)
		if err != nil || notes == nil {
			return err
		}
		if w.Quiet || !d.notes {
			notes = nil
		}
		r := record{Columns: t.Columns, Key: t.Key, Made: t.Created}
		if err := d.replace(ctx, old, &t, r, notes); err != nil {
			return err
		}
		then(&t)
		return nil
	})
}

// writable refuses files that are only read.
func (s *Store) writable(t *table) error {
	if t.content == nil {
		return errs.Field(errs.Unsupported, "table", "%s is a Parquet file, which is only read; insert its rows into another table", t.file)
	}
	info, err := s.root.Lstat(t.file)
	if err != nil {
		return unread(err, t.file+" cannot be read")
	}
	if !info.Mode().IsRegular() {
		return errs.Field(errs.Forbidden, "table", "%s is a link, which a write would replace; write to what it points to", t.file)
	}
	return nil
}

// Update implements query.Store.
func (d data) Update(ctx context.Context, w query.Write, set []query.Assign, where query.Cond) ([]string, error) {
	return d.rows(ctx, w, where, change.Update, func(t *table, i int) ([]any, string, error) {
		row := slices.Clone(t.rows[i])
		for _, a := range set {
			row[a.Column] = a.Value
		}
		line, err := t.content.Changed(t.content.Lines[i], set)
		return row, line, err
	})
}

// Delete implements query.Store.
func (d data) Delete(ctx context.Context, w query.Write, where query.Cond) ([]string, error) {
	return d.rows(ctx, w, where, change.Delete, func(*table, int) ([]any, string, error) { return nil, "", nil })
}

// rows changes the rows that a condition lets through, each to what one makes of
// it; nil is nothing.
func (d data) rows(ctx context.Context, w query.Write, where query.Cond, op change.Op, one func(*table, int) ([]any, string, error)) (keys []string, err error) {
	err = d.change(ctx, w, func(old, t *table) (notes []change.Event, err error) {
		t.rows, t.content.Lines = nil, nil
		at := t.Index(t.Key)
		var found []any
		for i, row := range old.rows {
			line := old.content.Lines[i]
			if rowquery.Holds(row, where) {
				found = append(found, row[at])
				if row, line, err = one(old, i); err != nil {
					return nil, err
				}
			}
			if row != nil {
				t.rows, t.content.Lines = append(t.rows, row), append(t.content.Lines, line)
			}
		}
		slices.SortFunc(found, rowquery.Compare)
		for _, key := range found {
			keys = append(keys, rowquery.KeyText(key))
			notes = append(notes, change.Event{Table: t.Name, Key: rowquery.KeyText(key), Op: op, At: w.Now})
		}
		return notes, nil
	}, func(*table) {})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// replace puts a file into the place of the old one, nil: where there is none.
// It is called when it is this call's turn.
func (s *Store) replace(ctx context.Context, old, t *table, r record, notes []change.Event) error {
	name := Own + "/" + scratch + rand.Text()
	sum, err := s.write(name, old, t)
	if err == nil {
		err = s.place(ctx, name, old, t, &pending{Sum: sum, Record: r, Notes: notes})
	}
	if err != nil {
		return errors.Join(err, ignoreMissing(s.root.Remove(name)))
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// write writes a file durably, with the rights of the old one.
func (s *Store) write(name string, old, t *table) (sum string, err error) {
	f, err := s.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return "", unwritten(err, t.file)
	}
	hash := sha256.New()
	err = t.content.Write(io.MultiWriter(f, hash))
	if size, failed := f.Seek(0, io.SeekCurrent); err == nil && failed == nil && size > s.opt.Memory {
		return "", errors.Join(errs.Field(errs.TooLarge, "table", "%s would have %d bytes; "+tooMuch, t.file, size, s.opt.Memory), f.Close())
	}
	if info, failed := s.root.Lstat(t.file); err == nil && failed == nil && old != nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", unwritten(err, t.file)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// place notes a write, puts its file into place, and makes it known. What has
// begun with the file in its place is no longer given up.
func (s *Store) place(ctx context.Context, name string, old, t *table, p *pending) error {
	quiet := old != nil && old.recorded && len(p.Notes) == 0 // there is nothing to make known
	if !quiet {
		if err := s.announce(ctx, t.Name, p); err != nil {
			return err
		}
	}
	after := context.WithoutCancel(ctx)
	if err := s.swap(ctx, name, old, t); err != nil {
		if !quiet {
			err = errors.Join(err, s.withdraw(after, t.Name))
		}
		return err
	}
	t.sum, t.recorded, t.Created = p.Sum, true, p.Record.Made
	s.remember(t)
	if quiet {
		return nil
	}
	return s.publish(after, t.Name, p)
}

// swap puts a file into the place of the old one, if that is still as it was.
func (s *Store) swap(ctx context.Context, name string, old, t *table) error {
	if old == nil {
		return s.appear(name, t.file)
	}
	now, err := s.load(ctx, named{t.Name, t.file})
	if err != nil {
		return err
	}
	if now.sum != old.sum {
		return errs.Field(errs.Conflict, "table", "another program changed %s at the same time; ask again", t.file)
	}
	if err := s.root.Rename(name, t.file); err != nil {
		return unwritten(err, t.file)
	}
	return s.sync(".")
}

// appear puts a file where there is none. A link fails where there is one, which
// a rename would replace; not every file system has them.
func (s *Store) appear(name, file string) error {
	err := s.root.Link(name, file)
	if errors.Is(err, fs.ErrExist) {
		return errs.Field(errs.Conflict, "table", "another program made %s at the same time; ask again", file)
	}
	if err == nil {
		err = s.root.Remove(name)
	} else if _, there := s.root.Lstat(file); errors.Is(there, fs.ErrNotExist) {
		err = s.root.Rename(name, file)
	}
	if err != nil {
		return unwritten(err, file)
	}
	return s.sync(".")
}

// sync makes durable what names are in a folder.
func (s *Store) sync(name string) error {
	dir, err := s.root.Open(name)
	if err != nil {
		return unwritten(err, name)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return unwritten(err, name)
	}
	return nil
}

// remember keeps what was written, as if it had been read.
func (s *Store) remember(t *table) {
	at := s.slot(t.file)
	at.Lock()
	defer at.Unlock()
	info, err := s.root.Lstat(t.file)
	if err != nil {
		at.table, at.known = nil, table{}
		return
	}
	t.content.Rows = t.rows
	t.stamp, t.settled, t.bytes = stampOf(info), false, info.Size()
	s.put(at, t)
}

func unwritten(err error, file string) error { return unread(err, file+" cannot be written") }
