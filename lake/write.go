package lake

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

// Append adds a file with the bytes that r gives. errs.Exists when there is one
// of its name, or one where it needs a folder, or a folder of its name;
// errs.Invalid, naming the field, for a name that a file system cannot show;
// errs.TooLarge for many bytes where there is no bucket.
func (s *Service) Append(ctx context.Context, f File, r io.Reader) (Record, error) {
	s = s.of(f)
	f, err := s.prepare(ctx, f, r)
	if err != nil {
		return Record{}, err
	}
	return s.enter(ctx, Entry{File: f})
}

// Update changes the fields that are given, by the names of their columns, and
// leaves the others; so it does with the bytes when r is nil. errs.NotFound
// when there is no such file.
func (s *Service) Update(ctx context.Context, n Name, fields state.Row, r io.Reader) (Record, error) {
	row := state.Row{"user_id": s.user, "path": n.Path, "filename": n.Filename}
	for name, value := range fields {
		if !slices.ContainsFunc(new(File).columns(), func(c column) bool { return c.name == name }) {
			return Record{}, errs.Field(errs.Invalid, name, "is nothing that can be changed; there are filetype, version, status, description and labels")
		}
		row[name] = value
	}
	if r != nil {
		var err error
		if row["size"], row["hash"], err = s.keep(ctx, r); err != nil {
			return Record{}, err
		}
	}
	return s.files.Update(ctx, row)
}

// Replace changes the bytes and every field that is not the name; the id stays.
// errs.NotFound when there is no such file.
func (s *Service) Replace(ctx context.Context, f File, r io.Reader) (Record, error) {
	fields := state.Row{}
	for _, c := range f.columns() {
		fields[c.name] = c.value
	}
	return s.of(f).Update(ctx, f.Name(), fields, r)
}

// Put updates a file, or appends it where there is none. Fields that are nil
// stay what they are.
func (s *Service) Put(ctx context.Context, f File, r io.Reader) (Record, error) {
	s = s.of(f)
	f, err := s.prepare(ctx, f, r)
	if err != nil {
		return Record{}, err
	}
	row := state.Row{"user_id": f.UserID, "path": f.Path, "filename": f.Filename, "size": f.Size, "hash": f.Hash}
	for _, c := range f.columns() {
		if c.given {
			row[c.name] = c.value
		}
	}
	for { // until nobody else removes or adds it in between
		done, err := s.files.Update(ctx, row)
		if errors.Is(err, errs.NotFound) {
			done, err = s.enter(ctx, Entry{File: f})
		}
		if !errors.Is(err, errs.Exists) || inTheWay(err) {
			return done, err
		}
	}
}

// Remove deletes a file; its history stays. errs.NotFound when there is none.
func (s *Service) Remove(ctx context.Context, n Name) error {
	_, err := s.files.Delete(ctx, s.key(n)...)
	return err
}

// Undo takes the newest change of a file back, a deletion too, by writing what
// was before it as a new version. Undone twice, two changes are taken back.
func (s *Service) Undo(ctx context.Context, n Name) (Record, error) {
	return s.enter(ctx, Entry{File: File{UserID: s.user, Path: n.Path, Filename: n.Filename}, Undo: true})
}

// of is the lake of the user whose file it is.
func (s *Service) of(f File) *Service {
	if s.user == nil && f.UserID != nil {
		return s.As(*f.UserID)
	}
	return s
}

// prepare checks a new file, gives it an owner and an id, and keeps its bytes.
func (s *Service) prepare(ctx context.Context, f File, r io.Reader) (File, error) {
	if err := f.Name().check(); err != nil {
		return f, err
	}
	if f.UserID == nil {
		f.UserID = s.user
	} else if *f.UserID != *s.user {
		return f, errNotAnothers
	}
	// It is asked again when the file is made; but bytes may be many.
	if err := s.room(ctx, f.Name()); err != nil {
		return f, err
	}
	var err error
	f.ID = s.newID()
	f.Size, f.Hash, err = s.keep(ctx, r)
	return f, err
}

// columns are what may be changed of a file beside its bytes.
func (f *File) columns() []column {
	return []column{
		{"filetype", f.Filetype, f.Filetype != nil},
		{"version", f.Version, f.Version != nil},
		{"status", f.Status, f.Status != nil},
		{"description", f.Description, f.Description != nil},
		{"labels", f.Labels, f.Labels != nil},
	}
}

type column struct {
	name  string
	value any
	given bool
}

// newID makes an id as dkdc does: the time in units of ten microseconds, then
// eight hexadecimal digits of chance.
func (s *Service) newID() string {
	chance := make([]byte, 4)
	rand.Read(chance)
	return fmt.Sprintf("%d-%x", s.opt.Now().UnixMicro()/10, chance)
}
