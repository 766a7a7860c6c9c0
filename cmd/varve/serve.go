package main

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/server/keys"
	"github.com/varvedb/varve/server/wire"
)

type serveCommand struct {
	Listen     []string `config:"" help:"Where to listen: HOST:PORT, or unix for the socket in the data folder only; can be repeated (default: 127.0.0.1:8484)." placeholder:"ADDR"`
	PublicURL  string   `config:"" name:"public-url" help:"How browsers reach the server; makes addresses of files absolute." placeholder:"URL"`
	LinkLife   string   `config:"" help:"How long signed addresses of files work: 30m, 12h, 2d (default: 1h)." placeholder:"AGE"`
	CORSOrigin []string `config:"" name:"cors-origin" help:"An origin whose pages may call; can be repeated." placeholder:"ORIGIN"`
	Database   []string `config:"" sep:"none" help:"A further database; can be repeated." placeholder:"NAME=URL"`
	MaxBody    string   `config:"" help:"The largest JSON body (default: 32MiB)." placeholder:"SIZE"`
	Retain     []string `config:"" sep:"none" help:"Delete threads that were last used longer ago: 90d, or TAG=7d, or TAG=never; can be repeated." placeholder:"RULE"`
	MaxContent string   `config:"" help:"The largest file (default: 10GiB)." placeholder:"SIZE"`
}

// Run serves until ctx ends, or a listener fails, and then lets requests in
// flight finish.
func (serveCommand) Run(ctx context.Context, p *program) error {
	c := p.config
	lock, err := hold(c.Data)
	if err != nil {
		return err
	}
	defer lock.Close()
	dbs, err := p.openDatabases(ctx)
	if err != nil {
		return err
	}
	defer dbs.close(p)
	if err := p.checkElements(ctx, dbs); err != nil {
		return err
	}
	if err := writeHolding(lock, dbs.holding()); err != nil {
		return err
	}
	file, err := keys.Open(filepath.Join(c.Data, keysName), keys.Options{})
	if err != nil {
		return err
	}
	s, err := server.New(server.Options{
		Databases:   dbs.serve(),
		Listen:      p.listenOn(),
		Keys:        file,
		PublicURL:   c.PublicURL,
		CORSOrigins: c.CORSOrigins,
		MaxBody:     c.MaxBody,
		MaxContent:  c.MaxContent,
		Version:     thisBuild().Version,
		Log:         p.log.With(partKey, "server"),
	})
	if err != nil {
		return err
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	defer p.watchReload(ctx)()
	if err := p.announce(ctx, s, file, dbs); err != nil {
		return errors.Join(err, s.Stop())
	}
	died := s.Wait(ctx)
	p.log.Info("stopping")
	return errors.Join(died, s.Stop())
}

// longestSocket is what the system with the least room takes as a socket's
// path.
const longestSocket = 103

// listenOn are the addresses for the server. The socket in the data folder is
// among them, since the commands of this machine call there. A folder whose
// name is too long for one is served on TCP alone; the commands then open the
// database themselves.
func (p *program) listenOn() []string {
	own := "unix:" + filepath.Join(p.config.Data, socketName)
	var list []string
	for _, address := range p.config.Listen {
		if address != "unix" && address != own {
			list = append(list, address)
		}
	}
	if len(own)-len("unix:") > longestSocket && len(list) > 0 {
		p.log.Warn("there is no socket in the data folder: its path is too long", "longest", longestSocket)
		return list
	}
	return append(list, own)
}

// address is how a server that listens so is reached on this machine; "" when
// it is not on TCP.
func address(listen []string) string {
	for _, a := range listen {
		if strings.HasPrefix(a, "unix") {
			continue
		}
		host, port, err := net.SplitHostPort(a)
		if err != nil || port == "0" {
			continue
		}
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		return "http://" + net.JoinHostPort(host, port)
	}
	return ""
}

// databases are the open databases of a server, the default one first.
type databases []named

type named struct {
	name, url string // for people
	*varve.DB
}

func (p *program) openDatabases(ctx context.Context) (databases, error) {
	c := p.config
	p.retaining = true
	var dbs databases
	for _, d := range slices.Insert(slices.Clone(c.Databases), 0, defaultDatabase(c)) {
		db, err := p.openDatabase(ctx, d)
		if err != nil {
			dbs.close(p)
			return nil, err
		}
		url := db.Source()
		if d.Name == server.DefaultDatabase && c.URL == "" {
			url = "sqlite:" + filepath.Join(c.Data, "varve.db") // as the folder was named, not absolute
		}
		dbs = append(dbs, named{d.Name, url, db})
	}
	return dbs, nil
}

// bucketPatience is how long a bucket may take to answer at the start.
const bucketPatience = 20 * time.Second

// checkElements asks the places for bytes whether they are there, so that a
// wrong name or key shows now and not at somebody's first file.
func (p *program) checkElements(ctx context.Context, dbs databases) error {
	ctx, cancel := context.WithTimeout(ctx, bucketPatience)
	defer cancel()
	for _, db := range dbs {
		if db.Files() == nil {
			continue
		}
		err := db.Files().Check(ctx)
		if errors.Is(err, errs.Forbidden) { // or only not told from missing
			p.log.Warn("the place for elements' bytes may refuse", "database", db.name, "elements", db.Elements(), "err", err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (dbs databases) close(p *program) {
	for _, db := range dbs {
		if err := db.Close(); err != nil {
			p.log.Error("a database did not close well", "database", db.name, "err", err)
		}
	}
}

func (dbs databases) holding() holding {
	h := holding{PID: pid(), Databases: map[string]string{}}
	for _, db := range dbs {
		h.Databases[db.name] = db.Source()
	}
	return h
}

func partsOf(db *varve.DB) *wire.Parts {
	part := func(p varve.Part) wire.Part { return wire.Part{Kind: p.Kind, URL: p.URL} }
	return &wire.Parts{Name: db.Name(), Databackend: part(db.Databackend()), Metadata: part(db.Metadata()),
		Artifacts: part(db.Artifacts().Part), Compute: part(db.Compute())}
}

func (dbs databases) serve() []server.Database {
	list := make([]server.Database, len(dbs))
	for i, db := range dbs {
		list[i] = server.Database{Name: db.name, Chat: db.Chat(), State: db.State(), Lake: db.Lake(), SQL: db.Analytics(), Query: db.Query(), Rows: db.Chat().Rows(), Components: db.Components(), Artifacts: db.Artifacts().Store,
			Keeper: db.DB, Ping: db.Ping, Parts: partsOf(db.DB)}
		if files := db.Files(); files != nil { // a nil *blob.Bucket is no nil Files
			list[i].Files = files
		}
	}
	return list
}
