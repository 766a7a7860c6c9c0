package chattest

import (
	"encoding/json"
	"errors"
	"math"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

var text = []rule{
	{name: "NUL and invalid Unicode in texts become U+FFFD, with a warning", test: func(s subject) {
		t, m := id(), id()
		step := message(m, t, "a\x00b")
		step.Metadata = chat.Object{"k": "c\x00d"}
		w, err := s.PutStep(s.ctx, step)
		s.must(err)
		if len(w.Warnings) == 0 {
			s.Fatal("no warning")
		}
		got := s.thread(t).Steps[0]
		s.equal(got.Output, "a\uFFFDb")
		s.equal(got.Metadata, chat.Object{"k": "c\uFFFDd"})
		w, err = s.UpdateThread(s.ctx, chat.ThreadPatch{ID: t, Name: chat.Ptr("n\x00"), Tags: []string{"t\x00"}})
		s.must(err)
		if len(w.Warnings) == 0 {
			s.Fatal("no warning")
		}
		s.equal(s.thread(t).Name, "n\uFFFD")
	}},
	{name: "NUL and invalid Unicode in ids and keys are invalid", test: func(s subject) {
		for _, bad := range []string{"a\x00b", "a\uFFFDb"} {
			_, err := s.PutStep(s.ctx, message(bad, id(), "x"))
			s.kind(errs.Invalid, err)
			_, err = s.PutStep(s.ctx, message(id(), bad, "x"))
			s.kind(errs.Invalid, err)
			_, err = s.UpdateThread(s.ctx, chat.ThreadPatch{ID: id(), Metadata: chat.Object{bad: "x"}})
			s.kind(errs.Invalid, err)
			_, err = s.PutUser(s.ctx, chat.User{Identifier: bad})
			s.kind(errs.Invalid, err)
			_, err = s.PutFeedback(s.ctx, chat.Feedback{ForID: bad, Value: 1})
			s.kind(errs.Invalid, err)
		}
	}},
	{name: "escapes in unknown and opaque keys are mended too", test: func(s subject) {
		t := id()
		_, err := s.PutStep(s.ctx, chat.Step{ID: id(), ThreadID: t, CreatedAt: at(0), Generation: rawJSON(`{"a":"x\u0000y"}`),
			Extra: map[string]json.RawMessage{"k": rawJSON(`["\u0000"]`)}})
		s.must(err)
		got := s.thread(t).Steps[0]
		s.equal(plain(s, map[string]any{"g": got.Generation, "e": got.Extra}),
			plain(s, map[string]any{"g": map[string]any{"a": "x\uFFFDy"}, "e": map[string]any{"k": []any{"\uFFFD"}}}))
	}},
	{name: "text of every plane comes back", test: func(s subject) {
		t, want := id(), "tab\t line\n sep\u2028 \u202e rtl 🧑‍🚀 \U0010FFFF 'q' \"d\" \\ % _ {} $1 ?"
		s.put(message(id(), t, want))
		s.equal(s.thread(t).Steps[0].Output, want)
	}},
	{name: "JSON deeper than 100 levels is invalid, and the path is named", test: func(s subject) {
		deep := func(levels int) map[string]any {
			o := map[string]any{"end": true}
			for range levels - 1 {
				o = map[string]any{"a": o}
			}
			return o
		}
		t := id()
		_, err := s.UpdateThread(s.ctx, chat.ThreadPatch{ID: t, Metadata: deep(100)})
		s.must(err)
		_, err = s.UpdateThread(s.ctx, chat.ThreadPatch{ID: t, Metadata: deep(101)})
		s.kind(errs.Invalid, err)
		var e *errs.Error
		if !errors.As(err, &e) || !strings.HasPrefix(e.Field, "metadata.a.a") {
			s.Fatalf("%v does not name the path", err)
		}
		bomb := rawJSON(strings.Repeat(`[`, 5000) + strings.Repeat(`]`, 5000))
		_, err = s.PutStep(s.ctx, chat.Step{ID: id(), ThreadID: t, Generation: bomb})
		s.kind(errs.Invalid, err)
	}},
	{name: "big integers and long fractions are exact", test: func(s subject) {
		t := id()
		want := chat.Object{"i": json.Number("9007199254740993"), "n": json.Number("-170141183460469231731687303715884105728"),
			"f": json.Number("0.1234567890123456789"), "z": json.Number("0"), "one": json.Number("1")}
		s.put(chat.Step{ID: id(), ThreadID: t, CreatedAt: at(0), Metadata: want})
		s.equal(s.thread(t).Steps[0].Metadata, want)
	}},
	{name: "numbers that would fill a database when written out are invalid", test: func(s subject) {
		t := id()
		s.put(message(id(), t, "x"))
		list := func(n int, number string) string { return "[" + strings.Repeat(number+",", n-1) + number + "]" }
		for _, bomb := range []string{"1e10000", "-1E-10000", "1e99999999999999999999", "1e+0010000", list(5000, "1e9999")} {
			_, err := s.PutStep(s.ctx, chat.Step{ID: id(), ThreadID: t, CreatedAt: at(0), Generation: rawJSON(`{"n":` + bomb + `}`)})
			s.kind(errs.Invalid, err)
			_, err = s.PutStep(s.ctx, chat.Step{ID: id(), ThreadID: t, CreatedAt: at(0), Extra: map[string]json.RawMessage{"n": rawJSON(bomb)}})
			s.kind(errs.Invalid, err)
		}
		_, err := s.UpdateThread(s.ctx, chat.ThreadPatch{ID: t, Metadata: chat.Object{"a": map[string]any{"n": json.Number("1e10000")}}})
		var e *errs.Error
		if !errors.As(err, &e) || e.Kind != errs.Invalid || e.Field != "metadata.a.n" {
			s.Fatalf("%v does not name the path", err)
		}
		s.put(chat.Step{ID: id(), ThreadID: t, CreatedAt: at(1), Generation: rawJSON(`{"n":[1e308,1.5e-300,12e-5]}`), Name: "e1000"})
		s.equal(len(s.thread(t).Steps), 2)
	}},
	{name: "Go values in metadata become JSON", test: func(s subject) {
		t := id()
		s.patch(chat.ThreadPatch{ID: t, Metadata: chat.Object{"i": 3, "f": 0.5, "l": []string{"a"}, "m": map[string]int{"x": 1}}})
		s.equal(s.thread(t).Metadata, chat.Object{"i": json.Number("3"), "f": json.Number("0.5"), "l": []any{"a"},
			"m": map[string]any{"x": json.Number("1")}})
	}},
	{name: "a thing that JSON cannot hold is invalid", test: func(s subject) {
		for _, v := range []any{math.NaN(), math.Inf(1), make(chan int)} {
			_, err := s.UpdateThread(s.ctx, chat.ThreadPatch{ID: id(), Metadata: chat.Object{"k": v}})
			s.kind(errs.Invalid, err)
		}
	}},
	{name: "an id over 1024 bytes is invalid", test: func(s subject) {
		_, err := s.PutStep(s.ctx, message(strings.Repeat("x", 1025), id(), "x"))
		s.kind(errs.Invalid, err)
	}},
	{name: "what is written is not changed, nor what was read", test: func(s subject) {
		t := id()
		inner := map[string]any{"k": "v"}
		mine := chat.Object{"inner": inner}
		s.patch(chat.ThreadPatch{ID: t, Metadata: mine})
		inner["k"] = "changed"
		got := s.thread(t)
		got.Metadata["inner"].(map[string]any)["k"] = "changed too"
		s.equal(s.thread(t).Metadata, chat.Object{"inner": map[string]any{"k": "v"}})
	}},
}
