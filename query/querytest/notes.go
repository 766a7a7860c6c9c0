package querytest

import (
	"slices"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/query"
)

func hasChanges(f query.Features) bool { return f.Changes }

var notes = []rule{
	{name: "an insert is one note of all its keys", when: hasChanges, test: func(s *subject) {
		s.declare("docs", "id text", "n integer")
		at := s.head()
		s.insert("docs", query.Row{"id": "b"}, query.Row{"id": "é"}, query.Row{"id": "Z"}, query.Row{"id": "a"})
		s.insert("docs", query.Row{"id": "x"})
		made := s.insert("docs", make([]query.Row, 500)...)
		s.equal(outline(s.notes("docs", at)), []change.Event{
			{Table: "docs", Key: "Z", Last: "é", Op: change.Insert}, {Table: "docs", Key: "x", Op: change.Insert}, {Table: "docs", Key: made[0], Last: made[499], Op: change.Insert}})
	}},
	{name: "integer keys are noted in the order of numbers", when: hasChanges, test: func(s *subject) {
		s.declare("docs", "id integer", "n integer")
		at := s.head()
		s.insert("docs", query.Row{"id": 9}, query.Row{"id": 10}, query.Row{"id": -3})
		s.equal(outline(s.notes("docs", at)), []change.Event{{Table: "docs", Key: "-3", Last: "10", Op: change.Insert}})
	}},
	{name: "an update and a delete note every row", when: hasChanges, test: func(s *subject) {
		s.insert("docs", numbered(1, 6)...)
		at := s.head()
		s.do(query.Change("docs").Set("n", 0).Where(query.Eq("y", 1)))
		s.do(query.Remove("docs").Where(query.Eq("y", 1)))
		got := outline(s.notes("docs", at))
		slices.SortStableFunc(got[:min(3, len(got))], func(a, b change.Event) int { return slices.Compare([]byte(a.Key), []byte(b.Key)) })
		slices.SortStableFunc(got[min(3, len(got)):], func(a, b change.Event) int { return slices.Compare([]byte(a.Key), []byte(b.Key)) })
		var want []change.Event
		for _, op := range []change.Op{change.Update, change.Delete} {
			for _, key := range []string{"00002", "00004", "00006"} {
				want = append(want, change.Event{Table: "docs", Key: key, Op: op})
			}
		}
		s.equal(got, want)
	}},
	{name: "what changes nothing leaves no note", when: hasChanges, test: func(s *subject) {
		s.insert("docs", numbered(1, 6)...)
		at := s.head()
		s.do(query.Change("docs").Set("n", 0).Where(query.Eq("n", 100)))
		s.do(query.Remove("docs").Where(query.Eq("n", 100)))
		s.fails(query.Into("docs").Rows(query.Row{"id": "new"}, query.Row{"id": "00001"}))
		s.do(query.Into("docs"))
		s.equal(s.notes("docs", at), []change.Event(nil))
	}},
	{name: "what is not to be refreshed leaves no note", when: hasChanges, test: func(s *subject) {
		s.insert("docs", numbered(1, 2)...)
		at := s.head()
		s.do(query.Into("docs").Rows(query.Row{"id": "a"}, query.Row{"id": "b"}).NoRefresh())
		s.do(query.Change("docs").Set("n", 0).All().NoRefresh())
		s.do(query.Remove("docs").All().NoRefresh())
		s.equal(s.notes("docs", at), []change.Event(nil))
	}},
	{name: "ten thousand rows are one note", when: hasChanges, test: func(s *subject) {
		s.declare("docs", "id text", "n integer", "y integer")
		at := s.head()
		s.insert("docs", numbered(1, Many)...)
		s.equal(outline(s.notes("docs", at)), []change.Event{{Table: "docs", Key: "00001", Last: "10000", Op: change.Insert}})
	}},
	{name: "a table of any name is noted by it", when: hasChanges, test: func(s *subject) {
		for _, prefix := range oddNames {
			s.declare(prefix+"docs", "id text")
			at := s.head()
			s.insert(prefix+"docs", query.Row{"id": prefix})
			s.equal(outline(s.notes(prefix+"docs", at)), []change.Event{{Table: prefix + "docs", Key: prefix, Op: change.Insert}})
		}
	}},
}

// outline are notes without their places and times.
func outline(events []change.Event) []change.Event {
	out := []change.Event{}
	for _, e := range events {
		out = append(out, change.Event{Table: e.Table, Key: e.Key, Last: e.Last, Op: e.Op})
	}
	return out
}
