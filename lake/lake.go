// Package lake keeps files in versioned tables: names and what is known about
// them in one, bytes under their hash in another, so that what is there twice
// is kept once. Bytes that are too large for a row go to a bucket.
//
//	files := lake.New(db, lake.Options{Bucket: bucket})
//	_, err := files.Append(ctx, lake.File{Filename: "test.txt"}, strings.NewReader("hello world"))
//	r, err := files.Open(ctx, lake.At("test.txt"))
//	was, err := files.AsOf(state.AtTime(yesterday)).FS(ctx) // an fs.FS
//
// Names that no file system can show are refused when they are written, so that
// every state of a lake is one.
package lake

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/state"
)

// The names of the tables, for whoever reads them with SQL.
const (
	Table        = "lake"
	ContentTable = "lake_content"
	FolderTable  = "lake_folder"
)

// File is what is known about a file. Its user, path and filename are its key,
// and never change. Fields that may be nil are NULL then.
type File struct {
	ID          string   `state:"id" json:"id"`                     // made when it is appended, and kept
	UserID      *string  `state:"user_id,key,owner" json:"user_id"` // nil: it is nobody's
	Path        *string  `state:"path,key" json:"path"`
	Filename    string   `state:"filename,key" json:"filename"`
	Filetype    *string  `state:"filetype" json:"filetype"`
	Size        int64    `state:"size" json:"size"`       // of the bytes; it and Hash are found out
	Hash        string   `state:"hash" json:"hash"`       // SHA-256 of the bytes, in hexadecimal
	Version     *int64   `state:"version" json:"version"` // the caller's; nothing here counts it
	Status      *string  `state:"status" json:"status"`
	Description *string  `state:"description" json:"description"`
	Labels      []string `state:"labels" json:"labels"` // any text, commas too
}

// Name is the name of the file.
func (f File) Name() Name { return Name{Path: f.Path, Filename: f.Filename} }

// Record is one version of a file: which and when it is, and the file.
type Record = state.RecordOf[File]

// Options tune a [Service].
type Options struct {
	// Bucket keeps bytes of more than Inline; nil: there is no place for them.
	Bucket Bucket
	// Update runs fn in one transaction of the database, in which tx has its
	// tables; it may run it again. nil: there are none, and two writers at
	// once can make a file and a folder of one name.
	Update func(ctx context.Context, fn func(ctx context.Context, tx state.Database) error) error
	// Enter makes new files, in place of this lake, where its tables are a
	// server's. nil: they are made here.
	Enter func(context.Context, Entry) (Record, error)
	// Temp is the folder for large streams that can be read once only, which
	// are hashed before they are stored. Default: the system's.
	Temp string
	// Secret signs links; processes that share a database share it. nil: a
	// random one.
	Secret []byte
	Now    func() time.Time
}

// Service is a lake. It is safe for concurrent use.
//
// Acting for a user it sees and writes their files only. Acting for nobody it
// lists everybody's, and a name means a file that is nobody's.
type Service struct {
	tables   *state.Service
	files    *state.RowsOf[File]
	contents *state.RowsOf[content]
	folders  *state.RowsOf[mark]
	user     *string
	actor    string
	expect   int64
	opt      Options
}

// New opens the lake of a database. Its tables are made at their first use.
func New(db state.Database, opt Options) *Service {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Secret == nil {
		opt.Secret = make([]byte, 32)
		rand.Read(opt.Secret)
	}
	return &Service{
		tables:   db.State(),
		files:    must(state.TableOf[File](db, Table)),
		contents: must(state.TableOf[content](db, ContentTable)),
		folders:  must(state.TableOf[mark](db, FolderTable)),
		opt:      opt,
	}
}

// must: that a struct of this package is a table is not for callers to mend.
func must[T any](rows *state.RowsOf[T], err error) *state.RowsOf[T] {
	if err != nil {
		panic(err)
	}
	return rows
}

