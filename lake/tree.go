package lake

import (
	"context"
	"errors"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

// mark says that there is, or was, a file below a folder, so that a new file
// need not look at all others for one that it would hide. Marks are made before
// the file and never taken away.
type mark struct {
	UserID *string `state:"user_id,key,owner"`
	Path   string  `state:"path,key"`
}

// room refuses a new file that would stand where a folder is, or in a folder
// where a file stands: a file system cannot show both.
func (s *Service) room(ctx context.Context, n Name) error {
	for _, dir := range n.folders() {
		if is, err := s.isFile(ctx, dir); is || err != nil {
			return errors.Join(err, taken(is, dir, "file"))
		}
	}
	is, err := s.isFolder(ctx, n.String())
	return errors.Join(err, taken(is, n.String(), "folder"))
}

// inTheWay tells that room was refused, from a file that is there already.
func inTheWay(err error) bool {
	var e *errs.Error
	return errors.As(err, &e) && e.Kind == errs.Exists && e.Field == inPath
}

const inPath = "path"

func taken(is bool, full, kind string) error {
	if !is {
		return nil
	}
	return errs.Field(errs.Exists, inPath, "%q is a %s; a file system cannot show a file and a folder of one name", full, kind)
}

// isFile tells whether a file has a whole path, on no path or an empty one too.
func (s *Service) isFile(ctx context.Context, full string) (bool, error) {
	n := At(full)
	is, err := s.Contains(ctx, n)
	if n.Path == nil && !is && err == nil {
		return s.Contains(ctx, Name{Path: new(""), Filename: n.Filename})
	}
	return is, err
}

// isFolder tells whether there are files below a path.
func (s *Service) isFolder(ctx context.Context, full string) (bool, error) {
	marked, err := s.folders.Contains(ctx, s.user, full)
	if !marked || err != nil {
		return false, err
	}
	for _, below := range [][]state.Condition{
		{{Column: "path", Op: state.Equal, Value: full}},
		{{Column: "path", Op: state.Greater, Value: full + "/"}, {Column: "path", Op: state.Less, Value: full + "0"}}, // 0 comes after /
	} {
		q := s.own(false)
		q.Where, q.First = append(q.Where, below...), 1
		if found, err := s.files.All(ctx, q); err != nil || len(found.Data) > 0 {
			return len(found.Data) > 0, err
		}
	}
	return false, nil
}

// mark marks folders, the outermost first. The innermost has a mark only if
// all others have. With locked it writes one in any case, that of the topmost
// folder where there is no other: whoever writes to this table next waits until
// the transaction ends.
func (s *Service) mark(ctx context.Context, folders []string, locked bool) error {
	if len(folders) == 0 {
		if !locked {
			return nil
		}
		folders = []string{""}
	}
	last := len(folders) - 1
	marked, err := s.folders.Contains(ctx, s.user, folders[last])
	if marked {
		folders = folders[last:]
	}
	if marked && !locked || err != nil {
		return err
	}
	rows, err := s.folders.Rows(ctx)
	if err != nil {
		return err
	}
	changes := make([]state.Change, len(folders))
	for i, dir := range folders {
		changes[i] = state.Change{Op: state.OpPut, Row: state.Row{"user_id": s.user, "path": dir}}
	}
	_, err = rows.Write(ctx, changes...)
	return err
}
