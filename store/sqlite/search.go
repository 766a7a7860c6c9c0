package sqlite

import (
	"context"
	"math"
	"os"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// Bounds of search.
const (
	// shortest is the length of a text that the index of trigrams can find.
	shortest = 3
	// inline is how many changes a search takes into the index before it
	// answers. A longer list is left to the background, and the search scans.
	inline = 1000
	// longest is the size of a text that goes into the index, and needles the
	// length of a search text that is looked up there: the memory of SQLite
	// must hold a position for every character of both.
	longest = 256 << 10
	needles = 128
	// longDocs is how many longer texts a search looks into. Where there are
	// more it scans, which finds a page sooner.
	longDocs = 100
)

// searching gives what the index knows of a search text, as a FROM clause; nil:
// look into every thread. That is what searches inside an Update do, whose
// writes the index does not know, and texts too short or too long for it, and
// files without a change log.
func (r rooms) searching(ctx context.Context, p *schema, text string) (sqlcore.Condition, error) {
	needle := chat.Fold(text)
	if _, outer := r.at.(*Store); !outer || !p.tracked || r.store.opt.NoSearchIndex {
		return nil, nil
	}
	if n := utf8.RuneCountInString(needle); n < shortest || n > needles {
		return nil, nil
	}
	if err := r.store.outer(ctx); err != nil {
		return nil, err
	}
	ids, ok := r.store.search.find(ctx, needle)
	if !ok {
		return nil, nil
	}
	list := string(sqlcore.AppendJSON(nil, ids))
	return func(param func(any) string) string {
		return `json_each(` + param(list) + `) j CROSS JOIN threads t ON t."id"=j.value`
	}, nil
}

// searcher owns the index of a store: a file beside the database, brought up
// to date from the change log when a search comes. Everything in it can be had
// again, so whatever goes wrong with it, it is dropped and the search scans.
type searcher struct {
	store *Store
	turn  chan struct{} // held by who uses index
	index *index        // nil: not open

	background sync.WaitGroup // building, and the store's housekeeping
	busy       bool           // the background works on it; guarded by turn
	ctx        context.Context
	cancel     context.CancelFunc
}

func newSearcher(s *Store) *searcher {
	ctx, cancel := context.WithCancel(context.Background())
	return &searcher{store: s, turn: make(chan struct{}, 1), ctx: ctx, cancel: cancel}
}

// close ends what runs in the background and closes the index.
func (s *searcher) close() error {
	s.cancel()
	s.background.Wait()
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.index == nil {
		return nil
	}
	err := s.index.close()
	s.index = nil
	return err
}

// find returns the threads with a folded text in their name or in the output
// of a step; false: it cannot tell.
func (s *searcher) find(ctx context.Context, needle string) (ids []string, ok bool) {
	if !s.take(ctx) {
		return nil, false
	}
	defer func() { <-s.turn }()
	if s.busy || s.ctx.Err() != nil {
		return nil, false
	}
	left, err := s.catchUp(ctx, inline)
	if err == nil && left > 0 {
		s.inBackground()
		return nil, false
	}
	if err == nil {
		ids, ok, err = s.index.find(needle)
	}
	if err == nil && ok {
		ids, ok, err = s.inLong(ctx, needle, ids)
	}
	if err != nil && ctx.Err() == nil {
		s.drop(err)
		return nil, false
	}
	return ids, ok
}

// inLong adds the threads whose long texts contain a needle to those found.
func (s *searcher) inLong(ctx context.Context, needle string, found []string) (ids []string, ok bool, err error) {
	docs, err := s.index.long(longDocs + 1)
	if err != nil || len(docs) > longDocs {
		return nil, false, err
	}
	err = s.store.readers.read(ctx, func(c *conn) error {
		for _, d := range docs {
			if slices.Contains(found, d.thread) {
				continue
			}
			at := slices.IndexFunc(indexed, func(t texts) bool { return t.table == d.kind })
			t := indexed[at]
			has, err := c.number(`SELECT count(*) FROM `+t.table+` WHERE "id"=? AND varve_contains("`+t.text+`",?)`, d.key, needle)
			if err != nil {
				return err
			}
			if has > 0 {
				found = append(found, d.thread)
			}
		}
		return nil
	})
	return found, err == nil, err
}

func (s *searcher) take(ctx context.Context) bool {
	select {
	case s.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// catchUp takes up to most changes into the index and returns how many are
// left. The caller has the turn.
func (s *searcher) catchUp(ctx context.Context, most int) (left int64, err error) {
	if s.index == nil {
		if s.index, err = openIndex(s.store.path+indexSuffix, s.store.opt); err != nil {
			return 0, err
		}
	}
	err = s.store.readers.read(ctx, func(c *conn) error {
		if err := c.exec("BEGIN"); err != nil { // log and rows of one state
			return err
		}
		left, err = s.index.follow(c, most)
		c.rollback()
		return err
	})
	return left, err
}

// inBackground builds what a search should not wait for. The caller has the
// turn; the background gives it up between pieces, while searches scan.
func (s *searcher) inBackground() {
	s.busy = true
	s.background.Go(func() {
		for more := true; more; {
			if !s.take(s.ctx) {
				return
			}
			left, err := s.catchUp(s.ctx, inline)
			if err != nil && s.ctx.Err() == nil {
				s.drop(err)
			}
			more = err == nil && left > 0 && s.ctx.Err() == nil
			s.busy = more
			<-s.turn
		}
	})
}

// refresh brings an index that is there up to date, so that the log need not
// be kept for it.
func (s *searcher) refresh(ctx context.Context) {
	if _, err := os.Stat(s.store.path + indexSuffix); err != nil || !s.take(ctx) {
		return
	}
	defer func() { <-s.turn }()
	if s.busy || s.ctx.Err() != nil {
		return
	}
	left, err := s.catchUp(ctx, inline)
	switch {
	case err != nil && ctx.Err() == nil:
		s.drop(err)
	case left > 0:
		s.inBackground()
	}
}

// position is how far an index that is open has followed the log; a very large
// number when there is none, or one that can be built again.
func (s *searcher) position(ctx context.Context) (int64, error) {
	if !s.take(ctx) {
		return 0, givenUp(ctx)
	}
	defer func() { <-s.turn }()
	if s.index == nil {
		return math.MaxInt64, nil
	}
	text, err := s.index.note("position")
	if err != nil || text == "" {
		return math.MaxInt64, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// drop takes the index away. The caller has the turn.
func (s *searcher) drop(cause error) {
	s.store.opt.Log.Warn("the search index is dropped and will be built again", "err", cause)
	if s.index != nil {
		s.index.close()
		s.index = nil
	}
	if err := removeIndex(s.store.path + indexSuffix); err != nil {
		s.store.opt.Log.Warn("the search index cannot be removed", "err", err)
	}
}

// DropSearchIndex removes the search index with all traces of deleted texts in
// it. The next search builds it again.
func (s *Store) DropSearchIndex(ctx context.Context) error {
	if !s.search.take(ctx) {
		return givenUp(ctx)
	}
	defer func() { <-s.search.turn }()
	if s.search.index != nil {
		s.search.index.close()
		s.search.index = nil
	}
	return removeIndex(s.path + indexSuffix)
}
