package lake

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

// look learns what both sides have.
func (y *syncing) look(ctx context.Context) error {
	raw, err := y.folder.ReadFile(memoryName)
	if err == nil {
		err = json.Unmarshal(raw, &y.memory)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errs.Wrap(errs.Invalid, err, "%s cannot be read; remove it, and files that differ become conflicts", memoryName)
	}
	if err := y.lookAtFolder(ctx); err != nil {
		return err
	}
	return y.lookAtLake(ctx)
}

func (y *syncing) lookAtFolder(ctx context.Context) error {
	y.local, y.refused = map[string]remembered{}, map[string]string{}
	return fs.WalkDir(y.folder.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return unreadable(err)
		case ctx.Err() != nil:
			return ctx.Err()
		case name == ".":
			return nil
		case y.excluded(name) && d.IsDir():
			return fs.SkipDir
		case y.excluded(name) || d.IsDir():
			return nil
		case !d.Type().IsRegular():
			y.refused[name] = "it is no plain file"
			return nil
		}
		if err := y.inLake(name).check(); err != nil {
			y.refused[name] = err.Error()
			return nil
		}
		y.local[name], err = y.examine(name)
		return err
	})
}

func (y *syncing) excluded(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, memoryName) || slices.ContainsFunc(y.o.Exclude, func(pattern string) bool {
		whole, _ := path.Match(pattern, name) // patterns were checked
		last, _ := path.Match(pattern, base)
		return whole || last
	})
}

// examine hashes a file of the folder, unless it is the one that is remembered.
func (y *syncing) examine(name string) (remembered, error) {
	f, err := y.folder.Open(name)
	if err != nil {
		return remembered{}, unreadable(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return remembered{}, unreadable(err)
	}
	was, ok := y.memory[name]
	if ok && !was.Time.IsZero() && was.Time.Equal(info.ModTime()) && was.Size == info.Size() {
		return was, nil
	}
	d, err := digestOf(f)
	if err != nil {
		return remembered{}, unreadable(err)
	}
	return remembered{Hash: d.hash, Size: d.size, Time: info.ModTime()}, nil
}

func unreadable(err error) error {
	return errs.Wrap(errs.Unavailable, err, "the folder cannot be read or written")
}

// lookAtLake learns what the lake has and had. Where a name is there on no path
// and on an empty one, the first counts.
func (y *syncing) lookAtLake(ctx context.Context) error {
	y.remote = map[string]Record{}
	for f, err := range y.lake.files.Each(ctx, y.lake.own(true)) {
		if err != nil {
			return err
		}
		name, ok := y.inFolder(f.Value.Name().String())
		if have, twice := y.remote[name]; ok && !y.excluded(name) && (!twice || deleted(have)) {
			y.remote[name] = f
		}
	}
	return nil
}

func deleted(f Record) bool { return f.Op == state.OpDelete }

// inLake is the name in the lake of a file of the folder.
func (y *syncing) inLake(name string) Name { return At(path.Join(y.o.Path, name)) }

func (y *syncing) inFolder(full string) (name string, ok bool) {
	if y.o.Path == "" {
		return full, true
	}
	return strings.CutPrefix(full, y.o.Path+"/")
}
