package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/config"
	"github.com/varvedb/varve/server"
)

func pid() int { return os.Getpid() }

// defaultDatabase is the one that a server and the commands use when no other
// is named.
func defaultDatabase(c config.Config) config.Database {
	url := c.URL
	if url == "" {
		url = folderURL(c.Data)
	}
	return config.Database{Name: server.DefaultDatabase, URL: url}
}

// folderURL names a folder so that a colon in it is not taken for a scheme's,
// and the same folder is always named alike.
func folderURL(folder string) string {
	if abs, err := filepath.Abs(folder); err == nil {
		return abs
	}
	return folder
}

// openDatabase opens a database with its files in the data folder: elements/
// for the default one, databases/NAME/elements/ for another. A database that
// is named by a folder of its own keeps them there. In a place that --elements
// names, the keys of another than the default one begin with databases/NAME/.
// Without any of it bytes are beside a database in files, unless another data
// folder than the default was named.
func (p *program) openDatabase(ctx context.Context, d config.Database) (*varve.DB, error) {
	c := p.config
	o := varve.Options{PublicURL: c.PublicURL, LinkLife: c.LinkLife, Address: address(c.Listen), Name: d.Name, Elements: c.Elements,
		Metadata: c.Metadata, Artifacts: c.Artifacts, Compute: c.Compute, Examine: p.examining, Log: p.log}
	if p.retaining {
		o.Retain = c.Retain
	}
	if d.Name != server.DefaultDatabase {
		o.Within = "databases/" + d.Name + "/"
	}
	folder := c.Data
	if d.Name != server.DefaultDatabase {
		folder = filepath.Join(c.Data, "databases", d.Name)
	}
	if d.Name == server.DefaultDatabase || !isFolder(d.URL) {
		p.data(&o, folder)
	}
	db, err := all.Open(ctx, d.URL, &o)
	if errors.Is(err, errs.Invalid) || errors.Is(err, errs.Unsupported) {
		return nil, usage{err} // which another try does not change
	}
	return db, err
}

// data gives a database its data folder, which is no more than a default where
// nobody named another than that: to name the default is to name nothing.
func (p *program) data(o *varve.Options, folder string) {
	if p.namedData() {
		o.Data = folder
	} else {
		o.DefaultData = folder
	}
}

func (p *program) namedData() bool { return folderURL(p.config.Data) != folderURL(varve.DefaultData) }

// isFolder tells whether a URL is the name of a data folder.
func isFolder(url string) bool {
	src, err := varve.ParseURL(url)
	return err == nil && src.Scheme == "sqlite" && src.Path == filepath.Join(url, "varve.db")
}
