package chattest

import (
	"encoding/json"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
)

var users = []rule{
	{name: "an unknown user is not found", test: func(s subject) {
		_, err := s.User(s.ctx, "nobody")
		s.kind(errs.NotFound, err)
	}},
	{name: "a user is found by identifier", test: func(s subject) {
		put, err := s.PutUser(s.ctx, chat.User{Identifier: "ada@example.org", Metadata: chat.Object{"role": "é"}})
		s.must(err)
		got, err := s.User(s.ctx, "ada@example.org")
		s.must(err)
		s.equal(got, put)
		if got.ID == "" {
			s.Fatal("the user has no id")
		}
		if _, ok := chat.NormalTime(got.CreatedAt); !ok {
			s.Fatalf("createdAt is %q", got.CreatedAt)
		}
	}},
	{name: "identifiers are any text", test: func(s subject) {
		for _, identifier := range []string{"a b", "a/b?c#d%20e", "..", "Ünïcödé 🌍", "x' OR 1=1 --", "slack_U123"} {
			put := s.user(identifier)
			got, err := s.User(s.ctx, identifier)
			s.must(err)
			s.equal(got.ID, put.ID)
		}
	}},
	{name: "identifiers differ by case", test: func(s subject) {
		if s.user("Ada").ID == s.user("ada").ID {
			s.Fatal("one user for two identifiers")
		}
	}},
	{name: "putting a user again replaces the metadata whole and keeps id and creation", test: func(s subject) {
		first, err := s.PutUser(s.ctx, chat.User{Identifier: "ada", Metadata: chat.Object{"a": "1", "b": "2"}})
		s.must(err)
		_, err = s.PutUser(s.ctx, chat.User{Identifier: "ada", Metadata: chat.Object{"b": "3"}})
		s.must(err)
		got, err := s.User(s.ctx, "ada")
		s.must(err)
		s.equal(got, chat.User{ID: first.ID, CreatedAt: first.CreatedAt, Identifier: "ada", Metadata: chat.Object{"b": "3"}})
	}},
	{name: "the display name comes back from the put and is not stored", test: func(s subject) {
		put, err := s.PutUser(s.ctx, chat.User{Identifier: "ada", DisplayName: "Ada L."})
		s.must(err)
		s.equal(put.DisplayName, "Ada L.")
		got, err := s.User(s.ctx, "ada")
		s.must(err)
		s.equal(got.DisplayName, "")
	}},
	{name: "numbers in metadata come back as they were written", test: func(s subject) {
		want := chat.Object{"big": json.Number("12345678901234567890123"), "float": json.Number("0.1"), "nested": map[string]any{"n": json.Number("3")}}
		_, err := s.PutUser(s.ctx, chat.User{Identifier: "ada", Metadata: want})
		s.must(err)
		got, err := s.User(s.ctx, "ada")
		s.must(err)
		s.equal(got.Metadata, want)
	}},
	{name: "users are listed by identifier, page by page", test: func(s subject) {
		want := []string{"A", "Ab", "B", "a", "a b", "ä", "日"}
		for _, identifier := range []string{"日", "a b", "Ab", "ä", "a", "B", "A"} {
			_, err := s.PutUser(s.ctx, chat.User{Identifier: identifier, Metadata: chat.Object{"of": identifier}})
			s.must(err)
		}
		for _, first := range []int{1, 3, 7, 50} {
			var got []string
			for cursor := ""; ; {
				p, err := s.Users(s.ctx, page.Request{First: first, Cursor: cursor})
				s.must(err)
				for _, u := range p.Data {
					s.equal(u.Metadata, chat.Object{"of": u.Identifier})
					got = append(got, u.Identifier)
				}
				if !p.Info.HasNextPage {
					break
				}
				cursor = *p.Info.EndCursor
			}
			s.equal(got, want)
		}
		p, err := s.Users(chat.As(s.ctx, "Ab"), page.Request{})
		s.must(err)
		s.equal(len(p.Data), 1)
		_, err = s.Users(s.ctx, page.Request{Cursor: "garbage"})
		s.kind(errs.Invalid, err)
	}},
	{name: "an empty identifier is invalid", test: func(s subject) {
		_, err := s.PutUser(s.ctx, chat.User{})
		s.kind(errs.Invalid, err)
	}},
}
