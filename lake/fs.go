package lake

import (
	"cmp"
	"io"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/varvedb/varve/errs"
)

// FS shows one user's files as a file system that can only be read: the state
// of the lake at one moment, whatever is written later. It is an fs.ReadDirFS,
// fs.StatFS and fs.ReadFileFS, safe for concurrent use, and ends with the context
// that it was made with.
type FS struct {
	open  func(Record) (*Reader, error)
	nodes map[string]*node // by the whole path; the top is "."
}

var (
	_ fs.ReadDirFS  = (*FS)(nil)
	_ fs.StatFS     = (*FS)(nil)
	_ fs.ReadFileFS = (*FS)(nil)
)

// newFS makes a tree out of records. Where two cannot be shown together, which
// is refused at write, the first one stays.
func newFS(open func(Record) (*Reader, error), files []Record) *FS {
	f := &FS{open: open, nodes: map[string]*node{".": {name: ".", dir: true}}}
	for i := range files {
		name := files[i].Value.Name()
		full := name.String()
		if f.nodes[full] != nil || f.folders(name, files[i].At) != nil {
			continue
		}
		f.add(full, &node{name: name.Filename, record: &files[i], time: files[i].At})
	}
	for _, n := range f.nodes {
		slices.SortFunc(n.children, func(a, b *node) int { return cmp.Compare(a.name, b.name) })
	}
	return f
}

// folders makes the folders of a file. An error: one of them is a file.
func (f *FS) folders(name Name, at time.Time) error {
	for _, dir := range append([]string{"."}, name.folders()...) {
		n := f.nodes[dir]
		if n == nil {
			n = &node{name: path.Base(dir), dir: true}
			f.add(dir, n)
		}
		if !n.dir {
			return fs.ErrExist
		}
		if n.time.Before(at) {
			n.time = at // of the newest file in it
		}
	}
	return nil
}

func (f *FS) add(full string, n *node) {
	f.nodes[full] = n
	parent := f.nodes[path.Dir(full)]
	parent.children = append(parent.children, n)
}

func (f *FS) find(op, name string) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if n := f.nodes[name]; n != nil {
		return n, nil
	}
	return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// Open implements fs.FS. A file is an io.Seeker too.
func (f *FS) Open(name string) (fs.File, error) {
	n, err := f.find("open", name)
	if err != nil {
		return nil, err
	}
	if n.dir {
		return &folder{node: n}, nil
	}
	r, err := f.open(*n.record)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return file{r, n}, nil
}

// Stat implements fs.StatFS.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	n, err := f.find("stat", name)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// ReadDir implements fs.ReadDirFS.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := f.find("readdir", name)
	if err != nil {
		return nil, err
	}
	return (&folder{node: n}).ReadDir(-1)
}

// ReadFile implements fs.ReadFileFS.
func (f *FS) ReadFile(name string) (_ []byte, err error) {
	n, err := f.find("readfile", name)
	if err != nil {
		return nil, err
	}
	if n.dir {
		return nil, &fs.PathError{Op: "readfile", Path: name, Err: errFolder}
	}
	r, err := f.open(*n.record)
	if err != nil {
		return nil, &fs.PathError{Op: "readfile", Path: name, Err: err}
	}
	defer r.Close()
	all := make([]byte, r.Size())
	if _, err := io.ReadFull(r, all); err != nil {
		return nil, &fs.PathError{Op: "readfile", Path: name, Err: err}
	}
	return all, nil
}

var errFolder = errs.New(errs.Invalid, "it is a folder")

// node is a file or a folder of an FS, and what is told about it.
type node struct {
	name     string
	dir      bool
	time     time.Time
	record   *Record // of a file
	children []*node // of a folder, in the order of their names
}

// Name implements fs.FileInfo.
func (n *node) Name() string { return n.name }

// Size implements fs.FileInfo.
func (n *node) Size() int64 {
	if n.dir {
		return 0
	}
	return n.record.Value.Size
}

// Mode implements fs.FileInfo.
func (n *node) Mode() fs.FileMode {
	if n.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

// ModTime implements fs.FileInfo.
func (n *node) ModTime() time.Time { return n.time }

// IsDir implements fs.FileInfo.
func (n *node) IsDir() bool { return n.dir }

// Sys implements fs.FileInfo: the Record of a file, nil of a folder.
func (n *node) Sys() any {
	if n.dir {
		return nil
	}
	return *n.record
}

// file is an open file.
type file struct {
	*Reader
	node *node
}

// Stat implements fs.File.
func (f file) Stat() (fs.FileInfo, error) { return f.node, nil }

// folder is an open folder.
type folder struct {
	*node
	at int
}

// Stat implements fs.File.
func (f *folder) Stat() (fs.FileInfo, error) { return f.node, nil }

// Read implements fs.File.
func (f *folder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.name, Err: errFolder}
}

// Close implements fs.File.
func (f *folder) Close() error { return nil }

// ReadDir implements fs.ReadDirFile.
func (f *folder) ReadDir(n int) ([]fs.DirEntry, error) {
	if !f.dir {
		return nil, &fs.PathError{Op: "readdir", Path: f.name, Err: fs.ErrInvalid}
	}
	rest := f.children[f.at:]
	if n > 0 {
		if len(rest) == 0 {
			return nil, io.EOF
		}
		rest = rest[:min(n, len(rest))]
	}
	f.at += len(rest)
	list := make([]fs.DirEntry, len(rest))
	for i, child := range rest {
		list[i] = fs.FileInfoToDirEntry(child)
	}
	return list, nil
}
