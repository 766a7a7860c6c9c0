package literal

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// step makes a step of a Step or a Message, and its elements.
func step(path, threadID string, number int, raw json.RawMessage) (s chat.Step, elements []chat.Element, err error) {
	d := newDict(path, raw)
	if d.err != nil {
		return s, nil, d.err
	}
	s = chat.Step{ID: d.text("id"), ThreadID: threadID, ParentID: d.text("parentId"), Name: d.text("name"), Type: d.text("type"),
		Tags: d.texts("tags"), Metadata: d.object("metadata"), Start: d.text("startTime"), End: d.text("endTime"), CreatedAt: d.text("createdAt"),
		Streaming: chat.Ptr(false), Generation: d.take("generation")}
	if s.ID == "" {
		s.ID = derived(threadID, "step", fmt.Sprint(number))
	}
	if s.Type == "" {
		s.Type = "undefined"
	}
	if s.CreatedAt == "" {
		s.CreatedAt = s.Start
	}
	if in := d.text("threadId"); in != "" && in != threadID && d.err == nil {
		d.err = errs.Field(errs.Invalid, d.at("threadId"), "names another thread than the one that it is in")
	}
	s.Input, s.Output = content(d, "input"), content(d, "output")
	failure(d, &s)
	shown(&s)
	scores(d, &s)
	for i, a := range d.list("attachments") {
		e, err := attachment(fmt.Sprintf("%s.attachments[%d]", path, i), &s, i, a)
		if err != nil {
			return s, nil, err
		}
		elements = append(elements, e)
	}
	d.intoMetadata(s.Metadata)
	return s, elements, d.err
}

// content is the text of an input or an output: what stands under "content",
// else all of it as JSON. What stands beside "content" is kept.
func content(d *dict, key string) string {
	raw := d.take(key)
	if isNull(raw) {
		return ""
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		return string(raw)
	}
	if json.Unmarshal(all["content"], &text) != nil || text == "" {
		if len(all) == 0 || len(all) == 1 && string(all["content"]) == `""` {
			return ""
		}
		return compact(raw)
	}
	if delete(all, "content"); len(all) > 0 {
		rest, _ := json.Marshal(all) // of decoded JSON: cannot fail
		d.keep(key, rest)
	}
	return text
}

// compact is JSON without the spaces of a file that was written for people.
func compact(raw json.RawMessage) string {
	out, err := json.Marshal(raw)
	if err != nil {
		return string(raw)
	}
	return string(out)
}

// failure: an error is an output that is marked as one.
func failure(d *dict, s *chat.Step) {
	raw := d.take("error")
	s.IsError = chat.Ptr(!isNull(raw))
	if isNull(raw) {
		return
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = compact(raw)
	}
	switch {
	case text == "":
		*s.IsError = false
	case s.Output == "":
		s.Output = text
	case s.Output != text:
		d.keep("error", raw)
	}
}

// shown reads what Chainlit puts into the metadata of its steps. It stays there.
func shown(s *chat.Step) {
	switch v := s.Metadata["showInput"].(type) {
	case bool:
		s.ShowInput = chat.ShowInput(fmt.Sprint(v))
	case string:
		s.ShowInput = chat.ShowInput(v)
	}
	if v, ok := s.Metadata["waitForAnswer"].(bool); ok {
		s.WaitForAnswer = &v
	}
	s.Language, _ = s.Metadata["language"].(string)
}

