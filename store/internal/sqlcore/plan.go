package sqlcore

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

// Version makes a version of the fields of a row: int64, float64, bool,
// string, []byte or nil. It keeps the list.
func (v *Versions) Version(row []any) state.Version {
	n := func(i int) int64 { x, _ := row[i].(int64); return x }
	s := func(i int) string { x, _ := row[i].(string); return x }
	out := state.Version{Seq: n(0), At: time.UnixMicro(n(1)).UTC(), Entity: n(2), Number: n(3), Op: op(s(4)), Actor: s(5), Source: n(6)}
	out.Values = row[SystemFields:len(row):len(row)]
	for i := range out.Values {
		out.Values[i] = value(out.Values[i], v.Table.Columns[i].Type)
	}
	return out
}

// op saves keeping a copy of the same few words for every version.
func op(s string) state.Op {
	for _, known := range []state.Op{state.OpAppend, state.OpUpdate, state.OpDelete, state.OpRestore} {
		if s == string(known) {
			return known
		}
	}
	return state.Op(s)
}

// value gives what a database holds the type that a column has in Go.
func value(v any, t state.Type) any {
	switch x := v.(type) {
	case int64:
		switch t {
		case state.Boolean:
			return x != 0
		case state.Time:
			return time.UnixMicro(x).UTC()
		}
	case string:
		if t == state.JSON {
			return json.RawMessage(x)
		}
	case []byte:
		if x == nil {
			return []byte{}
		}
	}
	return v
}

// Plan makes the versions of writes, with state.Next, before any is written.
// The caller holds what keeps other writers away.
type Plan struct {
	Versions *Versions
	Seq      int64     // of the last version there is
	At       time.Time // of it
	// Newest loads the newest version of a row, nil when there never was one;
	// Source a version by the number of its row and its own.
	Newest func(key string) (*state.Version, error)
	Source func(entity, number int64) (*state.Version, error)

	Made  []state.Version // to be inserted in this order
	Heads []*Head         // to be brought up to date
	heads map[string]*Head
}

// Head is the newest version of a row as the plan leaves it.
type Head struct {
	Key     string
	Version *state.Version // nil: there was never one
	Fresh   bool           // the row is not in the database yet
	Moved   bool           // its owner is another than in the database
	changed bool
}

// Write plans one call: a version for each write, or none and an error.
func (p *Plan) Write(ws []state.Write) ([]state.Version, error) {
	from, seq, at := len(p.Made), p.Seq, p.At
	var undo []func()
	for i := range ws {
		back, err := p.one(&ws[i])
		if err != nil {
			for n := len(undo) - 1; n >= 0; n-- {
				undo[n]()
			}
			p.Made, p.Seq, p.At = p.Made[:from], seq, at
			return nil, err
		}
		undo = append(undo, back)
	}
	return p.Made[from:len(p.Made):len(p.Made)], nil
}

func (p *Plan) one(w *state.Write) (undo func(), err error) {
	h, err := p.head(w.Key)
	if err != nil {
		return nil, err
	}
	source, err := p.source(h, w)
	if err != nil {
		return nil, err
	}
	next, err := state.Next(&p.Versions.Table, h.Version, source, *w)
	if err != nil {
		return nil, err
	}
	p.Seq++
	p.At = state.Tick(p.At, w.Now)
	next.Seq, next.At = p.Seq, p.At
	before := *h
	if h.Version == nil {
		next.Entity, h.Fresh = next.Seq, true
	} else if owner := p.Versions.owner(); owner >= 0 && next.Values[owner] != h.Version.Values[owner] {
		h.Moved = true
	}
	h.Version, h.changed = &next, true
	if !before.changed {
		p.Heads = append(p.Heads, h)
	}
	p.Made = append(p.Made, next)
	return func() {
		*h = before
		if !before.changed {
			p.Heads = p.Heads[:len(p.Heads)-1]
		}
	}, nil
}

func (p *Plan) head(key string) (*Head, error) {
	if h, ok := p.heads[key]; ok {
		return h, nil
	}
	newest, err := p.Newest(key)
	if err != nil {
		return nil, err
	}
	if p.heads == nil {
		p.heads = map[string]*Head{}
	}
	h := &Head{Key: key, Version: newest}
	p.heads[key] = h
	return h, nil
}

// source is the version that a restore names. It may be one that was planned
// a moment ago.
func (p *Plan) source(h *Head, w *state.Write) (*state.Version, error) {
	if w.Op != state.OpRestore || h.Version == nil {
		return nil, nil
	}
	for i := range p.Made {
		if v := &p.Made[i]; v.Entity == h.Version.Entity && v.Number == w.Source {
			return v, nil
		}
	}
	if h.Fresh {
		return nil, nil
	}
	return p.Source(h.Version.Entity, w.Source)
}

func (v *Versions) owner() int { return v.Table.Index(v.Table.Owner) }

func (v *Versions) key(key string) string {
	if v.d.Key == nil {
		return key
	}
	return v.d.Key(key)
}

// VersionArgs are the arguments of InsertVersion.
func (v *Versions) VersionArgs(made *state.Version) []any {
	args := make([]any, 0, SystemFields+len(made.Values))
	args = append(args, made.Seq, made.At.UnixMicro(), made.Entity, made.Number, string(made.Op), made.Actor, made.Source)
	for _, value := range made.Values {
		args = append(args, Bind(value))
	}
	return args
}

// HeadWrite is the statement that brings a head up to date, and its arguments.
func (v *Versions) HeadWrite(h *Head) (sql string, args []any) {
	newest := h.Version
	args = []any{newest.Entity, newest.Seq, newest.Number, newest.Op == state.OpDelete}
	var owner any
	if i := v.owner(); i >= 0 {
		owner = newest.Values[i]
	}
	switch {
	case h.Fresh:
		return v.InsertHead, append(args, v.key(h.Key), owner)
	case h.Moved:
		return v.OwnHead, append(args, owner)
	}
	return v.MoveHead, args
}

// EncodeTable is a declaration as the catalogue keeps it.
func EncodeTable(t *state.Table) (string, error) {
	raw, err := json.Marshal(t)
	if err != nil {
		return "", errs.Wrap(errs.Internal, err, "the table %q cannot be written down", t.Name)
	}
	return string(raw), nil
}

// DecodeTable reads a declaration out of the catalogue, where edition,
// generation and horizon stand beside it.
func DecodeTable(name, declaration string, edition, generation, horizon int64) (state.Table, error) {
	var t state.Table
	err := json.Unmarshal([]byte(declaration), &t)
	if err != nil || !strings.EqualFold(t.Name, name) || len(t.Columns) != len(t.Places) || hollow(&t) {
		return t, errs.Wrap(errs.Internal, err, "what varve_table says of the table %q is damaged; restore that row from a backup", name)
	}
	t.Edition, t.Generation, t.Horizon = edition, generation, horizon
	return t, nil
}

// NewEdition is a number for a declaration or a history that changed. Every
// language's JSON can hold it.
func NewEdition() int64 { return rand.Int64N(1 << 53) }

// hollow tells whether a column has no place.
func hollow(t *state.Table) bool {
	for _, places := range t.Places {
		if len(places) == 0 {
			return true
		}
	}
	return len(t.Columns) == 0 || len(t.Schema.Key) == 0
}
