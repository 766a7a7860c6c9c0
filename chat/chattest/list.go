package chattest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
)

// timeline makes n threads of a user's. Their steps lie ahead of any clock, so
// that the order is the steps'; the result is in the order of the list.
func (s subject) timeline(u chat.User, n int, created func(i int) string) []string {
	s.Helper()
	var made []string
	for i := range n {
		t := id()
		s.patch(chat.ThreadPatch{ID: t, UserID: u.ID, Name: chat.Ptr(fmt.Sprintf("thread %d", i))})
		m := message(id(), t, fmt.Sprintf("output %d", i))
		m.CreatedAt = created(i)
		s.put(m)
		made = append(made, t)
	}
	slices.Reverse(made)
	return made
}

func ahead(i int) string { return fmt.Sprintf("2099-01-01T00:%02d:%02d.000000Z", i/60, i%60) }

// walk pages through a listing and returns all ids.
func (s subject) walk(f chat.ThreadFilter, first int) (all []string) {
	s.Helper()
	cursor := ""
	for range 1000 {
		p := s.list(f, first, cursor)
		all = append(all, ids(p)...)
		if !p.Info.HasNextPage {
			return all
		}
		cursor = *p.Info.EndCursor
	}
	s.Fatal("the listing does not end")
	return nil
}

