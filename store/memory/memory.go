// Package memory is a store that forgets everything when it is closed. It is
// the definition of what a store does: the others are held to its answers.
//
//	db := memory.Open()
//	svc := chat.NewService(db.Chat(), chat.Options{})
package memory

import (
	"context"
	"crypto/rand"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/goid"
	"github.com/varvedb/varve/store"
)

// Store is an open store in memory.
type Store struct {
	mu      sync.RWMutex
	updater atomic.Uint64 // the goroutine inside Update, 0 for none
	data    *data
	writes  int64 // that changed something
	secrets map[string][]byte
}

var (
	_ store.Store    = (*Store)(nil)
	_ change.Stamper = (*Store)(nil)
)

// Open makes an empty store.
func Open() *Store {
	return &Store{data: newData(), secrets: map[string][]byte{}}
}

// Chat implements store.Tx.
func (s *Store) Chat() chat.Store { return rooms{at: s} }

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	return s.write(ctx, func(d *data) error {
		s.updater.Store(goid.Current())
		defer s.updater.Store(0)
		return fn(store.Inside(ctx), tx{d})
	})
}

// tx is the inside of an Update: the lock is held already.
type tx struct{ data *data }

func (t tx) Chat() chat.Store { return rooms{at: t} }

// access runs a function on the data, under the lock or inside an Update.
type access interface {
	read(ctx context.Context, fn func(*data) error) error
	write(ctx context.Context, fn func(*data) error) error
}

func (t tx) read(_ context.Context, fn func(*data) error) error { return fn(t.data) }

func (t tx) write(_ context.Context, fn func(*data) error) error {
	mark := len(t.data.undo)
	if err := fn(t.data); err != nil {
		t.data.rollback(mark)
		return err
	}
	return nil
}

func (s *Store) read(ctx context.Context, fn func(*data) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return fn(s.data)
}

func (s *Store) write(ctx context.Context, fn func(*data) error) (err error) {
	if err := s.enter(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	done := false
	defer func() {
		if !done || err != nil { // a panic in fn leaves nothing behind either
			s.data.rollback(0)
		}
		if len(s.data.undo) > 0 {
			s.writes++
		}
		s.data.undo = nil
	}()
	err = fn(s.data)
	done = true
	return err
}

func (s *Store) enter(ctx context.Context) error {
	if err := store.Outer(ctx); err != nil {
		return err
	}
	if id := s.updater.Load(); id != 0 && id == goid.Current() {
		return store.Outer(store.Inside(ctx))
	}
	if err := ctx.Err(); err != nil {
		return errs.Wrap(errs.Unavailable, err, "the call was given up")
	}
	return nil
}

// Changes implements change.Log.
func (s *Store) Changes(ctx context.Context, after int64, limit int) (events []change.Event, err error) {
	err = s.read(ctx, func(d *data) error {
		from, _ := slices.BinarySearchFunc(d.events, after+1, func(e change.Event, p int64) int { return int(e.Position - p) })
		events = slices.Clone(d.events[from:min(len(d.events), from+limit)])
		return nil
	})
	return events, err
}

// Head implements change.Log.
func (s *Store) Head(ctx context.Context) (head int64, err error) {
	err = s.read(ctx, func(d *data) error {
		head = int64(len(d.events))
		return nil
	})
	return head, err
}

// Stamp implements change.Stamper.
func (s *Store) Stamp(ctx context.Context) (stamp string, err error) {
	err = s.read(ctx, func(*data) error {
		stamp = strconv.FormatInt(s.writes, 10)
		return nil
	})
	return stamp, err
}

// Secret implements store.Store.
func (s *Store) Secret(_ context.Context, name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secrets[name] == nil {
		s.secrets[name] = make([]byte, 32)
		rand.Read(s.secrets[name])
	}
	return slices.Clone(s.secrets[name]), nil
}

// Ping implements store.Store.
func (s *Store) Ping(ctx context.Context) error { return ctx.Err() }

// Close implements store.Store.
func (s *Store) Close() error { return nil }

// data is everything, with a journal to take a write back.
type data struct {
	users      map[string]chat.User // by identifier
	threads    map[string]chat.Thread
	steps      map[string]row[chat.Step]
	elements   map[string]row[chat.Element]
	feedbacks  map[string]chat.Feedback // by step
	tombstones map[string]tombstone
	sheets     map[string]*sheet // by the name of the table in lower case
	artifacts  map[artifact.Digest]artifact.Entry
	places     map[string]spot
	relations  map[string]*relation
	orphans    []string
	meta       metadata
	expected   map[string]time.Time // keys of bytes, and when they were announced
	events     []change.Event
	births     int
	undo       []func()
}

// row is a value with its place in the order of insertion, which breaks ties.
type row[T any] struct {
	birth int
	value T
}

type tombstone struct {
	head chat.Head
	at   time.Time
}

func newData() *data {
	return &data{users: map[string]chat.User{}, threads: map[string]chat.Thread{},
		steps: map[string]row[chat.Step]{}, elements: map[string]row[chat.Element]{},
		feedbacks: map[string]chat.Feedback{}, tombstones: map[string]tombstone{},
		sheets: map[string]*sheet{}, relations: map[string]*relation{}, meta: newMetadata(),
		artifacts: map[artifact.Digest]artifact.Entry{}, places: map[string]spot{}, expected: map[string]time.Time{}}
}

func (d *data) rollback(mark int) {
	for i := len(d.undo) - 1; i >= mark; i-- {
		d.undo[i]()
	}
	d.undo = d.undo[:mark]
}

// put and remove are the only ways to change a table.
func put[K comparable, V any](d *data, table map[K]V, key K, v V) {
	restore(d, table, key)
	table[key] = v
}

func remove[K comparable, V any](d *data, table map[K]V, key K) {
	restore(d, table, key)
	delete(table, key)
}

func restore[K comparable, V any](d *data, table map[K]V, key K) {
	old, was := table[key]
	d.undo = append(d.undo, func() {
		if was {
			table[key] = old
		} else {
			delete(table, key)
		}
	})
}

// note writes to the change log.
func (d *data) note(table, key string, op change.Op, now time.Time) {
	before := len(d.events)
	d.undo = append(d.undo, func() { d.events = d.events[:before] })
	d.events = append(d.events, change.Event{Position: int64(before + 1), Table: table, Key: key, Op: op, At: now})
}

// orphan remembers a key unless an element names it, adopt forgets it.
func (d *data) orphan(key string) {
	if key == "" || slices.Contains(d.orphans, key) {
		return
	}
	if d.hasBytes(key) {
		return
	}
	before := d.orphans
	d.undo = append(d.undo, func() { d.orphans = before })
	d.orphans = append(slices.Clone(before), key)
}

func (d *data) adopt(keys ...string) {
	for _, key := range keys {
		remove(d, d.expected, key)
	}
	before := d.orphans
	d.undo = append(d.undo, func() { d.orphans = before })
	d.orphans = slices.DeleteFunc(slices.Clone(before), func(k string) bool { return slices.Contains(keys, k) })
}