// with returns the same lake with other handles of its files.
func (s *Service) with(files *state.RowsOf[File]) *Service {
	other := *s
	other.files = files
	return &other
}

// As returns the lake of one user. An empty user is one like any other.
func (s *Service) As(user string) *Service {
	as := s.with(s.files.As(user))
	as.user = &user
	return as
}

// By returns the lake with a name that versions bear as their author.
func (s *Service) By(actor string) *Service {
	by := s.with(s.files.By(actor))
	by.actor = actor
	return by
}

// If returns the lake for writes that must find a file at a version, by the
// number that its record has; any other is errs.Conflict.
func (s *Service) If(version int64) *Service {
	cas := s.with(s.files.If(version))
	cas.expect = version
	return cas
}

// Get returns what is known about a file. errs.NotFound when there is none.
func (s *Service) Get(ctx context.Context, n Name) (Record, error) {
	return s.files.Latest(ctx, s.key(n)...)
}

// Contains tells whether there is a file.
func (s *Service) Contains(ctx context.Context, n Name) (bool, error) {
	return s.files.Contains(ctx, s.key(n)...)
}

// ContainsPath tells whether there are files on a path; those below it are on
// others.
func (s *Service) ContainsPath(ctx context.Context, path *string) (bool, error) {
	q := s.own(false)
	q.Where, q.First = append(q.Where, state.Condition{Column: "path", Op: state.Equal, Value: path}), 1
	found, err := s.files.All(ctx, q)
	return len(found.Data) > 0, err
}

// List returns a page of files, unless q says otherwise the newest first.
func (s *Service) List(ctx context.Context, q state.Query) (page.Page[Record], error) {
	return s.files.All(ctx, inOrder(q))
}

// History returns the versions of a file, newest first. errs.NotFound when
// there never was one.
func (s *Service) History(ctx context.Context, n Name, p page.Request) (page.Page[Record], error) {
	return s.files.History(ctx, p, s.key(n)...)
}

// AsOf is the lake as it was, for reading.
func (s *Service) AsOf(at state.Point) *View { return &View{s, s.files.AsOf(at)} }

// FS is the lake of one user as it is now, as a file system. It holds the names
// of all files in memory, and their bytes are read when they are opened.
func (s *Service) FS(ctx context.Context) (*FS, error) {
	rows, err := s.files.Rows(ctx)
	if err != nil {
		return nil, err
	}
	head, err := rows.Head(ctx)
	if err != nil {
		return nil, err
	}
	return s.AsOf(state.AtPosition(head.Seq)).FS(ctx)
}

// View is the lake as it was at some point.
type View struct {
	lake  *Service
	files *state.ViewOf[File]
}

// Get returns what was known about a file. errs.NotFound when there was none.
func (v *View) Get(ctx context.Context, n Name) (Record, error) {
	return v.files.Latest(ctx, v.lake.key(n)...)
}

// List returns a page of the files there were, see [Service.List].
func (v *View) List(ctx context.Context, q state.Query) (page.Page[Record], error) {
	return v.files.All(ctx, inOrder(q))
}

// FS is [Service.FS] as of the view.
func (v *View) FS(ctx context.Context) (*FS, error) {
	var files []Record
	for f, err := range v.files.Each(ctx, v.lake.own(false)) {
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	open := func(f Record) (*Reader, error) { return v.lake.Read(ctx, f) }
	return newFS(open, files), nil
}

// key is the key of the file that a name means.
func (s *Service) key(n Name) []any { return []any{s.user, n.Path, n.Filename} }

// own asks for the files that names can mean.
func (s *Service) own(deleted bool) state.Query {
	return state.Query{Where: []state.Condition{{Column: "user_id", Op: state.Equal, Value: s.user}}, Deleted: deleted}
}

func inOrder(q state.Query) state.Query {
	if q.Order == nil {
		q.Order = []state.Order{{Column: "_seq", Descending: true}}
	}
	return q
}
