package component

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// Rows yields the rows of a data set, each as JSON: of a pinned one as they
// were when it was applied, else as they are now. An error ends it.
func (s *Service) Rows(ctx context.Context, d *Dataset) iter.Seq2[json.RawMessage, error] {
	return RowsFrom(ctx, d, s.ask())
}

// Asked answers questions: query.Service.Execute, or that of a client.
type Asked func(ctx context.Context, q query.Question) (*query.Result, error)

// ask is the databackend, nil when there is none.
func (s *Service) ask() Asked {
	if s.opt.Data == nil {
		return nil
	}
	return s.opt.Data.Execute
}

// RowsFrom is [Service.Rows] for who asks a databackend elsewhere.
func RowsFrom(ctx context.Context, d *Dataset, ask Asked) iter.Seq2[json.RawMessage, error] {
	if d.Pin && !d.RawData.IsZero() {
		return pinned(ctx, d.RawData)
	}
	return live(ctx, d, ask)
}

// longestRow is how long a row of a pinned data set may be.
const longestRow = 64 << 20

func pinned(ctx context.Context, b Bytes) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		r, err := b.Open(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		defer r.Close()
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, longestRow)
		for lines.Scan() {
			if !yield(bytes.Clone(lines.Bytes()), nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// live asks the databackend, and takes a sample where one is asked for.
func live(ctx context.Context, d *Dataset, ask Asked) iter.Seq2[json.RawMessage, error] {
	if ask == nil {
		return failing(errs.Field(errs.Unsupported, "select", "there is no databackend to ask for rows"))
	}
	q, err := selection(d)
	if err != nil {
		return failing(at("select", err))
	}
	answer, err := ask(ctx, query.Query{Select: q})
	if err != nil {
		return failing(at("select", err))
	}
	if d.SampleSize == 0 {
		return encoded(answer.Rows())
	}
	return sample(encoded(answer.Rows()), d.SampleSize, uint64(d.Seed))
}

// selection is what a data set selects. errs.Invalid: its query has variables
// still.
func selection(d *Dataset) (*query.Select, error) {
	q, err := question(d.Select)
	if err == nil && q.Select == nil {
		err = errs.New(errs.Invalid, "selects nothing before its variables have values")
	}
	return q.Select, err
}

func failing(err error) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) { yield(nil, err) }
}

func encoded(rows iter.Seq2[query.Row, error]) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		for row, err := range rows {
			var raw []byte
			if err == nil {
				raw, err = row.MarshalJSON()
			}
			if err == nil {
				raw, err = Canonical(raw)
			}
			if !yield(raw, err) || err != nil {
				return
			}
		}
	}
}

// drawn is a row with the place that chance gave it.
type drawn struct {
	place uint64
	index int
	row   json.RawMessage
}

// draw is a heap whose top is the last of the sample so far.
type draw []drawn

func (d draw) Len() int           { return len(d) }
func (d draw) Less(i, j int) bool { return before(d[j], d[i]) }
func (d draw) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *draw) Push(v any)        { *d = append(*d, v.(drawn)) }
func (d *draw) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

func before(a, b drawn) bool {
	return a.place < b.place || a.place == b.place && a.index < b.index
}

// sample yields the first n rows of a permutation that the seed alone decides:
// each row draws a place, and the n lowest are kept, so that memory holds n
// rows however many there are.
func sample(rows iter.Seq2[json.RawMessage, error], n int, seed uint64) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		chance := rand.NewPCG(seed, 0)
		var kept draw
		index := 0
		for row, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			d := drawn{chance.Uint64(), index, row}
			index++
			if len(kept) < n {
				heap.Push(&kept, d)
			} else if before(d, kept[0]) {
				kept[0] = d
				heap.Fix(&kept, 0)
			}
		}
		slices.SortFunc(kept, func(a, b drawn) int {
			return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.index, b.index))
		})
		for _, d := range kept {
			if !yield(d.row, nil) {
				return
			}
		}
	}
}

// snapshot keeps the rows of a data set as they are now.
func (s *Service) snapshot(ctx context.Context, d *Dataset) error {
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.CloseWithError(s.writeRows(ctx, w, d))
	}()
	info, err := s.opt.Artifacts.Put(ctx, r, "application/x-ndjson")
	r.CloseWithError(errGone) // lets the writer end where Put gave up
	<-done
	if err != nil {
		return at("raw_data", err)
	}
	d.RawData = Bytes{Digest: string(info.Digest), from: s.opt.Artifacts}
	d.Created = s.opt.Now().UTC().Format(time.RFC3339)
	return nil
}

var errGone = errors.New("nobody reads any more")

func (s *Service) writeRows(ctx context.Context, w io.Writer, d *Dataset) error {
	to := bufio.NewWriterSize(w, 64<<10)
	for row, err := range live(ctx, d, s.ask()) {
		if err != nil {
			return err
		}
		if _, err := to.Write(append(row, '\n')); err != nil {
			return err
		}
	}
	return to.Flush()
}
