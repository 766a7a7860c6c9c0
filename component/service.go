package component

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// Options tune a [Service]. The zero value works, without bytes and tables.
type Options struct {
	// Artifacts keeps large bytes. nil: they are errs.Unsupported.
	Artifacts *artifact.Store
	// Data is the databackend, where tables are made and data sets are read.
	// nil: a Table is a record and nothing more, and rows are errs.Unsupported.
	Data *query.Service
	// Name is what [DropOptions.Confirm] must say. "": nothing can be dropped.
	Name string
	// Inline is how many bytes of content stay in a record; more go to
	// Artifacts. Default: 4096.
	Inline int
	// Now is the clock, ID makes the UUIDs of versions: 32 hexadecimal digits.
	Now func() time.Time
	ID  func() string
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Inline == 0 {
		o.Inline = 4096
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ID == nil {
		o.ID = newUUID
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func newUUID() string {
	var id [16]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

// Policy says when a declaration makes a new version.
type Policy string

// The policies.
const (
	// OnChange: an equal declaration does nothing, a harmless change updates
	// the record in place, a breaking one makes a new version.
	OnChange Policy = ""
	// Always: every declaration is a new version, unless it names one that is
	// there and equal.
	Always Policy = "always"
)

// Service is what callers hold: it does once, above every store, what must not
// differ between stores. It is safe for concurrent use and runs nothing in the
// background. Components that are handed to it are not changed.
//
// Errors of all its methods: errs.Invalid, naming the field by its path, for
// what is wrong with a declaration, a reference to nothing, a cycle;
// errs.NotFound for a component that is not there; errs.Conflict for one that
// others use, and when others changed the same again and again; errs.Exists
// for a table that is there with other columns; errs.Unsupported for what needs
// an engine, a databackend or an artifact store that there is not.
type Service struct {
	store  Store
	opt    Options
	policy Policy
}

// New makes a service over a store.
func New(store Store, opt Options) *Service {
	return &Service{store: store, opt: opt.withDefaults()}
}

// In returns the same service on the store of a transaction. Tables and bytes
// are made outside of it; what is left of them when the transaction is undone,
// sweeps remove.
func (s *Service) In(tx Store) *Service {
	in := *s
	in.store = tx
	return &in
}

// Versioned implements API: it returns the service with another policy.
func (s *Service) Versioned(p Policy) API {
	with := *s
	with.policy = p
	return &with
}

// attempts is how often work is planned whose ground moves meanwhile.
const attempts = 100

// again plans and does work until nobody came between.
func again[T any](ctx context.Context, do func() (T, error)) (out T, err error) {
	for range attempts {
		if out, err = do(); !errors.Is(err, errs.Conflict) || errors.As(err, &inUse{}) || ctx.Err() != nil {
			return out, err
		}
	}
	return out, err
}

// inUse is a conflict that no other try resolves.
type inUse struct{ conflict *errs.Error }

func (e inUse) Error() string { return e.conflict.Error() }

func (e inUse) Unwrap() error { return e.conflict }

// clone copies a component as far as this package changes it.
func clone(c Component) Component {
	v := reflect.New(reflect.TypeOf(c).Elem())
	v.Elem().Set(reflect.ValueOf(c).Elem())
	out := v.Interface().(Component)
	for _, f := range allFields(out) {
		switch p := f.value.Addr().Interface().(type) {
		case *[]Child:
			*p = slices.Clone(*p)
		case *map[string]Bytes:
			*p = mapped(*p)
		case *map[string]FieldType:
			*p = mapped(*p)
		}
	}
	return out
}

func mapped[V any](m map[string]V) map[string]V {
	if m == nil {
		return nil
	}
	out := make(map[string]V, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// engineless are the types that do something by themselves, once an engine
// runs them.
func engineless(typ string) (Status, string) {
	switch typ {
	case "listener", "vector_index", "cronjob":
		return Waiting, "no engine"
	}
	return Ready, ""
}

// NoEngine is the error of what needs a model to run.
func NoEngine(what string) error {
	return errs.New(errs.Unsupported, "%s needs an engine that runs models, and this version has none", what)
}

// Predict is errs.Unsupported.
func (s *Service) Predict(context.Context, string, any) (any, error) {
	return nil, NoEngine("predict")
}

// Validate is errs.Unsupported.
func (s *Service) Validate(context.Context, string) (any, error) { return nil, NoEngine("validate") }

func isNil(c Component) bool { return reflect.ValueOf(c).IsNil() }
