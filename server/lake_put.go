package server

import (
	"context"
	"io"
	"net/url"
	"strconv"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/lake"
	"github.com/varvedb/varve/server/wire"
	"github.com/varvedb/varve/state"
)

// putFile stores the body of a call as a version of a file.
func (s *Server) putFile(ctx context.Context, c *call) error {
	files, err := c.lake()
	if err != nil {
		return err
	}
	f, err := fileOf(c)
	if err != nil {
		return err
	}
	if c.r.ContentLength > s.opt.MaxContent {
		return tooLarge("the content", s.opt.MaxContent)
	}
	body := s.contentOf(c, c.r.Body)
	stored, err := write(ctx, files, c.r.URL.Query(), f, body)
	if body.err != nil {
		err = body.err // what the caller did says more than what it led to
	}
	if err != nil {
		return err
	}
	return writeJSON(c, wire.FileOf(stored))
}

func write(ctx context.Context, files *lake.Service, q url.Values, f lake.File, r io.Reader) (lake.Record, error) {
	switch mode := q.Get("mode"); mode {
	case "", "put":
		return files.Put(ctx, f, r)
	case "append":
		return files.Append(ctx, f, r)
	case "update":
		return files.Update(ctx, f.Name(), fields(q, f, false), r)
	case "replace":
		return files.Update(ctx, f.Name(), fields(q, f, true), r)
	}
	return lake.Record{}, errs.Field(errs.Invalid, "mode", "must be put, append, update or replace")
}

// patchFile changes what is known about a file.
func (s *Server) patchFile(ctx context.Context, c *call, _ *FileFields) (wire.File, error) {
	files, err := c.lake()
	if err != nil {
		return wire.File{}, err
	}
	f, err := fileOf(c)
	if err != nil {
		return wire.File{}, err
	}
	stored, err := files.Update(ctx, f.Name(), fields(c.r.URL.Query(), f, false), nil)
	return wire.FileOf(stored), err
}

// enterFile makes a file for a lake that stands on this server's tables. Who
// acts for a user may not: to know the hash of some bytes is not to have them.
func (s *Server) enterFile(ctx context.Context, c *call, _ *struct{}) (wire.File, error) {
	files, err := c.lake()
	if err == nil && c.actor != "" {
		err = errs.New(errs.Forbidden, "files are entered by callers that act for no user; put them with their bytes")
	}
	var body wire.Entry
	if err == nil {
		err = s.body(c, &body)
	}
	if err != nil {
		return wire.File{}, err
	}
	stored, err := files.Enter(ctx, body.Entry())
	return wire.FileOf(stored), err
}

// fileOf reads what the parameters of a call say about a file.
func fileOf(c *call) (lake.File, error) {
	q := c.r.URL.Query()
	name := fileName(c)
	f := lake.File{Path: name.Path, Filename: name.Filename, Filetype: optional(q, "filetype"),
		Status: optional(q, "status"), Description: optional(q, "description"), Labels: q["label"]}
	if version := q.Get("version"); version != "" {
		n, err := strconv.ParseInt(version, 10, 64)
		if err != nil {
			return f, errs.Field(errs.Invalid, "version", "is not a whole number")
		}
		f.Version = &n
	}
	return f, nil
}

// fields are the columns that a call gives; whole: all of them.
func fields(q url.Values, f lake.File, whole bool) state.Row {
	all := state.Row{"filetype": f.Filetype, "version": f.Version, "status": f.Status, "description": f.Description, "labels": f.Labels}
	for column, param := range map[string]string{"filetype": "filetype", "version": "version", "status": "status", "description": "description", "labels": "label"} {
		if !whole && !q.Has(param) {
			delete(all, column)
		}
	}
	return all
}
