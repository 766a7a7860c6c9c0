// Package componenttest is the suite that every store of components passes, and
// every client of one. Its subtests are named after the rules they hold.
//
//	func TestComponents(t *testing.T) {
//		componenttest.Run(t, func(t *testing.T) store.Store { return memory.Open() })
//	}
package componenttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/artifact/artifacttest"
	"github.com/varvedb/varve/component"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
)

// Open makes an empty store, for one subtest. What it opens is closed by
// t.Cleanup.
type Open func(t *testing.T) store.Store

// Rooms are what a server serves.
type Rooms struct {
	Components *component.Service
	Artifacts  *artifact.Store
	Query      *query.Service
}

// Serve makes a client of rooms, which are open already. What it opens is closed
// by t.Cleanup.
type Serve func(t *testing.T, rooms Rooms) component.API

type topic struct {
	name  string
	rules []rule
}

// asked are the topics that callers can see.
var asked = []topic{{"applying", applying}, {"changing", changing}, {"showing", showing}, {"removing", removing}, {"replacing", replacing}, {"holding", holding}}

// Run runs the suite on a store.
func Run(t *testing.T, open Open) {
	hold(t, []topic{{"records", records}, {"edges", edges}, {"artifacts", artifacts}, {"journal", journal}, {"transactions", transactions}}, open, nil)
	hold(t, asked, open, nil)
	hold(t, []topic{{"faults", faults}}, open, nil)
}

// RunAPI holds a client to the rules that the service is held to.
func RunAPI(t *testing.T, open Open, serve Serve) { hold(t, asked, open, serve) }

// RunApart holds components in one database, of which the tables are in another,
// to what touches both.
func RunApart(t *testing.T, records, tables store.Store) {
	hold(t, []topic{{"holding", holding}, {"faults", faults}}, func(t *testing.T) store.Store {
		if err := records.Components().Commit(t.Context(), component.Batch{Reset: true, At: moment(0)}); err != nil {
			t.Fatal(err)
		}
		return apart{records, tables}
	}, nil)
}

// apart is a database of which the tables are in another.
type apart struct {
	store.Store
	tables store.Store
}

// Query implements store.Store.
func (a apart) Query() query.Store { return a.tables.Query() }

func hold(t *testing.T, topics []topic, open Open, serve Serve) {
	for _, topic := range topics {
		t.Run(topic.name, func(t *testing.T) {
			for _, r := range topic.rules {
				t.Run(r.name, func(t *testing.T) {
					s := newSubject(t, open(t))
					s.serve = serve
					r.test(s)
				})
			}
		})
	}
}

// rule is one sentence and what proves it.
type rule struct {
	name string
	test func(s *subject)
}

// subject is a store with the words that tests are written in.
type subject struct {
	*testing.T
	db     store.Store
	store  component.Store
	bucket *artifacttest.Bucket
	bytes  *artifact.Store
	ctx    context.Context
	serve  Serve // nil: callers hold the service itself
}

func newSubject(t *testing.T, db store.Store) *subject {
	s := &subject{T: t, db: db, store: db.Components(), bucket: &artifacttest.Bucket{}, ctx: t.Context()}
	s.bytes = artifact.New(s.bucket, db.Artifacts(), artifact.Options{Now: func() time.Time { return moment(0) }})
	return s
}

// put keeps a text and returns its digest.
func (s *subject) put(text string) string {
	s.Helper()
	info, err := s.bytes.Put(s.ctx, strings.NewReader(text), "text/plain")
	s.must(err)
	return string(info.Digest)
}

func (s *subject) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *subject) kind(want errs.Kind, err error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Fatalf("got error %v, want kind %s", err, want)
	}
}

// field wants an error of a kind that names a field.
func (s *subject) field(want errs.Kind, field string, err error) {
	s.Helper()
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind != want || e.Field != field {
		s.Fatalf("got error %v, want kind %s about %q", err, want, field)
	}
}

func (s *subject) equal(got, want any) {
	s.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.Fatalf("differs (-want +got):\n%s", diff)
	}
}

func moment(n int) time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC).Add(time.Duration(n) * time.Minute)
}

func uuid(n int) string   { return fmt.Sprintf("%032x", n) }
func digest(n int) string { return fmt.Sprintf("%064x", n) }

func named(typ, identifier string) component.Name {
	return component.Name{Type: typ, Identifier: identifier}
}

// record is a version of a component.
func record(n int, typ, identifier string, version int) component.Record {
	return component.Record{Ref: component.Ref{Name: named(typ, identifier), Version: version, UUID: uuid(n)},
		Hash: digest(n), Break: digest(n + 1000), Status: component.Ready, Body: component.Raw(fmt.Sprintf(`{"n":%d}`, n))}
}

func (s *subject) commit(b component.Batch) {
	s.Helper()
	b.At = moment(0)
	s.must(s.store.Commit(s.ctx, b))
}

func (s *subject) create(rs ...component.Record) {
	s.Helper()
	s.commit(component.Batch{Create: rs})
}

func (s *subject) find(f component.Filter) []component.Record {
	s.Helper()
	found, err := s.store.Find(s.ctx, f)
	s.must(err)
	return found
}

// refs are records as "identifier:version".
func refs(rs []component.Record) []string {
	out := []string{}
	for _, r := range rs {
		out = append(out, fmt.Sprintf("%s:%d", r.Identifier, r.Version))
	}
	return out
}
