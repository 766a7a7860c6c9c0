package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server/keys"
)

type keysCommand struct {
	Create keysCreate `cmd:"" help:"Make a key. It is shown once."`
	List   keysList   `cmd:"" help:"List the keys."`
	Revoke keysRevoke `cmd:"" help:"End a key, at once and for good."`
}

// shownKey is a key as people see it: without the hash.
type shownKey struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Database  string       `json:"database"`
	Scopes    []keys.Scope `json:"scopes"`
	CreatedAt time.Time    `json:"createdAt"`
	ExpiresAt *time.Time   `json:"expiresAt,omitempty"`
	RevokedAt *time.Time   `json:"revokedAt,omitempty"`
	State     string       `json:"state"` // "living", "expired" or "revoked"
}

func shown(k keys.Key, now time.Time) shownKey {
	state := "living"
	switch {
	case k.RevokedAt != nil:
		state = "revoked"
	case !k.Living(now):
		state = "expired"
	}
	return shownKey{k.ID, k.Name, k.Database, k.Scopes, k.CreatedAt, k.ExpiresAt, k.RevokedAt, state}
}

// keyFile opens the keys of the data folder. A server that holds it sees what
// is written with its next request, so nothing has to go through its socket.
func (p *program) keyFile() (*keys.File, error) {
	return keys.Open(filepath.Join(p.config.Data, keysName), keys.Options{})
}

type keysCreate struct {
	Name     string   `help:"What people call it." placeholder:"NAME"`
	Scope    []string `help:"What it is for: read, write, admin; can be repeated." default:"read,write" placeholder:"SCOPE"`
	Database string   `help:"Its database." default:"default" placeholder:"NAME"`
	Expires  string   `help:"When it ends: 12h, 30d, or a day such as 2027-01-31 (default: never)." placeholder:"WHEN"`
}

// Run makes a key. The token alone goes to stdout, so that a script can catch
// it.
func (k *keysCreate) Run(p *program) error {
	now := time.Now()
	ttl, err := lifetime(k.Expires, now)
	if err != nil {
		return usage{err}
	}
	spec := keys.Spec{Name: k.Name, Database: k.Database, TTL: ttl}
	for _, s := range k.Scope {
		spec.Scopes = append(spec.Scopes, keys.Scope(s))
	}
	if err := os.MkdirAll(p.config.Data, 0o700); err != nil {
		return errs.Wrap(errs.Unavailable, err, "the data folder cannot be made")
	}
	file, err := p.keyFile()
	if err != nil {
		return err
	}
	keyed, err := file.Any()
	if err != nil {
		return err
	}
	key, token, err := file.Create(spec)
	if err != nil {
		return err
	}
	if p.json {
		return writeJSON(p.stdout, map[string]any{"key": shown(key, now), "token": token})
	}
	fmt.Fprintf(p.stderr, "key %s for database %s; it is shown this once:\n", key.ID, key.Database)
	if _, err := fmt.Fprintln(p.stdout, token); err != nil {
		return err
	}
	if !keyed {
		fmt.Fprintln(p.stderr, "this is the first key: from now on every caller on TCP needs one")
	}
	return nil
}

// lifetime reads when a key ends: after a time, or when a day begins.
func lifetime(s string, now time.Time) (time.Duration, error) {
	if s == "" || s == "never" {
		return 0, nil
	}
	wrong := errs.Field(errs.Invalid, "expires", "is a time from now such as 12h or 30d, or a day to come such as 2027-01-31")
	var ttl time.Duration
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n > 36500 {
			return 0, wrong
		}
		ttl = time.Duration(n) * 24 * time.Hour
	} else if day, err := time.Parse(time.DateOnly, s); err == nil {
		ttl = day.Sub(now)
	} else if ttl, err = time.ParseDuration(s); err != nil {
		return 0, wrong
	}
	if ttl <= 0 {
		return 0, wrong
	}
	return ttl, nil
}

type keysList struct{}

// Run lists all keys, ended ones too.
func (keysList) Run(p *program) error {
	file, err := p.keyFile()
	if err != nil {
		return err
	}
	list, err := file.List()
	if err != nil {
		return err
	}
	now := time.Now()
	records, rows := make([]shownKey, 0, len(list)), [][]string{{"ID", "NAME", "DATABASE", "SCOPES", "CREATED", "EXPIRES", "STATE"}}
	for _, k := range list {
		r := shown(k, now)
		records = append(records, r)
		rows = append(rows, r.row())
	}
	if p.json {
		return writeJSON(p.stdout, map[string]any{"data": records})
	}
	return writeTable(p.stdout, rows, "no keys: callers on this machine need none, others are not served")
}

func (k shownKey) row() []string {
	scopes := make([]string, len(k.Scopes))
	for i, s := range k.Scopes {
		scopes[i] = string(s)
	}
	expires := "never"
	if k.ExpiresAt != nil {
		expires = k.ExpiresAt.UTC().Format(time.DateTime)
	}
	return []string{k.ID, k.Name, k.Database, strings.Join(scopes, ","), k.CreatedAt.UTC().Format(time.DateTime), expires, k.State}
}

type keysRevoke struct {
	ID string `arg:"" help:"The key's id, or the key."`
}

// Run ends a key; it can be repeated.
func (k *keysRevoke) Run(_ context.Context, p *program) error {
	id := k.ID
	if parts := strings.Split(id, "_"); len(parts) == 3 {
		id = parts[1] // the whole key was pasted; errors must not repeat it
	}
	file, err := p.keyFile()
	if err != nil {
		return err
	}
	if err := file.Revoke(id); err != nil {
		return err
	}
	if p.json {
		return writeJSON(p.stdout, map[string]any{"revoked": id})
	}
	_, err = fmt.Fprintln(p.stdout, "revoked", id)
	return err
}
