package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/config"
	"github.com/varvedb/varve/server"
)

// found is where a database is: at a server, or opened by this process.
type found struct {
	server *client.Client
	name   string // of the server and of the database at it, without secrets
	db     *varve.DB
}

// Close gives it back.
func (f found) Close() error {
	if f.server != nil {
		return f.server.Close()
	}
	return f.db.Close()
}

// opener opens a database in this process.
type opener func(context.Context, config.Database) (*varve.DB, error)

// find finds a database: at the server that --url names, at the one that holds
// the data folder, or by opening the database itself.
func (p *program) find(ctx context.Context, name string, open opener) (found, error) {
	c := p.config
	if isServer(c.URL) {
		return call(c.URL, client.Options{APIKey: c.Key, Database: name})
	}
	d, known := findDatabase(c, name)
	h, held := holder(ctx, c.Data)
	if held {
		if served, ok := h.serves(d, known); ok {
			p.log.Debug("through the server that holds the folder", "database", served)
			path, err := filepath.Abs(filepath.Join(c.Data, socketName))
			if err != nil {
				return found{}, errs.Wrap(errs.Invalid, err, "the data folder cannot be named")
			}
			return call("unix:"+path, client.Options{Database: served})
		}
	}
	if !known {
		return found{}, unknownDatabase(d.Name)
	}
	db, err := open(ctx, d)
	return found{db: db}, err
}

func call(address string, o client.Options) (found, error) {
	c, err := client.New(address, o)
	name := "the server " + varve.Source{URL: address}.Redacted()
	if o.Database != "" {
		name += ", database " + o.Database
	}
	return found{server: c, name: name}, err
}

// conversations are a database's, wherever they are.
type conversations struct {
	chat.API
	Close func() error
}

// reach finds the conversations of a database.
func (p *program) reach(ctx context.Context, name string) (conversations, error) {
	at, err := p.find(ctx, name, p.openExisting)
	if err != nil {
		return conversations{}, err
	}
	if at.server != nil {
		return conversations{at.server.Chat(), at.Close}, nil
	}
	return conversations{at.db.Chat(), at.Close}, nil
}

func isServer(url string) bool {
	return strings.HasPrefix(url, "http://") || strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "unix:")
}

// findDatabase finds a database in the configuration, where known tells
// whether it is there. The default one is there always.
func findDatabase(c config.Config, name string) (d config.Database, known bool) {
	if name == "" || name == server.DefaultDatabase {
		return defaultDatabase(c), true
	}
	i := slices.IndexFunc(c.Databases, func(d config.Database) bool { return d.Name == name })
	if i < 0 {
		return config.Database{Name: name}, false
	}
	return c.Databases[i], true
}

// serves tells under which name a server has a database. One that is not in
// this process's configuration may be in the server's.
func (h holding) serves(d config.Database, known bool) (name string, ok bool) {
	if !known {
		_, ok = h.Databases[d.Name]
		return d.Name, ok
	}
	src, err := varve.ParseURL(d.URL)
	if err != nil {
		return "", false // opening it will tell
	}
	if h.Databases[d.Name] == src.Redacted() {
		return d.Name, true
	}
	for name, url := range h.Databases {
		if url == src.Redacted() {
			return name, true
		}
	}
	return "", false
}

func unknownDatabase(name string) error {
	return errs.Field(errs.NotFound, "database", "there is no database %q: name it with `database` in varve.yaml, or start a server that has it", name)
}

// openExisting opens a database, but does not make one: a command in the wrong
// folder should say so rather than find nothing.
func (p *program) openExisting(ctx context.Context, d config.Database) (*varve.DB, error) {
	src, err := varve.ParseURL(d.URL)
	if err == nil {
		err = there(src)
	}
	if err != nil {
		return nil, err
	}
	return p.openDatabase(ctx, d)
}

// there tells when a database is a file that does not exist.
func there(src varve.Source) error {
	if src.Scheme != "sqlite" && src.Scheme != "duckdb" && src.Scheme != "csv" {
		return nil
	}
	if _, err := os.Stat(src.Path); errors.Is(err, fs.ErrNotExist) {
		return errs.Field(errs.NotFound, "data", "there is no database %s; name its folder with --data or the database with --url", src.Path)
	}
	return nil
}
