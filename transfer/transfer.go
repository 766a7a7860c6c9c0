// Package transfer moves conversations between databases: whole threads with
// their times, ids, unknown keys, feedback and the bytes of their elements.
//
//	c := transfer.Copy{From: transfer.Side{Store: a, Files: fa}, To: transfer.Side{Store: b, Files: fb}}
//	err := c.Run(ctx)
//	verdict, err := transfer.Verify(ctx, c.From, c.To, transfer.Options{})
//
// A thread is put in the place of the one with its id, so that copying can be
// repeated, broken off and taken up again; what else the destination has is
// left alone. Rows are read as they are stored, hidden inputs too.
package transfer

import (
	"context"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// Side is one end of a copy.
type Side struct {
	Name  string // for messages; without secrets
	Store Store
	Files chat.Files // nil: there are no bytes here
}

// Store is what an end of a copy must be, beside being a chat.Mover: every
// chat.Store of a database that can be moved is one, and so is an archive.
type Store interface {
	// Features is that of chat.Store.
	Features() chat.Features
	chat.Users
}

// lister is a Store that lists threads by their last activity.
type lister interface {
	// Threads is that of chat.Threads.
	Threads(ctx context.Context, q chat.ThreadQuery) ([]chat.Thread, error)
}

func (s Side) mover() (chat.Mover, error) {
	if m, ok := s.Store.(chat.Mover); ok {
		return m, nil
	}
	return nil, errs.New(errs.Unsupported, "%s: this database cannot hand out and take whole threads", s.Name)
}

// Options are what copying and verifying have in common.
type Options struct {
	// Since leaves out threads whose last activity is before it: a time in the
	// form of chat.FormatTime, "" for none. Users are copied all the same.
	Since string
	// Addresses gives elements with stored bytes their address at the
	// destination, in the place of the one that they bring; nil: they keep it.
	Addresses func(threadID, elementID string) string
	// Progress is called now and then, from one goroutine at a time.
	Progress func(Progress)
}

func (o Options) tell(p Progress) {
	if o.Progress != nil {
		o.Progress(p)
	}
}

// Count is how much of everything.
type Count struct {
	Users    int64 `json:"users"`
	Threads  int64 `json:"threads"`
	Steps    int64 `json:"steps"`
	Elements int64 `json:"elements"`
	Feedback int64 `json:"feedback"`
	Files    int64 `json:"files"`
	Bytes    int64 `json:"bytes"`
}

func (c *Count) thread(t *chat.Thread) {
	c.Threads++
	c.Steps += int64(len(t.Steps))
	c.Elements += int64(len(t.Elements))
	c.Feedback += int64(len(t.Loose))
	for i := range t.Steps {
		if t.Steps[i].Feedback != nil {
			c.Feedback++
		}
	}
}

func (c *Count) add(more Count) {
	c.Users += more.Users
	c.Threads += more.Threads
	c.Steps += more.Steps
	c.Elements += more.Elements
	c.Feedback += more.Feedback
	c.Files += more.Files
	c.Bytes += more.Bytes
}

// Subtract takes away what is counted twice.
func (c *Count) Subtract(less Count) {
	c.Users -= less.Users
	c.Threads -= less.Threads
	c.Steps -= less.Steps
	c.Elements -= less.Elements
	c.Feedback -= less.Feedback
	c.Files -= less.Files
	c.Bytes -= less.Bytes
}

// Progress is how far something is.
type Progress struct {
	Done  Count
	Total int64 // threads; 0: not known
}

// Limits tells what the destination cannot hold as the source does, in
// sentences, before anything is done.
func Limits(from, to Side) []string {
	var notes []string
	a, b := from.Store.Features(), to.Store.Features()
	if a.AnyID && !b.AnyID {
		notes = append(notes, to.Name+" takes UUIDs as ids only: threads that have other ids, on themselves or in them, are refused and named")
	}
	if a.UnknownKeys && !b.UnknownKeys {
		notes = append(notes, to.Name+" has no place for keys of elements that it does not know: they are left out, and named as differences; `varve doctor --apply` adds the place")
	}
	if !b.Transactions {
		notes = append(notes, to.Name+" has no transactions: if the copy is broken off, the thread it was at is completed when it is run again")
	}
	if from.Files != nil && to.Files == nil {
		notes = append(notes, to.Name+" has no place for bytes: those of elements stay behind")
	}
	return notes
}

// ids walks the ids of a side's threads, all or those since a time, from a
// position on. The positions are those of the store.
func ids(ctx context.Context, s Side, since, after string, limit int) ([]string, string, error) {
	if l, ok := s.Store.(lister); ok && since != "" {
		return recent(ctx, l, since, after, limit)
	}
	m, err := s.mover()
	if err != nil {
		return nil, "", err
	}
	return m.ThreadIDs(ctx, after, limit)
}

// recent walks the listing down to a time.
func recent(ctx context.Context, s lister, since, after string, limit int) (found []string, next string, err error) {
	q := chat.ThreadQuery{Limit: limit}
	if after != "" {
		at, err := parsePlace(after)
		if err != nil {
			return nil, "", err
		}
		q.After = &at
	}
	threads, err := s.Threads(ctx, q)
	if err != nil {
		return nil, "", err
	}
	for _, t := range threads {
		if t.LastActivity < since {
			return found, "", nil
		}
		found = append(found, t.ID)
		next = place(t.LastActivity, t.ID)
	}
	if len(threads) < limit {
		next = ""
	}
	return found, next, nil
}

// total counts the threads of a side.
func total(ctx context.Context, s Side, since string) (n int64, err error) {
	for after := ""; ; {
		page, next, err := ids(ctx, s, since, after, manyIDs)
		if err != nil {
			return 0, err
		}
		n += int64(len(page))
		if after = next; after == "" {
			return n, nil
		}
	}
}

const manyIDs = 5000