var list = []rule{
	{name: "an empty listing has no cursors", test: func(s subject) {
		p := s.list(chat.ThreadFilter{UserID: s.user("ada").ID}, 10, "")
		s.equal(p, page.Page[chat.Thread]{Data: []chat.Thread{}})
	}},
	{name: "threads come by last activity, which stands in createdAt", test: func(s subject) {
		u := s.user("ada")
		want := s.timeline(u, 3, ahead)
		s.put(chat.Step{ID: id(), ThreadID: want[2], Type: "run", CreatedAt: "2099-06-01T00:00:00Z"})
		want = []string{want[2], want[0], want[1]}
		p := s.list(chat.ThreadFilter{UserID: u.ID}, 10, "")
		s.equal(ids(p), want)
		s.equal(p.Data[0].CreatedAt, "2099-06-01T00:00:00.000000Z")
		if p.Data[0].ThreadCreatedAt >= "2099" {
			s.Fatalf("threadCreatedAt is %q", p.Data[0].ThreadCreatedAt)
		}
		s.equal(p.Info.HasNextPage, false)
	}},
	{name: "a step from the past does not lower the last activity", test: func(s subject) {
		u := s.user("ada")
		want := s.timeline(u, 2, ahead)
		s.put(chat.Step{ID: id(), ThreadID: want[0], Type: "run", CreatedAt: "1999-01-01T00:00:00Z"})
		s.equal(ids(s.list(chat.ThreadFilter{UserID: u.ID}, 10, "")), want)
	}},
	{name: "a step without a readable time does not change the order", test: func(s subject) {
		u := s.user("ada")
		want := s.timeline(u, 2, ahead)
		s.put(chat.Step{ID: id(), ThreadID: want[1], Type: "run", CreatedAt: "zzzz yesterday"})
		s.equal(ids(s.list(chat.ThreadFilter{UserID: u.ID}, 10, "")), want)
	}},
	{name: "an update of the metadata is no activity", test: func(s subject) {
		u := s.user("ada")
		want := s.timeline(u, 2, ahead)
		s.patch(chat.ThreadPatch{ID: want[1], Metadata: chat.Object{"seen": true}, Name: chat.Ptr("x")})
		s.equal(ids(s.list(chat.ThreadFilter{UserID: u.ID}, 10, "")), want)
	}},
	{name: "pages follow each other without gap or overlap", test: func(s subject) {
		u := s.user("ada")
		want := s.timeline(u, 11, ahead)
		for _, first := range []int{1, 3, 5, 11, 12} {
			s.equal(s.walk(chat.ThreadFilter{UserID: u.ID}, first), want)
		}
	}},
	{name: "ties are paged without gap or overlap", test: func(s subject) {
		u := s.user("ada")
		want := s.timeline(u, 7, func(int) string { return ahead(1) })
		got := s.walk(chat.ThreadFilter{UserID: u.ID}, 2)
		slices.Sort(want)
		s.equal(slices.Sorted(slices.Values(got)), want)
		if !slices.IsSortedFunc(got, func(a, b string) int { return strings.Compare(b, a) }) {
			s.Fatalf("ties are not in the order of their ids: %q", got)
		}
	}},
	{name: "steps and elements are not listed", test: func(s subject) {
		u := s.user("ada")
		s.ownedThread(u, "hi")
		got := s.list(chat.ThreadFilter{UserID: u.ID}, 10, "").Data[0]
		s.equal(len(got.Steps)+len(got.Elements), 0)
	}},
	{name: "metadata and tags are listed", test: func(s subject) {
		u, t := s.user("ada"), id()
		s.patch(chat.ThreadPatch{ID: t, UserID: u.ID, Metadata: chat.Object{"is_shared": true}, Tags: []string{"a"}})
		got := s.list(chat.ThreadFilter{UserID: u.ID}, 10, "").Data[0]
		s.equal(got.Metadata, chat.Object{"is_shared": true})
		s.equal(got.Tags, []string{"a"})
		s.equal(got.UserIdentifier, "ada")
	}},
	{name: "a listing has its user's threads only", test: func(s subject) {
		ada, bob := s.user("ada"), s.user("bob")
		t, _ := s.ownedThread(ada, "a")
		s.ownedThread(bob, "b")
		s.put(message(id(), id(), "nobody's"))
		s.equal(ids(s.list(chat.ThreadFilter{UserID: ada.ID}, 10, "")), []string{t})
		s.equal(len(s.list(chat.ThreadFilter{}, 10, "").Data), 3)
	}},
	{name: "first is clamped to 1 and 200", test: func(s subject) {
		u := s.user("ada")
		s.timeline(u, 3, ahead)
		s.equal(len(s.list(chat.ThreadFilter{UserID: u.ID}, -5, "").Data), 1)
		s.equal(len(s.list(chat.ThreadFilter{UserID: u.ID}, 1<<30, "").Data), 3)
	}},
	{name: "the cursor of a deleted thread continues in its place", test: func(s subject) {
		u := s.user("ada")
		want := s.timeline(u, 5, ahead)
		p := s.list(chat.ThreadFilter{UserID: u.ID}, 2, "")
		s.must(s.DeleteThread(s.ctx, want[1]))
		s.equal(ids(s.list(chat.ThreadFilter{UserID: u.ID}, 2, *p.Info.EndCursor)), want[2:4])
	}},
	{name: "a garbage cursor is invalid", test: func(s subject) {
		u := s.user("ada")
		s.timeline(u, 2, ahead)
		for _, cursor := range []string{"garbage", "v1.", "v1.AAAA", id(), "\x00", "v1.!!!", strings.Repeat("x", 5000)} {
			_, err := s.Threads(s.ctx, chat.ThreadFilter{UserID: u.ID}, page.Request{Cursor: cursor})
			s.kind(errs.Invalid, err)
		}
	}},
	{name: "a cursor belongs to its owner and question", test: func(s subject) {
		ada, bob := s.user("ada"), s.user("bob")
		s.timeline(ada, 3, ahead)
		cursor := *s.list(chat.ThreadFilter{UserID: ada.ID}, 1, "").Info.EndCursor
		for _, f := range []chat.ThreadFilter{{UserID: bob.ID}, {}, {UserID: ada.ID, Search: "x"}, {UserID: ada.ID, Feedback: chat.Ptr(1)}} {
			_, err := s.Threads(s.ctx, f, page.Request{Cursor: cursor})
			s.kind(errs.Invalid, err)
		}
	}},
	{name: "a thread's id is taken as a cursor by its owner only", test: func(s subject) {
		ada, bob := s.user("ada"), s.user("bob")
		want := s.timeline(ada, 3, ahead)
		s.equal(ids(s.list(chat.ThreadFilter{UserID: ada.ID}, 10, want[0])), want[1:])
		_, err := s.Threads(s.ctx, chat.ThreadFilter{UserID: bob.ID}, page.Request{Cursor: want[0]})
		s.kind(errs.Invalid, err)
	}},
	{name: "feedback 0 is a filter like 1", test: func(s subject) {
		u := s.user("ada")
		up, upStep := s.ownedThread(u, "a")
		down, downStep := s.ownedThread(u, "b")
		s.ownedThread(u, "c")
		for step, value := range map[string]int{upStep: 1, downStep: 0} {
			thread := up
			if value == 0 {
				thread = down
			}
			_, err := s.PutFeedback(s.ctx, chat.Feedback{ForID: step, ThreadID: thread, Value: value})
			s.must(err)
		}
		s.equal(ids(s.list(chat.ThreadFilter{UserID: u.ID, Feedback: chat.Ptr(0)}, 10, "")), []string{down})
		s.equal(ids(s.list(chat.ThreadFilter{UserID: u.ID, Feedback: chat.Ptr(1)}, 10, "")), []string{up})
	}},
	{name: "search finds names and outputs, not inputs", test: func(s subject) {
		u := s.user("ada")
		byOutput, _ := s.ownedThread(u, "the quick brown fox")
		byName := id()
		s.patch(chat.ThreadPatch{ID: byName, UserID: u.ID, Name: chat.Ptr("a Fox in the name")})
		byInput := id()
		s.patch(chat.ThreadPatch{ID: byInput, UserID: u.ID})
		s.put(chat.Step{ID: id(), ThreadID: byInput, Type: "tool", Input: "fox", ShowInput: "json", CreatedAt: at(0)})
		got := ids(s.list(chat.ThreadFilter{UserID: u.ID, Search: "fox"}, 10, ""))
		slices.Sort(got)
		want := []string{byOutput, byName}
		slices.Sort(want)
		s.equal(got, want)
	}},
	{name: "search is a substring without case and diacritics", test: func(s subject) {
		u := s.user("ada")
		t, _ := s.ownedThread(u, "Crème BRÛLÉE in Straße, İstanbul, ὈΔΥΣΣΕΎΣ; 東京都")
		for _, q := range []string{"creme brulee", "CRÈME", "rème br", "strasse", "istanbul", "οδυσσευς", "京", "é", "E i"} {
			s.equal(ids(s.list(chat.ThreadFilter{UserID: u.ID, Search: q}, 10, "")), []string{t})
		}
		s.equal(len(s.list(chat.ThreadFilter{UserID: u.ID, Search: "brulée x"}, 10, "").Data), 0)
	}},
	{name: "search takes every character literally", test: func(s subject) {
		u := s.user("ada")
		t, _ := s.ownedThread(u, `100% of "this" AND that* (a_b) [c] \ - ^x: NEAR/2 'q' col:y`)
		s.ownedThread(u, "nothing of the kind, axb")
		for _, q := range []string{"100%", `"this"`, "AND that*", "a_b", "[c]", `\`, "(a", "^x", "near/2", "'q'", "col:y", `" `} {
			s.equal(ids(s.list(chat.ThreadFilter{UserID: u.ID, Search: q}, 10, "")), []string{t})
		}
		for _, q := range []string{"%%", "a%b", "__", "*", "a OR b", "100_"} {
			got := ids(s.list(chat.ThreadFilter{UserID: u.ID, Search: q}, 10, ""))
			if q == "*" {
				s.equal(got, []string{t})
				continue
			}
			s.equal(len(got), 0)
		}
	}},
	{name: "search follows edits and deletions", test: func(s subject) {
		u := s.user("ada")
		t, m := s.ownedThread(u, "first wording")
		find := func(q string) int { return len(s.list(chat.ThreadFilter{UserID: u.ID, Search: q}, 10, "").Data) }
		s.equal(find("first"), 1)
		s.put(message(m, t, "second wording"))
		s.equal([]int{find("first"), find("second")}, []int{0, 1})
		s.patch(chat.ThreadPatch{ID: t, Name: chat.Ptr("third title")})
		s.equal([]int{find("thread of"), find("third")}, []int{0, 1})
		s.must(s.DeleteStep(s.ctx, chat.Ref{ID: m, ThreadID: t}))
		s.equal(find("second"), 0)
	}},
	{name: "search and feedback narrow together, page by page", test: func(s subject) {
		u := s.user("ada")
		var want []string
		for i, t := range s.timeline(u, 6, ahead) {
			if i%2 == 0 {
				m := id()
				step := message(m, t, "marked Ünique")
				step.CreatedAt = at(0)
				s.put(step)
				_, err := s.PutFeedback(s.ctx, chat.Feedback{ForID: m, ThreadID: t, Value: 0})
				s.must(err)
				want = append(want, t)
			}
		}
		s.equal(s.walk(chat.ThreadFilter{UserID: u.ID, Search: "unique", Feedback: chat.Ptr(0)}, 1), want)
		s.equal(len(s.walk(chat.ThreadFilter{UserID: u.ID, Search: "unique", Feedback: chat.Ptr(1)}, 1)), 0)
	}},
}
