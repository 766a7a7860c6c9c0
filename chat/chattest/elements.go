package chattest

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

func (s subject) element(r chat.Ref) chat.Element {
	s.Helper()
	e, err := s.Element(s.ctx, r)
	s.must(err)
	return e
}

var elements = []rule{
	{name: "an unknown element is not found", test: func(s subject) {
		_, err := s.Element(s.ctx, chat.Ref{ID: id(), ThreadID: id()})
		s.kind(errs.NotFound, err)
		_, err = s.Content(s.ctx, chat.Ref{ID: id(), ThreadID: id()})
		s.kind(errs.NotFound, err)
		s.kind(errs.NotFound, s.DeleteElement(s.ctx, chat.Ref{ID: id(), ThreadID: id()}))
	}},
	{name: "every key comes back", test: func(s subject) {
		want := chat.Element{ID: id(), ThreadID: id(), Type: "custom", ChainlitKey: "key", URL: "https://example.org/x.png",
			Name: "a b.txt", Display: "inline", Size: "large", Language: "python", Page: chat.Ptr(int64(3)),
			Props:    chat.Object{"k": []any{json.Number("1"), json.Number("2.5")}, "é": nil, "deep": map[string]any{"a": "b"}},
			AutoPlay: no, PlayerConfig: rawJSON(`{"youtube":{"playerVars":{"showinfo":1}}}`), ForID: id(), MIME: "application/json"}
		if s.f.UnknownKeys {
			want.Extra = map[string]json.RawMessage{"fromTheFuture": rawJSON(`[1]`)}
		} else { // published schemas of Chainlit's have no columns for these
			want.Props, want.AutoPlay, want.PlayerConfig = nil, nil, nil
		}
		put, err := s.PutElement(s.ctx, want, nil)
		s.must(err)
		s.equal(plain(s, put), plain(s, want))
		s.equal(plain(s, s.element(chat.Ref{ID: want.ID, ThreadID: want.ThreadID})), plain(s, want))
		s.equal(plain(s, s.thread(want.ThreadID).Elements[0]), plain(s, want))
	}},
	{name: "what an update leaves out stays", test: func(s subject) {
		r := chat.Ref{ID: id(), ThreadID: id()}
		_, err := s.PutElement(s.ctx, chat.Element{ID: r.ID, ThreadID: r.ThreadID, Name: "n", Type: "custom", Props: chat.Object{"a": "1"}}, nil)
		s.must(err)
		_, err = s.PutElement(s.ctx, chat.Element{ID: r.ID, ThreadID: r.ThreadID, Props: chat.Object{"b": "2"}}, nil)
		s.must(err)
		got := s.element(r)
		s.equal(got.Name, "n")
		if s.f.UnknownKeys {
			s.equal(got.Props, chat.Object{"b": "2"})
		}
	}},
	{name: "bytes come back as they were put", test: func(s subject) {
		r := chat.Ref{ID: id(), ThreadID: id()}
		content := "\x00\x01binary\xff" + strings.Repeat("long", 1<<18)
		put, err := s.PutElement(s.ctx, chat.Element{ID: r.ID, ThreadID: r.ThreadID, Name: "ünï/../cö.bin", MIME: "image/png"}, strings.NewReader(content))
		s.must(err)
		if put.ObjectKey == "" || put.URL == "" {
			s.Fatalf("key %q and URL %q", put.ObjectKey, put.URL)
		}
		c, err := s.Content(s.ctx, r)
		got := s.read(c, err)
		if got != content {
			s.Fatalf("%d bytes became %d", len(content), len(got))
		}
		s.equal(c.MIME, "image/png")
	}},
	{name: "new bytes replace old ones", test: func(s subject) {
		r := chat.Ref{ID: id(), ThreadID: id()}
		e := chat.Element{ID: r.ID, ThreadID: r.ThreadID, Name: "n"}
		_, err := s.PutElement(s.ctx, e, strings.NewReader("old"))
		s.must(err)
		_, err = s.PutElement(s.ctx, e, strings.NewReader("new"))
		s.must(err)
		c, err := s.Content(s.ctx, r)
		s.equal(s.read(c, err), "new")
	}},
	{name: "bytes lie where the layer that the tables belong to would put them", test: func(s subject) {
		e := chat.Element{ID: id(), ThreadID: id(), Name: "a b.txt"}
		put, err := s.PutElement(s.ctx, e, strings.NewReader("first"))
		s.must(err)
		want := "unknown/" + e.ID + "/a b.txt"
		switch {
		case s.f.ThreadFiles:
			want = "threads/" + e.ThreadID + "/files/" + e.ID
		case s.f.NeedsThread:
			want = "unknown/" + e.ThreadID + "/" + e.ID
		}
		s.equal(put.ObjectKey, want)
		again, err := s.PutElement(s.ctx, e, strings.NewReader("second"))
		s.must(err)
		if again.ObjectKey == want || strings.HasPrefix(again.ObjectKey, want+"/") {
			s.Errorf("the second bytes lie under %q", again.ObjectKey)
		}
	}},
	{name: "an upload that breaks off stores nothing", test: func(s subject) {
		r := chat.Ref{ID: id(), ThreadID: id()}
		e := chat.Element{ID: r.ID, ThreadID: r.ThreadID, Name: "n"}
		broken := errors.New("the line went dead")
		_, err := s.PutElement(s.ctx, e, io.MultiReader(strings.NewReader("half"), &failing{broken}))
		if err == nil {
			s.Fatal("no error")
		}
		_, err = s.Element(s.ctx, r)
		s.kind(errs.NotFound, err)
	}},
	{name: "empty content is content", test: func(s subject) {
		r := chat.Ref{ID: id(), ThreadID: id()}
		_, err := s.PutElement(s.ctx, chat.Element{ID: r.ID, ThreadID: r.ThreadID, Name: "n"}, strings.NewReader(""))
		s.must(err)
		c, err := s.Content(s.ctx, r)
		s.equal(s.read(c, err), "")
	}},
	{name: "an element without bytes has no content", test: func(s subject) {
		r := chat.Ref{ID: id(), ThreadID: id()}
		_, err := s.PutElement(s.ctx, chat.Element{ID: r.ID, ThreadID: r.ThreadID, Name: "n", URL: "https://example.org/"}, nil)
		s.must(err)
		_, err = s.Content(s.ctx, r)
		s.kind(errs.NotFound, err)
	}},
	{name: "an element is found without its thread, and not with another", needs: func(f chat.Features) bool { return !f.NeedsThread }, test: func(s subject) {
		r := chat.Ref{ID: id(), ThreadID: id()}
		_, err := s.PutElement(s.ctx, chat.Element{ID: r.ID, ThreadID: r.ThreadID, Name: "n"}, nil)
		s.must(err)
		s.equal(s.element(chat.Ref{ID: r.ID}).ThreadID, r.ThreadID)
		_, err = s.Element(s.ctx, chat.Ref{ID: r.ID, ThreadID: id()})
		s.kind(errs.NotFound, err)
		s.kind(errs.NotFound, s.DeleteElement(s.ctx, chat.Ref{ID: r.ID, ThreadID: id()}))
	}},
	{name: "an element of another thread cannot be written", needs: func(f chat.Features) bool { return !f.NeedsThread }, test: func(s subject) {
		r := chat.Ref{ID: id(), ThreadID: id()}
		_, err := s.PutElement(s.ctx, chat.Element{ID: r.ID, ThreadID: r.ThreadID, Name: "n"}, nil)
		s.must(err)
		_, err = s.PutElement(s.ctx, chat.Element{ID: r.ID, ThreadID: id(), Name: "stolen"}, nil)
		s.kind(errs.Conflict, err)
		_, err = s.PutElement(s.ctx, chat.Element{ID: r.ID, ThreadID: id(), Name: "stolen"}, strings.NewReader("x"))
		s.kind(errs.Conflict, err)
		s.equal(s.element(r).Name, "n")
	}},
	{name: "a deleted element is gone, with its bytes", test: func(s subject) {
		r := chat.Ref{ID: id(), ThreadID: id()}
		_, err := s.PutElement(s.ctx, chat.Element{ID: r.ID, ThreadID: r.ThreadID, Name: "n"}, strings.NewReader("x"))
		s.must(err)
		s.must(s.DeleteElement(s.ctx, r))
		_, err = s.Element(s.ctx, r)
		s.kind(errs.NotFound, err)
		_, err = s.Content(s.ctx, r)
		s.kind(errs.NotFound, err)
	}},
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }
