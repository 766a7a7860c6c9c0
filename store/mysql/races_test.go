package mysql_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/store"
)

// Whoever takes the last element away that names some bytes makes them orphans,
// also when two do so at once, each of which sees the other's element at first.
func TestBytesOfTwoElementsTakenAwayAtOnceBecomeOrphansOnce(t *testing.T) {
	ctx, db, w := t.Context(), open(t, mytest.New(t)).Chat(), chat.Write{Now: time.Now()}
	var want []string
	for i := range 20 {
		key := fmt.Sprintf("key %02d", i)
		want = append(want, key)
		refs := make([]chat.Ref, 2)
		for n := range refs {
			refs[n] = chat.Ref{ID: fmt.Sprintf("%d.%d", i, n), ThreadID: fmt.Sprintf("t%d", n)}
			if err := db.ApplyElement(ctx, chat.Element{ID: refs[n].ID, ThreadID: refs[n].ThreadID, Name: "n", ObjectKey: key}, w); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for _, ref := range refs {
			wg.Go(func() {
				if err := db.DeleteElement(ctx, ref, w); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	keys, err := db.Orphans(ctx, time.Now(), 100)
	if slices.Sort(keys); err != nil || !slices.Equal(keys, want) {
		t.Errorf("orphans are %q, %v", keys, err)
	}
}

// A step that two writers make in two threads at once is of one of them, and
// later writers find it there whatever they call its thread.
func TestAStepIsOfOneThread(t *testing.T) {
	ctx, db := t.Context(), open(t, mytest.New(t)).Chat()
	for i := range 20 {
		id := fmt.Sprint("s", i)
		var wg sync.WaitGroup
		for _, thread := range []string{"a", "b", "c"} {
			wg.Go(func() {
				if err := db.ApplyStep(ctx, chat.Step{ID: id, ThreadID: thread, Output: thread}, chat.Write{Now: time.Now()}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		s, err := db.Step(ctx, chat.Ref{ID: id})
		if err != nil {
			t.Fatal(err)
		}
		in := 0
		for _, thread := range []string{"a", "b", "c"} {
			got, err := db.Thread(ctx, thread)
			if err != nil && errs.KindOf(err) != errs.NotFound { // who lost made no thread either
				t.Fatal(err)
			}
			if slices.ContainsFunc(got.Steps, func(o chat.Step) bool { return o.ID == id }) {
				in++
			}
		}
		if in != 1 || s.ThreadID == "" {
			t.Errorf("step %s is in %d threads", id, in)
		}
	}
}

// Two Updates that make the same user, thread and step at once: the second finds
// what the first made, and both succeed.
func TestUpdatesThatMakeTheSameThings(t *testing.T) {
	db := open(t, mytest.New(t))
	db.Chat().Features()
	for i := range 10 {
		id := fmt.Sprint(i)
		var wg sync.WaitGroup
		for n := range 4 {
			wg.Go(func() {
				err := db.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
					w := chat.Write{Now: time.Now()}
					u, err := tx.Chat().PutUser(ctx, chat.User{ID: fmt.Sprint(id, ".", n), Identifier: id, CreatedAt: "x"}, w)
					if err == nil {
						err = tx.Chat().ApplyThread(ctx, chat.ThreadPatch{ID: id, UserID: u.ID, Metadata: chat.Object{fmt.Sprint(n): true}}, w)
					}
					if err == nil {
						err = tx.Chat().ApplyStep(ctx, chat.Step{ID: id, ThreadID: id, Output: "x"}, w)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got, err := db.Chat().Thread(t.Context(), id)
		if err != nil || len(got.Metadata) != 4 || len(got.Steps) != 1 || got.UserIdentifier != id {
			t.Errorf("%+v, %v", got, err)
		}
	}
}
