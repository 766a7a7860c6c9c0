package folder

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/folder/csv"
)

// The register is a table of the store beside, whose tables nobody else sees. It
// has a row for each table that Varve made or changed.
var register = query.Table{Name: "folder", Key: "table", Columns: []query.Column{
	{Name: "table", Type: query.Type{Kind: query.Text}, Required: true},
	{Name: "record", Type: query.Type{Kind: query.JSON}},
	{Name: "pending", Type: query.Type{Kind: query.JSON}},
}}

// record is what is known of a table.
type record struct {
	Columns []query.Column `json:"columns"`
	Key     string         `json:"key"`
	Made    bool           `json:"made"` // by Create
}

func (r *record) shape() csv.Shape { return csv.Shape{Columns: r.Columns, Key: r.Key} }

// pending is a write whose file is about to be in its place, or already is: that
// is what its sum tells.
type pending struct {
	Sum    string         `json:"sum"`
	Record record         `json:"record"`
	Notes  []change.Event `json:"notes,omitempty"`
}

// entry is a row of the register.
type entry struct {
	table   string
	record  *record
	pending *pending
}

func (s *Store) openRegister(ctx context.Context) error {
	if err := s.Store.Query().Create(ctx, register); err != nil {
		return err
	}
	return s.Store.Update(ctx, func(_ context.Context, tx store.Tx) error {
		_, s.notes = tx.(change.Noter)
		return nil
	})
}

// entries reads the rows of the register that a condition lets through.
func (s *Store) entries(ctx context.Context, where query.Cond) (list []entry, err error) {
	p := &query.Plan{Tables: []query.Source{{Table: &register}}, Where: where}
	for i, c := range register.Columns {
		p.Columns = append(p.Columns, query.Ref{Column: i, Type: c.Type})
	}
	p.Order = []query.Sort{{Ref: p.Columns[0]}}
	for row, err := range s.Store.Query().Select(ctx, p) {
		if err != nil {
			return nil, err
		}
		e := entry{table: row[0].(string)}
		if err := decode(row[1], &e.record); err != nil {
			return nil, err
		}
		if err := decode(row[2], &e.pending); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

func decode[T any](v any, into **T) error {
	raw, ok := v.(json.RawMessage)
	if !ok {
		return nil
	}
	*into = new(T)
	if err := json.Unmarshal(raw, *into); err != nil {
		return errs.Wrap(errs.Internal, err, "the register of the folder cannot be read")
	}
	return nil
}

func encode(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // it is made of texts and numbers
	}
	return json.RawMessage(raw)
}

func of(table string) query.Cond {
	return query.Cond{Op: query.Equal, Ref: query.Ref{Type: register.Columns[0].Type}, Value: table}
}

// entry is what the register has about a table, which may be nothing.
func (s *Store) entry(ctx context.Context, table string) (entry, error) {
	list, err := s.entries(ctx, of(table))
	if err != nil || len(list) == 0 {
		return entry{table: table}, err
	}
	return list[0], nil
}

// unsettled are the entries with a write that is pending.
func (s *Store) unsettled(ctx context.Context) ([]entry, error) {
	return s.entries(ctx, query.Cond{Op: query.IsNot, Ref: query.Ref{Column: 2, Type: register.Columns[2].Type}})
}

// announce notes a write before its file is put in its place.
func (s *Store) announce(ctx context.Context, table string, p *pending) error {
	return s.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		w := query.Write{Table: &register, Quiet: true}
		keys, err := tx.Query().Update(ctx, w, []query.Assign{{Column: 2, Value: encode(p)}}, of(table))
		if err == nil && len(keys) == 0 {
			_, err = tx.Query().Insert(ctx, w, [][]any{{table, nil, encode(p)}})
		}
		return err
	})
}

// publish makes a write known whose file is in its place.
func (s *Store) publish(ctx context.Context, table string, p *pending) error {
	return s.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		set := []query.Assign{{Column: 1, Value: encode(p.Record)}, {Column: 2, Value: nil}}
		if _, err := tx.Query().Update(ctx, query.Write{Table: &register, Quiet: true}, set, of(table)); err != nil || len(p.Notes) == 0 {
			return err
		}
		if log, ok := tx.(change.Noter); ok {
			return log.Note(ctx, p.Notes)
		}
		return nil
	})
}

// withdraw forgets a write whose file did not come into its place.
func (s *Store) withdraw(ctx context.Context, table string) error {
	_, err := s.Store.Query().Update(ctx, query.Write{Table: &register, Quiet: true}, []query.Assign{{Column: 2, Value: nil}}, of(table))
	return err
}

// forget takes a table out of the register.
func (s *Store) forget(ctx context.Context, table string) error {
	_, err := s.Store.Query().Delete(ctx, query.Write{Table: &register, Quiet: true}, of(table))
	return err
}

// settle ends what a process began that is no more. It is called under the lock.
func (s *Store) settle(ctx context.Context) error {
	left, err := s.unsettled(ctx)
	if err != nil || len(left) == 0 {
		return err
	}
	all, err := s.files()
	if err != nil {
		return err
	}
	for _, e := range left {
		there, err := s.arrived(all, e)
		if err != nil {
			return err
		}
		if there {
			err = s.publish(ctx, e.table, e.pending)
		} else {
			err = s.withdraw(ctx, e.table)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// arrived tells whether the file of a pending write is in its place. What cannot
// be read is another.
func (s *Store) arrived(all []named, e entry) (bool, error) {
	at := slices.IndexFunc(all, func(n named) bool { return n.table == e.table && !isParquet(n.file) })
	if at < 0 {
		return false, nil
	}
	switch c, err := s.readFile(all[at].file); errs.KindOf(err) {
	case "":
		return c.sum == e.pending.Sum, nil
	case errs.Unavailable, errs.Conflict, errs.Internal:
		return false, err
	default:
		return false, nil
	}
}
