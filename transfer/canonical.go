package transfer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math/big"
	"slices"
	"strings"

	"github.com/varvedb/varve/chat"
)

// normal brings a thread into the form in which two databases agree on it when
// they hold the same: order of rows, spelling of times and numbers, and the
// difference between nothing and an empty object are a database's own, as are
// the ids of users.
func normal(t *chat.Thread) {
	t.UserID, t.LastActivity, t.ThreadCreatedAt = "", "", ""
	t.CreatedAt = moment(t.CreatedAt)
	t.Metadata = object(t.Metadata)
	if t.Metadata == nil {
		t.Metadata = chat.Object{}
	}
	if len(t.Tags) == 0 {
		t.Tags = nil
	}
	for i := range t.Steps {
		normalStep(&t.Steps[i], t.ID)
	}
	for i := range t.Elements {
		normalElement(&t.Elements[i], t.ID)
	}
	for i := range t.Loose {
		t.Loose[i].ThreadID = t.ID
	}
	slices.SortFunc(t.Steps, func(a, b chat.Step) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(t.Elements, func(a, b chat.Element) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(t.Loose, func(a, b chat.Feedback) int { return cmp.Compare(a.ForID, b.ForID) })
}

func normalStep(s *chat.Step, threadID string) {
	s.ThreadID = threadID
	s.CreatedAt, s.Start, s.End = moment(s.CreatedAt), moment(s.Start), moment(s.End)
	if s.Streaming == nil {
		s.Streaming = new(bool) // as databases have what was never said
	}
	s.ShowInput = chat.ShowInput(strings.ToLower(string(s.ShowInput)))
	s.Metadata = object(s.Metadata)
	if len(s.Tags) == 0 {
		s.Tags = nil
	}
	s.Modes, s.Generation = raw(s.Modes), raw(s.Generation)
	if string(s.Generation) == "{}" {
		s.Generation = nil
	}
	s.Extra = extra(s.Extra)
	if s.Feedback != nil {
		f := *s.Feedback
		f.ForID, f.ThreadID = s.ID, threadID
		s.Feedback = &f
	}
}

func normalElement(e *chat.Element, threadID string) {
	e.ThreadID = threadID
	if e.Props = object(e.Props); len(e.Props) == 0 {
		e.Props = nil
	}
	e.PlayerConfig = raw(e.PlayerConfig)
	e.Extra = extra(e.Extra)
}

func moment(s string) string {
	if at, ok := chat.NormalTime(s); ok {
		return at
	}
	return s
}

func object(o chat.Object) chat.Object {
	if o == nil {
		return nil
	}
	own := make(chat.Object, len(o))
	for key, v := range o {
		own[key] = value(v)
	}
	return own
}

// value spells the numbers in a JSON value in the one way, in a copy of its
// own: what a store handed out may still be the store's.
func value(v any) any {
	switch v := v.(type) {
	case json.Number:
		return number(v)
	case map[string]any:
		own := make(map[string]any, len(v))
		for key, item := range v {
			own[key] = value(item)
		}
		return own
	case []any:
		own := make([]any, len(v))
		for i, item := range v {
			own[i] = value(item)
		}
		return own
	}
	return v
}

// number writes a number as a fraction in lowest terms where its spelling may
// be another's for the same: 1.50 and 15e-1 are one.
func number(n json.Number) any {
	s := string(n)
	if !strings.ContainsAny(s, ".eE") && s != "-0" {
		return n
	}
	if r, ok := new(big.Rat).SetString(s); ok {
		if r.IsInt() {
			return json.Number(r.Num().String())
		}
		return "number " + r.RatString()
	}
	return n
}

func raw(text json.RawMessage) json.RawMessage {
	if len(text) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return text
	}
	if v == nil {
		return nil
	}
	out, err := json.Marshal(value(v))
	if err != nil {
		return text
	}
	return out
}

func extra(m map[string]json.RawMessage) map[string]json.RawMessage {
	if len(m) == 0 {
		return nil
	}
	own := make(map[string]json.RawMessage, len(m))
	for key, v := range m {
		if v = raw(v); v != nil {
			own[key] = v
		}
	}
	if len(own) == 0 {
		return nil
	}
	return own
}
