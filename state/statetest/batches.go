package statetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

// batched reads a range of the log in batches, each of which is as it should be.
func (s *subject) batched(t *state.Table, after, to int64) (out []state.Version) {
	s.Helper()
	small := 0
	s.must(state.Batches(s.ctx, s.store, t, after, to, func(full *state.Batch) (*state.Batch, error) {
		if full == nil {
			return state.NewBatch(t), nil
		}
		if small++; full.Full() {
			small = 0
		}
		if full.Rows == 0 || full.Rows > state.BatchRows || small > 1 {
			s.Fatalf("a batch of %d versions, after %d small ones", full.Rows, small)
		}
		out = append(out, versionsOf(t, full)...)
		full.Reset() // and it is used again
		return full, nil
	}))
	return out
}

func versionsOf(t *state.Table, b *state.Batch) (out []state.Version) {
	for row := range b.Rows {
		get := func(i int) any { return fieldOf(&b.Fields[i], row) }
		v := state.Version{Seq: get(0).(int64), At: get(1).(time.Time), Entity: get(2).(int64), Number: get(3).(int64),
			Op: state.Op(get(4).(string)), Actor: get(5).(string), Source: get(6).(int64)}
		for i := range t.Columns {
			v.Values = append(v.Values, get(state.BatchSystem+i))
		}
		out = append(out, v)
	}
	return out
}

func fieldOf(f *state.Field, row int) any {
	if f.Type == state.Bytes || f.Null && f.Nulls[row/64]>>(row%64)&1 != 0 {
		return nil
	}
	switch f.Type {
	case state.Integer:
		return f.Ints[row]
	case state.Time:
		return time.UnixMicro(f.Ints[row]).UTC()
	case state.Boolean:
		return f.Ints[row] != 0
	case state.Real:
		return f.Reals[row]
	}
	from := uint32(0)
	if row > 0 {
		from = f.Ends[row-1]
	}
	text := f.Text[from:f.Ends[row]]
	if f.Type == state.JSON {
		return json.RawMessage(slices.Clone(text))
	}
	return string(text)
}

// logged is a range of the log, without bytes.
func (s *subject) logged(t *state.Table, after, to int64) (out []state.Version) {
	s.Helper()
	for {
		vs, err := s.store.Log(s.ctx, t, after, 1<<20)
		s.must(err)
		if len(vs) == 0 { // it may give fewer than asked for, as a server does
			return out
		}
		after = vs[len(vs)-1].Seq
		for _, v := range vs {
			for i := range t.Columns {
				if t.Columns[i].Type == state.Bytes {
					v.Values[i] = nil
				}
			}
			if v.Seq <= to {
				out = append(out, v)
			}
		}
	}
}

var batches = []rule{
	{"batches hold what the log does", func(s *subject) {
		r := s.todos()
		for i, v := range hostile {
			row := state.Row{"id": fmt.Sprint(i % 4), "body": v, "user_id": v, "priority": i - 3, "labels": []any{v}, "data": []byte(v), "score": float64(i) / 3, "done": i%2 == 0, "due": day(i)}
			for name := range row {
				if name != "id" && len(name)%5 == i%5 {
					row[name] = nil
				}
			}
			s.rec(r.By(hostile[i%4]).Put(s.ctx, row))
		}
		s.rec(r.Delete(s.ctx, "1"))
		s.rec(r.Restore(s.ctx, 1, "1"))
		old := r.Table()
		s.equal(s.batched(&old, 0, 1<<40), s.logged(&old, 0, 1<<40))
		wider := todos
		wider.Columns = append(slices.Clone(todos.Columns), col("more", state.JSON))
		wider.Columns[3] = col("urgency", state.Real, "priority")
		r = s.declare(wider)
		s.rec(r.Put(s.ctx, state.Row{"id": "0", "urgency": 1.5, "more": []any{1}}))
		now := r.Table()
		s.equal(s.batched(&now, 0, 1<<40), s.logged(&now, 0, 1<<40))
	}},
	{"batches end where they are told to, over gaps too", func(s *subject) {
		r := s.todos()
		var seqs []int64
		for from := 0; from < 5000; from += 500 {
			var changes []state.Change
			for i := range 500 {
				changes = append(changes, state.Change{Op: state.OpPut, Row: state.Row{"id": fmt.Sprint(i % 100), "body": hostile[i%10]}})
			}
			recs, err := r.Write(s.ctx, changes...)
			s.must(err)
			for _, rec := range recs {
				seqs = append(seqs, rec.Seq)
			}
		}
		t := r.Table()
		check := func() {
			s.Helper()
			for _, bounds := range [][2]int{{0, 4999}, {-1, 0}, {10, 10}, {11, 10}, {0, state.BatchRows}, {100, 100 + 2*state.BatchRows}, {4000, 4999}} {
				after := int64(0)
				if bounds[0] >= 0 {
					after = seqs[bounds[0]]
				}
				s.equal(s.batched(&t, after, seqs[bounds[1]]), s.logged(&t, after, seqs[bounds[1]]))
			}
			s.equal(s.batched(&t, 0, 1<<60), s.logged(&t, 0, 1<<60))
		}
		check()
		_, err := r.Compact(s.ctx, seqs[4500])
		s.must(err)
		check()
		s.must(s.db.Clear(s.ctx))
		check()
		s.append(r, "a", nil)
		s.equal(len(s.batched(&t, 0, 1<<60)), 1)
	}},
	{"who takes batches may end them", func(s *subject) {
		r := s.todos()
		s.append(r, "a", nil)
		t := r.Table()
		failure := errors.New("no more")
		for stop := range 2 {
			n := 0
			err := state.Batches(s.ctx, s.store, &t, 0, 1<<40, func(*state.Batch) (*state.Batch, error) {
				if n++; n > stop {
					return nil, failure
				}
				return state.NewBatch(&t), nil
			})
			if !errors.Is(err, failure) {
				s.Fatalf("at call %d: %v", stop, err)
			}
		}
		t.Name = "nothing"
		s.kind(errs.NotFound, state.Batches(s.ctx, s.store, &t, 0, 1, func(*state.Batch) (*state.Batch, error) { return state.NewBatch(&t), nil }))
	}},
}
