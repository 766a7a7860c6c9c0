package literal

import (
	"encoding/json"
	"fmt"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// thread makes a thread of a Thread (nil: there is none, only steps that name
// it) and of steps that stand by themselves.
func thread(id string, raw json.RawMessage, more []json.RawMessage, names map[string]string) (t chat.Thread, err error) {
	d := &dict{values: map[string]json.RawMessage{}}
	if raw != nil {
		d = newDict("", raw)
	}
	d.take("id")
	t = chat.Thread{ID: id, Name: d.text("name"), Tags: d.texts("tags"), Metadata: d.object("metadata"), CreatedAt: d.text("createdAt")}
	owner(d, &t, names)
	steps := append(d.list("steps"), more...)
	if d.err != nil {
		return t, d.err
	}
	for i, raw := range steps {
		s, elements, err := step(fmt.Sprintf("steps[%d]", i), id, i, raw)
		if err != nil {
			return t, err
		}
		t.Steps, t.Elements = append(t.Steps, s), append(t.Elements, elements...)
	}
	if t.CreatedAt == "" {
		t.CreatedAt = earliest(t.Steps)
	}
	d.intoMetadata(t.Metadata)
	return t, d.err
}

// owner takes the participant. A thread that knows only an id of theirs belongs
// to whom another line has under this id.
func owner(d *dict, t *chat.Thread, names map[string]string) {
	if id, ok := ifIs[string](d, "participantId"); ok { // in what the service answers
		t.UserID = id
	}
	raw := d.take("participant")
	if !isNull(raw) {
		p := newDict("participant", raw)
		if d.err = p.err; p.err != nil {
			return
		}
		t.UserID, t.UserIdentifier = p.text("id"), p.text("identifier")
		p.take("metadata") // which the user has
		p.take("createdAt")
		if d.err = p.err; p.err != nil {
			return
		}
		if other := p.other(); other != nil {
			d.keep("participant", quoted(other))
		}
	}
	if t.UserIdentifier == "" {
		t.UserIdentifier = names[t.UserID]
	}
	if t.UserIdentifier == "" {
		t.UserIdentifier = t.UserID
	}
}

// earliest is the first time at which something happened in the steps.
func earliest(steps []chat.Step) (first string) {
	for i := range steps {
		at, ok := chat.NormalTime(steps[i].CreatedAt)
		if ok && (first == "" || at < first) {
			first = at
		}
	}
	return first
}

// user makes a user of a User, or of a participant with more than a name.
func user(path string, raw json.RawMessage) (u chat.User, err error) {
	d := newDict(path, raw)
	if d.err != nil {
		return u, d.err
	}
	u = chat.User{ID: d.text("id"), Identifier: d.text("identifier"), CreatedAt: d.text("createdAt"), Metadata: d.object("metadata")}
	if u.Identifier == "" {
		u.Identifier = u.ID
	}
	if u.Identifier == "" && d.err == nil {
		d.err = errs.Field(errs.Invalid, d.at("identifier"), "must not be empty")
	}
	if u.ID == "" {
		u.ID = derived("user", u.Identifier)
	}
	d.intoMetadata(u.Metadata)
	return u, d.err
}
