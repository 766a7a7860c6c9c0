// Package todo keeps a to-do list in a versioned table. It is small on purpose:
// what is special about to-dos is here, and everything else — versions,
// history, users, who came first — is [state]'s.
//
//	todos := todo.New(db)
//	_, err := todos.Append(ctx, todo.Item{ID: "test", Body: new("do your homework")})
//	_, err = todos.Update(ctx, "test", state.Row{"status": todo.Done})
//	list, err := todos.As("ada").List(ctx, state.Query{})
package todo

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/state"
)

// Table is the name of the table, for whoever reads it with SQL.
const Table = "todos"

// DefaultPriority is the least urgent one; 0 is the most urgent.
const DefaultPriority = 100

// Done is the status of what is done. Any other text may be a status too; what
// nobody has looked at has none.
const Done = "done"

// Item is something to do. Every field but the id may be nil, which is NULL.
type Item struct {
	ID          string   `state:"id,key" json:"id"`
	UserID      *string  `state:"user_id,owner" json:"user_id"` // nil: it is nobody's
	Subject     *string  `state:"subject" json:"subject"`
	Body        *string  `state:"body" json:"body"`
	Priority    *int64   `state:"priority" json:"priority"` // nil becomes DefaultPriority
	Status      *string  `state:"status" json:"status"`
	Description *string  `state:"description" json:"description"`
	Labels      []string `state:"labels" json:"labels"` // any text, commas too
}

// Record is one version of an item: which and when it is, and the item.
type Record = state.RecordOf[Item]

// Service is a to-do list. It is safe for concurrent use.
type Service struct{ items *state.RowsOf[Item] }

// New opens the list of a database. The table is made at its first use.
func New(db state.Database) *Service {
	items, err := state.TableOf[Item](db, Table)
	if err != nil {
		panic(err) // Item is no table: a fault of this file
	}
	return &Service{items}
}

// As returns the list of one user, who sees and writes their own items only.
// An empty user is one like any other.
func (s *Service) As(user string) *Service { return &Service{s.items.As(user)} }

// By returns the list with a name that versions bear as their author.
func (s *Service) By(actor string) *Service { return &Service{s.items.By(actor)} }

// If returns the list for writes that must find an item at a version; any
// other is errs.Conflict.
func (s *Service) If(version int64) *Service { return &Service{s.items.If(version)} }

// In returns the list inside a transaction.
func (s *Service) In(tx *state.Service) *Service { return &Service{s.items.In(tx)} }

// Append adds an item; one without an id gets a short one that is free.
// errs.Exists when its id is taken.
func (s *Service) Append(ctx context.Context, item Item) (Record, error) {
	item = item.withDefaults()
	if item.ID != "" {
		return s.items.Append(ctx, item)
	}
	for n := shortest; ; n++ {
		item.ID = shortID(n)
		if r, err := s.items.Append(ctx, item); !errors.Is(err, errs.Exists) {
			return r, err
		}
	}
}

// Update changes the fields that are given, by the names of their columns, and
// leaves the others. errs.NotFound when there is no such item.
func (s *Service) Update(ctx context.Context, id string, fields state.Row) (Record, error) {
	row := state.Row{"id": id}
	for name, value := range fields {
		if row[name] != nil {
			return Record{}, errs.Field(errs.Invalid, name, "stays what it is")
		}
		row[name] = value
	}
	return s.items.Update(ctx, row)
}

// Replace changes every field to what the item has. errs.NotFound when there
// is no such item.
func (s *Service) Replace(ctx context.Context, item Item) (Record, error) {
	return s.items.Replace(ctx, item.withDefaults())
}

// Get returns an item. errs.NotFound when there is none.
func (s *Service) Get(ctx context.Context, id string) (Record, error) {
	return s.items.Latest(ctx, id)
}

// Contains tells whether there is an item.
func (s *Service) Contains(ctx context.Context, id string) (bool, error) {
	return s.items.Contains(ctx, id)
}

// List returns a page of items, unless q says otherwise the most urgent ones
// first and among them the newest.
func (s *Service) List(ctx context.Context, q state.Query) (page.Page[Record], error) {
	return s.items.All(ctx, inOrder(q))
}

// AsOf is the list as it was, for reading.
func (s *Service) AsOf(at state.Point) *View { return &View{s.items.AsOf(at)} }

// History returns the versions of an item, newest first. errs.NotFound when
// there never was one.
func (s *Service) History(ctx context.Context, id string, p page.Request) (page.Page[Record], error) {
	return s.items.History(ctx, p, id)
}

// Undo takes the newest change of an item back, a deletion too, by writing what
// was before it as a new version. Undone twice, two changes are taken back.
func (s *Service) Undo(ctx context.Context, id string) (Record, error) {
	return s.items.Undo(ctx, id)
}

// Delete deletes an item; its history stays. errs.NotFound when there is none.
func (s *Service) Delete(ctx context.Context, id string) error {
	_, err := s.items.Delete(ctx, id)
	return err
}

// View is the list as it was at some point.
type View struct{ items *state.ViewOf[Item] }

// Get returns an item as it was. errs.NotFound when there was none.
func (v *View) Get(ctx context.Context, id string) (Record, error) {
	return v.items.Latest(ctx, id)
}

// List returns a page of the items there were, see [Service.List].
func (v *View) List(ctx context.Context, q state.Query) (page.Page[Record], error) {
	return v.items.All(ctx, inOrder(q))
}

func inOrder(q state.Query) state.Query {
	if q.Order == nil {
		q.Order = []state.Order{{Column: "priority"}, {Column: "_seq", Descending: true}}
	}
	return q
}

func (i Item) withDefaults() Item {
	i.Priority = cmp.Or(i.Priority, new(int64(DefaultPriority)))
	return i
}

// shortest is the length of an id that is made here: a million of them are
// apart, and a longer one is tried where one is taken.
const shortest = 4

// shortID makes an id that is easily typed, of characters that are not mistaken
// for others.
func shortID(n int) string {
	const letters = "23456789abcdefghjkmnpqrstuvwxyz"
	id := make([]byte, n)
	rand.Read(id)
	for i := range id {
		id[i] = letters[int(id[i])%len(letters)]
	}
	return string(id)
}
