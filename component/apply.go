package component

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/errs"
)

// Result is what an apply did. All references have UUIDs.
type Result struct {
	Created   []Ref    `json:"created"`
	Updated   []Ref    `json:"updated"`
	Unchanged []Ref    `json:"unchanged"`
	Jobs      []string `json:"jobs"`
	Plan      Plan     `json:"plan"`
}

// Add is [Service.Apply].
func (s *Service) Add(ctx context.Context, cs ...Component) (Result, error) {
	return s.Apply(ctx, cs...)
}

// Apply stores components, each after those inside it, and does exactly what
// [Service.Plan] says. The records, with their edges and artifacts, are there
// all together or not at all; bytes and tables are made before, and swept if
// it does not come to the records.
func (s *Service) Apply(ctx context.Context, cs ...Component) (Result, error) {
	return again(ctx, func() (Result, error) {
		w, err := s.work(ctx, cs, false)
		if err != nil {
			return Result{}, err
		}
		return s.do(ctx, w)
	})
}

// do does what is planned.
func (s *Service) do(ctx context.Context, w *work) (Result, error) {
	told := w.plan()
	result := func() Result {
		done := w.plan()
		return Result{done.Created, done.Updated, done.Unchanged, done.Jobs, told}
	}
	if told.Empty() {
		return result(), nil
	}
	if err := s.fill(ctx, w, false); err != nil {
		return Result{}, err
	}
	settled, err := s.build(ctx, w.tables)
	if err != nil {
		return Result{}, err
	}
	if err := s.finish(ctx, w, settled); err != nil {
		return Result{}, errors.Join(err, s.unbuild(ctx, settled, w.tables))
	}
	for _, a := range told.Actions {
		if a.Do != Unchanged {
			s.opt.Log.InfoContext(ctx, "component", "did", string(a.Do), "type", a.Type, "identifier", a.Identifier, "version", a.Version)
		}
	}
	return result(), nil
}

// finish writes the records, when their tables are there.
func (s *Service) finish(ctx context.Context, w *work, settled []string) error {
	if err := s.fill(ctx, w, true); err != nil {
		return err
	}
	b, err := s.batch(w)
	if err != nil {
		return err
	}
	b.Settled = settled
	return s.store.Commit(ctx, b)
}

// fill keeps bytes, so that records can name them: at first what is at hand,
// which may take long, and then the rows of data sets, which may be of tables
// that are made in between.
func (s *Service) fill(ctx context.Context, w *work, rows bool) error {
	for _, n := range w.order {
		if n.act.Do == Unchanged || n.snapshots() != rows {
			continue
		}
		if rows {
			if err := s.snapshot(ctx, n.c.(*Dataset)); err != nil {
				return at(n.name.String(), err)
			}
		}
		if err := s.keep(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// keep keeps the bytes of one component.
func (s *Service) keep(ctx context.Context, n *node) error {
	paths, contents, back := contents(n.c)
	for i, b := range contents {
		if b.Data == nil {
			if err := s.opt.Artifacts.Keep(ctx, artifact.Digest(b.Digest)); err != nil {
				return unkept(n.name.String()+"."+paths[i], err)
			}
			continue
		}
		if len(b.Data) <= s.opt.Inline {
			continue
		}
		info, err := s.opt.Artifacts.Put(ctx, bytes.NewReader(b.Data), media(b.Media))
		if err != nil {
			return at(n.name.String()+"."+paths[i], err)
		}
		*b = Bytes{Digest: string(info.Digest), Media: b.Media}
	}
	back()
	return nil
}

func media(m string) string {
	if m == "" {
		return "application/octet-stream"
	}
	return m
}

// batch is what is written of the work.
func (s *Service) batch(w *work) (Batch, error) {
	b := Batch{At: s.opt.Now().UTC()}
	for _, n := range w.order {
		if n.act.Do == Unchanged {
			continue
		}
		body, err := encodeRecord(n.c, s.opt.Inline)
		if err != nil {
			return b, err
		}
		r := n.now
		r.Body = body
		if n.act.Do == Revise {
			b.Update = append(b.Update, Update{Record: *r, Expect: r.Revision})
		} else {
			r.UUID = s.opt.ID()
			n.act.UUID = r.UUID
			b.Create = append(b.Create, *r)
		}
		children := Children{Parent: r.UUID}
		for _, k := range n.kids {
			children.Edges = append(children.Edges, Edge{Parent: r.UUID, Child: k.now().UUID, Role: k.role})
		}
		b.Children = append(b.Children, children)
		holding := Holding{Owner: Owner{ComponentOwner, r.UUID}}
		_, held, _ := contents(n.c)
		for _, c := range held {
			if c.Digest != "" {
				holding.Digests = append(holding.Digests, c.Digest)
			}
		}
		b.Holdings = append(b.Holdings, holding)
	}
	return b, nil
}

// Upsert lets [Service.Replace] create what is not there.
type Upsert bool

// Replace overwrites the record of a component in place: of the version that
// it names, or of the newest. Its version and UUID stay, whatever changed, and
// no job runs. Components inside it are replaced too, and created where they
// are not there. errs.NotFound when the component itself is not, unless upsert.
func (s *Service) Replace(ctx context.Context, c Component, upsert Upsert) (Ref, error) {
	return again(ctx, func() (Ref, error) {
		w, err := s.work(ctx, []Component{c}, true)
		if err != nil {
			return Ref{}, err
		}
		root := w.roots[0]
		if (root.act.Do == Create || root.act.Do == Recreate) && !bool(upsert) {
			return Ref{}, absent(Ref{Name: root.name, Version: Latest})
		}
		_, err = s.do(ctx, w)
		return root.act.Ref, err
	})
}

// absent is the error for a component that is not there.
func absent(r Ref) error {
	what := r.String()
	if r.Identifier == "" {
		what = "with the UUID " + r.UUID
	}
	return errs.Field(errs.NotFound, "identifier", "there is no component %s", what)
}

// entry is the journal's note of tables that are about to be made.
type entry struct {
	Tables []string `json:"tables"`
}

// build makes tables, which no transaction takes back, and notes before what
// it is about to make. It returns the notes, which the records settle.
func (s *Service) build(ctx context.Context, tables []physical) (settled []string, err error) {
	if len(tables) == 0 {
		return nil, nil
	}
	var note entry
	for _, t := range tables {
		note.Tables = append(note.Tables, t.Name)
	}
	body, err := json.Marshal(note)
	if err != nil {
		return nil, err
	}
	e := Entry{ID: s.opt.ID(), At: s.opt.Now().UTC(), Body: body}
	if err := s.store.Begin(ctx, e); err != nil {
		return nil, err
	}
	settled = []string{e.ID}
	for i, t := range tables {
		if _, err := s.opt.Data.CreateTable(ctx, t.Table); err != nil {
			return nil, errors.Join(at(t.owner.String(), err), s.unbuild(ctx, settled, tables[:i]))
		}
	}
	return settled, nil
}