// scores takes the one that a person gave in the chat for feedback; all others,
// and what has no place in a feedback, are kept.
func scores(d *dict, s *chat.Step) {
	var others []json.RawMessage
	for i, raw := range d.list("scores") {
		f := newDict(d.at(fmt.Sprintf("scores[%d]", i)), raw)
		if f.err != nil {
			d.err = f.err
			return
		}
		value, isVerdict := verdict(f)
		if s.Feedback != nil || !isVerdict || f.text("name") != "user-feedback" || f.text("type") != "HUMAN" {
			others = append(others, raw)
			continue
		}
		s.Feedback = &chat.Feedback{ID: f.text("id"), ForID: s.ID, ThreadID: s.ThreadID, Value: value}
		if s.Feedback.ID == "" {
			s.Feedback.ID = derived(s.ThreadID, s.ID, "feedback")
		}
		if comment := f.text("comment"); comment != "" {
			s.Feedback.Comment = &comment
		}
		if string(f.values["stepId"]) == string(quoted(s.ID)) {
			f.take("stepId")
		}
		if tags := f.texts("tags"); len(tags) > 0 || len(f.values) > 0 {
			others = append(others, raw)
		}
		if f.err != nil && d.err == nil {
			d.err = f.err
		}
	}
	if others != nil {
		raw, _ := json.Marshal(others) // of decoded JSON: cannot fail
		d.keep("scores", raw)
	}
}

// verdict takes a value that is a thumb up or down.
func verdict(f *dict) (value int, ok bool) {
	v, ok := ifIs[float64](f, "value")
	return int(v), ok && (v == 0 || v == 1)
}

// attachment makes an element. Chainlit puts what an element has beyond an
// attachment into its metadata.
func attachment(path string, s *chat.Step, number int, raw json.RawMessage) (e chat.Element, err error) {
	d := newDict(path, raw)
	if d.err != nil {
		return e, d.err
	}
	e = chat.Element{ID: d.text("id"), ThreadID: s.ThreadID, ForID: s.ID, Name: d.text("name"), MIME: d.text("mime"), URL: d.text("url"), Display: "side"}
	if e.ID == "" {
		e.ID = derived(s.ThreadID, s.ID, "attachment", fmt.Sprint(number))
	}
	for key, here := range map[string]string{"threadId": s.ThreadID, "stepId": s.ID} {
		if string(d.values[key]) == string(quoted(here)) {
			d.take(key)
		}
	}
	if raw := d.take("metadata"); !isNull(raw) {
		m := newDict(d.at("metadata"), raw)
		if m.err != nil {
			return e, m.err
		}
		decorate(m, &e)
		if other := m.other(); other != nil {
			d.keep("metadata", quoted(other))
		}
	}
	if e.Type == "" {
		e.Type = typeOfMIME(e.MIME)
	}
	if other := d.other(); other != nil {
		e.Extra = map[string]json.RawMessage{OtherKey: quoted(other)}
	}
	return e, d.err
}

// decorate takes from an attachment's metadata what an element has a field for.
func decorate(m *dict, e *chat.Element) {
	for key, to := range map[string]*string{"type": &e.Type, "display": &e.Display, "language": &e.Language, "size": &e.Size} {
		if v, ok := ifIs[string](m, key); ok {
			*to = v
		}
	}
	if v, ok := ifIs[int64](m, "page"); ok {
		e.Page = &v
	}
	if v, ok := ifIs[bool](m, "autoPlay"); ok {
		e.AutoPlay = &v
	}
	e.Props, _ = ifIs[chat.Object](m, "props")
	e.PlayerConfig = m.take("playerConfig")
}

func typeOfMIME(mime string) string {
	kind, _, _ := strings.Cut(mime, "/")
	switch {
	case kind == "image", kind == "audio", kind == "video":
		return kind
	case mime == "application/pdf":
		return "pdf"
	case mime == "text/plain":
		return "text"
	}
	return "file"
}

func quoted(v any) json.RawMessage {
	raw, _ := json.Marshal(v) // of texts and decoded JSON: cannot fail
	return raw
}

// derived is an id for what has none: the same one each time, in the form of a
// UUID, which all databases take.
func derived(of ...string) string {
	sum := sha256.Sum256([]byte(OtherKey + "\x00" + strings.Join(of, "\x00")))
	sum[6] = sum[6]&0x0f | 0x80 // version 8: of the maker's own
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
