package component

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// physical is a table of the databackend that a component declares.
type physical struct {
	query.Table
	owner Name
}

// missingTables lists the tables that components declare and that are not
// there. errs.Exists names a column of one that is there and differs;
// errs.Invalid a name that is another room's.
func (s *Service) missingTables(ctx context.Context, g *graph) (missing []physical, err error) {
	if s.opt.Data == nil {
		return nil, nil
	}
	for _, n := range g.order {
		t, ok := n.c.(*Table)
		if !ok {
			continue
		}
		want, err := s.tableOf(ctx, n, t)
		if err != nil {
			return nil, at(n.name.String(), err)
		}
		have, err := s.opt.Data.Describe(ctx, want.Name)
		if errors.Is(err, errs.NotFound) || err == nil && have.Reserved != "" {
			if want, err = s.makeable(ctx, want, missing); err != nil {
				return nil, at(n.name.String(), err)
			}
			missing = append(missing, physical{want, n.name})
			continue
		}
		if err != nil {
			return nil, at(n.name.String(), err)
		}
		if err := fits(want, have); err != nil {
			return nil, at(n.name.String(), err)
		}
	}
	return missing, nil
}

// makeable is a table as it will be made beside those that are made with it, or
// why it cannot be.
func (s *Service) makeable(ctx context.Context, want query.Table, beside []physical) (query.Table, error) {
	for _, t := range beside {
		if strings.EqualFold(t.Name, want.Name) {
			return want, errs.Field(errs.Exists, "table", "%q differs from the table %q by case alone, which not every database tells", want.Name, t.Name)
		}
	}
	return s.opt.Data.Creatable(ctx, want)
}

// fits tells whether a table that is there has the columns of a declared one.
func fits(want, have query.Table) error {
	for _, c := range want.Columns {
		i := have.Index(c.Name)
		if i < 0 {
			return errs.Field(errs.Exists, "schema", "the table %q is there already, and has no column %q; rename one of the two, or add the column", want.Name, c.Name)
		}
		if have.Columns[i].Type.String() != c.Type.String() {
			return errs.Field(errs.Exists, "schema", "the table %q is there already, and its column %q is %s, not %s", want.Name, c.Name, have.Columns[i].Type, c.Type)
		}
	}
	return nil
}

// tableOf is the table that a component declares.
func (s *Service) tableOf(ctx context.Context, n *node, t *Table) (query.Table, error) {
	out := query.Table{Name: t.Identifier, Key: t.Primary}
	for _, k := range n.kids {
		if k.role != "schema" {
			continue
		}
		types, err := s.fieldsIn(ctx, k)
		if err != nil {
			return out, err
		}
		for _, name := range sortedKeys(types) {
			of, err := query.ParseType(types[name])
			if err != nil {
				return out, at("schema.fields."+name, err)
			}
			out.Columns = append(out.Columns, query.Column{Name: name, Type: of, Required: name == t.Primary})
		}
	}
	if out.Index(t.Primary) < 0 {
		key := query.Column{Name: t.Primary, Type: query.Type{Kind: query.Text}, Required: true}
		out.Columns = append([]query.Column{key}, out.Columns...)
	}
	return out, query.CheckTable(out)
}

// fieldsIn are the types of a schema's fields, by name.
func (s *Service) fieldsIn(ctx context.Context, k *kid) (map[string]string, error) {
	types := map[string]string{}
	if k.node == nil {
		c, err := s.loaded(ctx, *k.record)
		if err != nil {
			return nil, err
		}
		for name, f := range c.(*Schema).Fields {
			types[name] = f.Type
			if d, ok := f.DataType.Component.(*DataType); ok {
				types[name] = d.Of
			}
		}
		return types, nil
	}
	schema := k.node.c.(*Schema)
	for name, f := range schema.Fields {
		types[name] = f.Type
	}
	for _, of := range k.node.kids {
		name, ok := strings.CutPrefix(of.role, "fields.")
		if !ok {
			continue
		}
		if of.node != nil {
			types[name] = of.node.c.(*DataType).Of
			continue
		}
		c, err := s.loaded(ctx, *of.record)
		if err != nil {
			return nil, err
		}
		types[name] = c.(*DataType).Of
	}
	return types, nil
}

// unbuild takes away tables that were made for records that never came, and
// settles the note of them. It does so even when the caller has gone.
func (s *Service) unbuild(ctx context.Context, settled []string, made []physical) error {
	if len(settled) == 0 {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	for _, t := range made {
		if err := s.dropEmpty(ctx, t.Name); err != nil {
			return err // the note stays, and a sweep goes on
		}
	}
	err := s.store.Commit(ctx, Batch{At: s.opt.Now().UTC(), Settled: settled})
	if errors.Is(err, errs.Conflict) {
		return nil // somebody swept it
	}
	return err
}

// dropEmpty takes away a table that no component declares and that has no
// rows.
func (s *Service) dropEmpty(ctx context.Context, name string) error {
	found, err := s.store.Find(ctx, Filter{Type: "table", Identifier: name, Hidden: true, Bare: true, Limit: 1})
	if err != nil || len(found) > 0 {
		return err
	}
	r, err := s.opt.Data.Execute(ctx, query.From(name).Limit(1))
	if errors.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, err := range r.Values() {
		return err // it has a row, or cannot be read
	}
	return s.opt.Data.DropTable(ctx, name)
}

// abandoned is the age at which an apply has been given up.
const abandoned = 15 * time.Minute

// Sweep takes back what applies left behind that did not come to their end: a
// process was killed between making a table and writing the records. Whoever
// opens a database calls it. It may run while others apply.
func (s *Service) Sweep(ctx context.Context) error {
	if s.opt.Data == nil {
		return nil
	}
	entries, err := s.store.Begun(ctx, s.opt.Now().UTC().Add(-abandoned))
	if err != nil {
		return err
	}
	for _, e := range entries {
		var note entry
		if err := json.Unmarshal(e.Body, &note); err != nil {
			return errs.Wrap(errs.Internal, err, "a journal entry cannot be read")
		}
		// Settled first: an apply that is still running then fails and begins
		// anew.
		err := s.store.Commit(ctx, Batch{At: s.opt.Now().UTC(), Settled: []string{e.ID}})
		if errors.Is(err, errs.Conflict) {
			continue
		}
		if err != nil {
			return err
		}
		for _, t := range note.Tables {
			if err := s.dropEmpty(ctx, t); err != nil {
				return err
			}
		}
		s.opt.Log.InfoContext(ctx, "swept what an apply left behind", "tables", note.Tables)
	}
	return nil
}
