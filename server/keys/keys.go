// Package keys keeps API keys: who may call the server from where it is not
// open, for which database, and what for.
//
//	file, err := keys.Open(filepath.Join(dir, "keys.json"), keys.Options{})
//	key, token, err := file.Create(keys.Spec{Name: "app", Scopes: []keys.Scope{keys.Read, keys.Write}})
//	key, err = file.Check(token) // errs.Unauthenticated unless it is a living key
//
// A token is varve_ID_SECRET and is shown once. The file holds SHA-256 of the
// secret: the secret is 256 random bits, not a password, so nobody can search
// for it, and a slow hash would only cost every request its time.
package keys

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
)

// Scope is what a key may be used for. Admin includes the others.
type Scope string

// The scopes.
const (
	Read  Scope = "read"
	Write Scope = "write"
	Admin Scope = "admin"
)

// Scopes lists the scopes there are.
func Scopes() []Scope { return []Scope{Read, Write, Admin} }

// Key is what is known of a key, which is not its secret.
type Key struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"` // for people
	Database  string     `json:"database"`
	Scopes    []Scope    `json:"scopes"`
	CreatedAt time.Time  `json:"createdAt"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
	RevokedAt *time.Time `json:"revokedAt,omitempty"`
	SHA256    string     `json:"sha256"` // of the secret, hex
}

// May tells whether a key has a scope.
func (k Key) May(s Scope) bool {
	return slices.Contains(k.Scopes, s) || slices.Contains(k.Scopes, Admin)
}

// Living tells whether a key is neither revoked nor expired.
func (k Key) Living(now time.Time) bool {
	return k.RevokedAt == nil && (k.ExpiresAt == nil || now.Before(*k.ExpiresAt))
}

// Spec says what key to make. An empty Database is "default"; Scopes must not
// be empty; the zero TTL never expires.
type Spec struct {
	Name     string
	Database string
	Scopes   []Scope
	TTL      time.Duration
}

// DefaultDatabase is the database of a key whose Spec names none.
const DefaultDatabase = "default"

const prefix = "varve"

var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// make returns a key and its token.
func (s Spec) make(now time.Time) (Key, string, error) {
	if len(s.Scopes) == 0 {
		return Key{}, "", errs.Field(errs.Invalid, "scopes", "name at least one of read, write, admin")
	}
	for _, scope := range s.Scopes {
		if !slices.Contains(Scopes(), scope) {
			return Key{}, "", errs.Field(errs.Invalid, "scopes", "%q is none of read, write, admin", scope)
		}
	}
	if s.TTL < 0 {
		return Key{}, "", errs.Field(errs.Invalid, "ttl", "must not be negative")
	}
	if s.Database == "" {
		s.Database = DefaultDatabase
	}
	id, secret := random(8), random(32)
	key := Key{ID: id, Name: s.Name, Database: s.Database, Scopes: slices.Clone(s.Scopes),
		CreatedAt: now.UTC().Truncate(time.Second), SHA256: hash(secret)}
	if s.TTL > 0 {
		expires := key.CreatedAt.Add(s.TTL)
		key.ExpiresAt = &expires
	}
	return key, prefix + "_" + id + "_" + secret, nil
}

// parse takes a token apart.
func parse(token string) (id, secret string, ok bool) {
	parts := strings.Split(token, "_")
	if len(parts) != 3 || parts[0] != prefix || parts[1] == "" || parts[2] == "" {
		return "", "", false
	}
	return parts[1], parts[2], true
}

// matches compares in constant time.
func (k Key) matches(secret string) bool {
	return subtle.ConstantTimeCompare([]byte(k.SHA256), []byte(hash(secret))) == 1
}

func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return letters.EncodeToString(b)
}
