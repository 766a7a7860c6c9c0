package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/server"
	"github.com/varvedb/varve/server/keys"
)

// announcement is what a server says of itself when it answers.
type announcement struct {
	Version   string              `json:"version"`
	PID       int                 `json:"pid"`
	Listen    []string            `json:"listen"`
	Open      bool                `json:"open"` // there are no API keys
	Data      string              `json:"data"`
	Elements  string              `json:"elements,omitempty"` // where their bytes lie, if not in Data
	Databases []announcedDatabase `json:"databases"`
}

type announcedDatabase struct {
	Name    string   `json:"name"`
	URL     string   `json:"url"`
	Missing []string `json:"missing,omitempty"` // what `varve doctor` could mend
}

// announce tells on stdout where the server is, who may call and what it
// serves. It comes when the server answers already, so that who starts one can
// wait for it.
func (p *program) announce(ctx context.Context, s *server.Server, file *keys.File, dbs databases) error {
	keyed, err := file.Any()
	if err != nil {
		return err
	}
	a := announcement{Version: thisBuild().Version, PID: pid(), Open: !keyed, Data: p.config.Data, Elements: blob.Redacted(p.config.Elements)}
	for _, addr := range s.Addrs() {
		a.Listen = append(a.Listen, addressOf(addr))
	}
	for _, db := range dbs {
		a.Databases = append(a.Databases, announcedDatabase{db.name, db.url, missing(ctx, db)})
	}
	if p.json {
		return writeJSON(p.stdout, a)
	}
	return a.print(p.stdout)
}

func addressOf(a net.Addr) string {
	if a.Network() == "unix" {
		return "unix:" + a.String()
	}
	return "http://" + a.String()
}

// missing says what a database others made lacks, from what its store tells.
func missing(ctx context.Context, db named) []string {
	doctor, err := db.Doctor()
	if err != nil {
		return nil // nobody could mend it
	}
	// What is Varve's own lacks nothing, and in a file without conversations
	// asking about them would make their tables.
	if d, err := doctor.Examine(ctx); err != nil || d.Schema != "chainlit" && d.Schema != "official" {
		return nil
	}
	var list []string
	f := db.Chat().Features()
	for _, m := range []struct {
		there bool
		what  string
	}{{f.FastList, "fast lists"}, {f.FastSearch, "fast search"}, {f.ChangeLog, "change log"},
		{f.Tombstones, "memory of deleted threads"}, {f.UnknownKeys, "unknown keys of elements"}} {
		if !m.there {
			list = append(list, m.what)
		}
	}
	return list
}

// remedy is the command that tells more.
func (db announcedDatabase) remedy() string {
	if db.Name == server.DefaultDatabase {
		return "varve doctor"
	}
	return "varve doctor --database " + db.Name
}

func (a announcement) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "varve %s answers on %s\n", a.Version, strings.Join(a.Listen, " and "))
	switch {
	case !a.Open:
		fmt.Fprintln(&b, "closed: callers on TCP need an API key")
	case len(a.Listen) == 1 && strings.HasPrefix(a.Listen[0], "unix:"):
		fmt.Fprintln(&b, "open: the socket is this user's only")
	default:
		fmt.Fprintln(&b, "open: loopback, no keys: anyone on this machine may call (`varve keys create` closes it)")
	}
	for _, db := range a.Databases {
		fmt.Fprintf(&b, "database %s: %s\n", db.Name, db.URL)
		if len(db.Missing) > 0 {
			fmt.Fprintf(&b, "database %s is without %s: see `%s`\n", db.Name, strings.Join(db.Missing, ", "), db.remedy())
		}
	}
	if a.Elements != "" {
		fmt.Fprintf(&b, "elements: %s\n", a.Elements)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
