package literal

import (
	"bytes"
	"encoding/json"

	"github.com/varvedb/varve/errs"
)

// shape is what tells a thread from a step and a user.
type shape struct {
	ID          json.RawMessage `json:"id"`
	ThreadID    *string         `json:"threadId"`
	Identifier  *string         `json:"identifier"`
	Steps       json.RawMessage `json:"steps"`
	Participant json.RawMessage `json:"participant"`
	Data        json.RawMessage `json:"data"`
	PageInfo    json.RawMessage `json:"pageInfo"`
	StartTime   json.RawMessage `json:"startTime"`
}

// item enters one value into the book.
func (b *book) item(raw json.RawMessage, at int64) error {
	var s shape
	if typeOf(raw) != "an object" {
		return errs.New(errs.Invalid, "is %s and should be a thread, a step or a user", typeOf(raw))
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return errs.New(errs.Invalid, "is no thread, step or user: id, threadId and identifier are texts")
	}
	where := span{at, len(raw)}
	switch {
	case s.Data != nil && s.PageInfo != nil:
		return b.answer(raw, at)
	case s.Steps != nil, s.Participant != nil:
		return b.thread(s, where)
	case s.ThreadID != nil:
		if *s.ThreadID == "" {
			return errs.Field(errs.Invalid, "threadId", "must not be empty in a step that stands by itself")
		}
		b.enter(*s.ThreadID)
		b.steps[*s.ThreadID] = append(b.steps[*s.ThreadID], where)
		return nil
	case s.Identifier != nil:
		return b.user("", raw, true)
	case s.StartTime != nil:
		return errs.Field(errs.Invalid, "threadId", "is missing: a step that stands by itself says what thread it is of")
	}
	return b.thread(s, where)
}

func (b *book) enter(id string) {
	if !b.known[id] {
		b.known[id] = true
		b.order = append(b.order, id)
	}
}

func (b *book) thread(s shape, where span) error {
	var id string
	if json.Unmarshal(s.ID, &id) != nil || id == "" {
		return errs.Field(errs.Invalid, "id", "must be the text that names a thread")
	}
	if _, twice := b.threads[id]; twice {
		return errs.Field(errs.Invalid, "id", "names the thread %q, which was there before", id)
	}
	b.enter(id)
	b.threads[id] = where
	if isNull(s.Participant) {
		return nil
	}
	p := newDict("participant", s.Participant)
	if p.err != nil || len(p.values) == 0 {
		return p.err
	}
	if _, more := p.values["metadata"]; more || p.values["createdAt"] != nil {
		return b.user("participant", s.Participant, false)
	}
	if name := p.text("identifier"); name != "" {
		b.names[p.text("id")] = name
	}
	return p.err
}

// user enters a user. One that stands for themselves is believed before a
// participant.
func (b *book) user(path string, raw json.RawMessage, explicit bool) error {
	u, err := user(path, raw)
	if err != nil {
		return err
	}
	b.names[u.ID] = u.Identifier
	_, known := b.users[u.Identifier]
	switch {
	case known && explicit && b.explicit[u.Identifier]:
		return errs.Field(errs.Invalid, "identifier", "names the user %q, who was there before", u.Identifier)
	case known && !explicit:
		return nil
	case !known:
		b.listed = append(b.listed, u.Identifier)
	}
	b.users[u.Identifier], b.explicit[u.Identifier] = u, explicit
	return nil
}

// answer enters what a listing answered.
func (b *book) answer(raw json.RawMessage, at int64) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		if key != "data" {
			var skipped json.RawMessage
			if err := d.Decode(&skipped); err != nil {
				return err
			}
			continue
		}
		if open, err := d.Token(); err != nil || open != json.Delim('[') {
			return errs.Field(errs.Invalid, "data", "should be a list")
		}
		for d.More() {
			var item json.RawMessage
			if err := d.Decode(&item); err != nil {
				return err
			}
			if err := b.item(item, at+d.InputOffset()-int64(len(item))); err != nil {
				return err
			}
		}
		if _, err := d.Token(); err != nil {
			return err
		}
	}
	return nil
}
