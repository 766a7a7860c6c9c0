package dynamodb

import (
	"encoding/json"
	"strings"

	"github.com/varvedb/varve/chat"
)

// untitled names threads that have no name: Chainlit's list fails whole over
// one without.
const untitled = "Untitled"

// The keys that Chainlit writes in every message, in every other step and in
// every element, null where there is nothing.
var (
	messageKeys = strings.Fields("id threadId parentId createdAt command modes start end output name type language streaming isError waitForAnswer metadata tags")
	stepKeys    = strings.Fields("id threadId parentId createdAt command modes start end input output name type language streaming isError waitForAnswer metadata tags generation showInput defaultOpen autoCollapse")
	elementKeys = strings.Fields("id threadId type chainlitKey url objectKey name display size language page props autoPlay playerConfig forId mime")
)

func fieldsOf[T any](fields []chat.Field[T], v *T, always []string, more map[string]json.RawMessage) content {
	says := content{}
	for _, name := range always {
		says[name] = nil
	}
	hidden := map[string]any{}
	for name, raw := range more {
		v, _ := decodeJSON(raw)
		if reserved(name) {
			hidden[name] = v
		} else {
			says[name] = v
		}
	}
	if len(hidden) > 0 {
		says[extra] = hidden
	}
	for _, f := range fields {
		if v, ok := field(f.At(v)); ok {
			says[f.Key] = v
		}
	}
	return says
}

func readFields[T any](fields []chat.Field[T], v *T, says content) (more map[string]json.RawMessage) {
	known := map[string]bool{}
	for _, f := range fields {
		known[f.Key] = true
		setField(f.At(v), says[f.Key])
	}
	add := func(name string, v any) {
		if more == nil {
			more = map[string]json.RawMessage{}
		}
		more[name] = json.RawMessage(encodeJSON(v))
	}
	for name, v := range says {
		if !known[name] && !reserved(name) {
			add(name, v)
		}
	}
	if hidden, ok := says[extra].(map[string]any); ok {
		for name, v := range hidden {
			add(name, v)
		}
	}
	return more
}

func stepSays(s chat.Step) content {
	always := stepKeys
	if strings.Contains(s.Type, "message") {
		always = messageKeys
	}
	says := fieldsOf(chat.StepFields(), &s, always, s.Extra)
	if says["metadata"] == nil {
		says["metadata"] = map[string]any{}
	}
	if says["output"] == nil {
		says["output"] = ""
	}
	if s.Feedback != nil {
		says["feedback"] = feedbackSays(*s.Feedback)
	}
	return says
}

// stepOf reads a step. What Chainlit leaves where it gives feedback to a step
// that is not there has no time of creation and is no step.
func stepOf(says content, thread, id string) (s chat.Step, ok bool) {
	s.Extra = readFields(chat.StepFields(), &s, says)
	s.ID, s.ThreadID = id, thread
	s.Feedback = feedbackOf(says["feedback"], thread, id)
	return s, s.CreatedAt != ""
}

func elementSays(e chat.Element) content {
	return fieldsOf(chat.ElementFields(), &e, elementKeys, e.Extra)
}

func elementOf(says content, thread, id string) (e chat.Element) {
	e.Extra = readFields(chat.ElementFields(), &e, says)
	e.ID, e.ThreadID = id, thread
	return e
}

// spoken are the attributes that a patch sets whatever they were.
func spoken[T any](fields []chat.Field[T], patch *T, more map[string]json.RawMessage) map[string]bool {
	names := map[string]bool{}
	for _, f := range fields {
		at := f.At(patch)
		if o, ok := at.(*chat.Object); ok && len(*o) == 0 {
			continue
		}
		if _, ok := field(at); ok && f.Key != "id" && f.Key != "threadId" {
			names[f.Key] = true
		}
	}
	for name := range more {
		names[name] = !reserved(name)
	}
	return names
}

func feedbackSays(f chat.Feedback) map[string]any {
	says := map[string]any{"forId": f.ForID, "threadId": f.ThreadID, "value": json.Number([]string{"0", "1"}[f.Value&1]),
		"id": feedbackName(f.ThreadID, f.ForID), "comment": nil}
	if f.Comment != nil {
		says["comment"] = *f.Comment
	}
	if f.ID != says["id"] {
		says[feedbackID] = f.ID
	}
	return says
}

func feedbackOf(v any, thread, step string) *chat.Feedback {
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	f := chat.Feedback{ID: feedbackName(thread, step), ForID: step, ThreadID: thread}
	if id, ok := m[feedbackID].(string); ok {
		f.ID = id
	}
	if n, ok := m["value"].(json.Number); ok && sameNumber(n.String(), "1") {
		f.Value = 1
	}
	if c, ok := m["comment"].(string); ok {
		f.Comment = &c
	}
	return &f
}

// threadSays is a thread's item without the key of the index.
func threadSays(t chat.Thread, waiting map[string]any) content {
	says := content{"id": t.ID, "createdAt": t.CreatedAt, created: t.CreatedAt, "name": t.Name, "metadata": map[string]any(t.Metadata)}
	if t.Name == "" {
		says["name"], says[nameless] = untitled, true
	}
	if t.UserIdentifier != "" {
		says["userId"], says["userIdentifier"] = t.UserIdentifier, t.UserIdentifier
	}
	if t.Tags != nil {
		says["tags"] = texts(t.Tags)
	}
	if len(waiting) > 0 {
		says[pending] = waiting
	}
	return says
}

func threadOf(i item, says content) (t chat.Thread) {
	t.ID = strings.TrimPrefix(stringOf(i[pk]), threadPrefix)
	setField(&t.Name, says["name"])
	if says[nameless] == true && t.Name == untitled {
		t.Name = ""
	}
	t.UserID = owner(i)
	t.UserIdentifier = t.UserID
	setField(&t.Tags, says["tags"])
	setField(&t.Metadata, says["metadata"])
	if t.Metadata == nil {
		t.Metadata = chat.Object{}
	}
	if setField(&t.CreatedAt, says["createdAt"]); says[created] != nil {
		setField(&t.CreatedAt, says[created])
	}
	if t.LastActivity = activity(i); t.LastActivity == "" {
		t.LastActivity = t.CreatedAt
	}
	return t
}

// owner and activity read a thread's item, which may be nil.
func owner(i item) string    { return stringOf(i["userId"]) }
func activity(i item) string { return strings.TrimPrefix(stringOf(i[indexSK]), timePrefix) }

// threadItem is a thread's row with the keys of the index.
func threadItem(t chat.Thread, waiting map[string]any, old found) row {
	r := seal(threadKey(t.ID), threadSays(t, waiting), token(), old)
	r.item[indexSK] = text(timePrefix + t.LastActivity)
	if t.UserIdentifier != "" {
		r.item[indexPK] = text(userPrefix + t.UserIdentifier)
	}
	return r
}
