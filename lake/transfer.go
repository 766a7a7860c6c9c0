package lake

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"path"
	"time"

	"github.com/varvedb/varve/errs"
)

// do takes a step.
func (y *syncing) do(ctx context.Context, name string, do Action) error {
	switch do {
	case Push:
		return y.push(ctx, name)
	case Pull:
		return y.pull(ctx, name)
	case Remove:
		f := y.remote[name]
		if err := y.lake.If(f.Version).Remove(ctx, f.Value.Name()); err != nil {
			return err
		}
	case Discard:
		if err := y.folder.Remove(name); err != nil {
			return unreadable(err)
		}
		delete(y.local, name)
	default:
		return nil
	}
	y.alike(name)
	return nil
}

// push puts a file of the folder into the lake, as the version after the one
// that was looked at.
func (y *syncing) push(ctx context.Context, name string) error {
	f, err := y.folder.Open(name)
	if err != nil {
		return unreadable(err)
	}
	defer f.Close()
	to := y.inLake(name)
	was, there := y.remote[name]
	var now Record
	if there && !deleted(was) {
		now, err = y.lake.If(was.Version).Update(ctx, was.Value.Name(), nil, f)
	} else {
		now, err = y.lake.Append(ctx, File{Path: to.Path, Filename: to.Filename, Filetype: Filetype(to.Filename)}, f)
	}
	if err != nil {
		return err
	}
	if got := now.Value; got.Hash != y.local[name].Hash { // somebody writes to it
		y.local[name] = remembered{Hash: got.Hash, Size: got.Size}
	}
	y.alike(name)
	return nil
}

// pull puts a file of the lake into the folder: whole or not at all, and not
// over one that changed since it was looked at.
func (y *syncing) pull(ctx context.Context, name string) error {
	if err := y.folder.MkdirAll(path.Dir(name), 0o777); err != nil {
		return unreadable(err)
	}
	r, err := y.lake.Read(ctx, y.remote[name])
	if err != nil {
		return err
	}
	defer r.Close()
	temporary := path.Join(path.Dir(name), memoryName+"-"+rand.Text())
	if err := y.write(temporary, r); err != nil {
		y.folder.Remove(temporary)
		return err
	}
	if err := y.unchanged(name); err != nil {
		y.folder.Remove(temporary)
		return err
	}
	if err := y.folder.Rename(temporary, name); err != nil {
		y.folder.Remove(temporary)
		return unreadable(err)
	}
	info, err := y.folder.Stat(name)
	if err != nil {
		return unreadable(err)
	}
	y.local[name] = remembered{Hash: y.remote[name].Value.Hash, Size: info.Size(), Time: info.ModTime()}
	y.alike(name)
	return nil
}

func (y *syncing) write(name string, r io.Reader) error {
	f, err := y.folder.Create(name)
	if err != nil {
		return unreadable(err)
	}
	_, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil && closed != nil {
		err = unreadable(closed)
	}
	return err
}

// unchanged tells whether the folder still has what was looked at.
func (y *syncing) unchanged(name string) error {
	info, err := y.folder.Lstat(name)
	if err == nil && info.IsDir() {
		return errs.New(errs.Exists, "there is a folder of this name")
	}
	was, there := y.local[name]
	if (err == nil) == there && (!there || info.Size() == was.Size && info.ModTime().Equal(was.Time)) {
		return nil
	}
	return errs.New(errs.Conflict, "the file changed in the meantime; run it again")
}

// settled is how long ago a file must have been written for its time to tell
// it from what is written later: clocks of file systems are coarse.
const settled = 2 * time.Second

// remember writes down what is alike now.
func (y *syncing) remember() error {
	for name, m := range y.memory {
		if y.lake.opt.Now().Sub(m.Time) < settled {
			m.Time = time.Time{}
			y.memory[name] = m
		}
	}
	raw, err := json.MarshalIndent(y.memory, "", "\t")
	if err != nil {
		return errs.Wrap(errs.Internal, err, "what is alike cannot be written down")
	}
	temporary := memoryName + "-" + rand.Text()
	if err := y.folder.WriteFile(temporary, raw, 0o666); err != nil {
		return unreadable(err)
	}
	if err := y.folder.Rename(temporary, memoryName); err != nil {
		return unreadable(err)
	}
	return nil
}
