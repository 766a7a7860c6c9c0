package chat

import "encoding/json"

// A Field is one named part of a T. One table a noun serves JSON, merging and
// the columns of SQL stores, so that a key is added in one place.
type Field[T any] struct {
	Key string
	// At points into a T. The pointer is one of *string, *ShowInput, **bool,
	// **int64, *[]string, *Object, *json.RawMessage.
	At func(*T) any
	// Always marks a field that is "" or {} in JSON when empty; others are null.
	Always bool
}

var stepFields = []Field[Step]{
	{Key: "id", At: func(s *Step) any { return &s.ID }, Always: true},
	{Key: "threadId", At: func(s *Step) any { return &s.ThreadID }, Always: true},
	{Key: "parentId", At: func(s *Step) any { return &s.ParentID }},
	{Key: "name", At: func(s *Step) any { return &s.Name }, Always: true},
	{Key: "type", At: func(s *Step) any { return &s.Type }, Always: true},
	{Key: "command", At: func(s *Step) any { return &s.Command }},
	{Key: "modes", At: func(s *Step) any { return &s.Modes }},
	{Key: "streaming", At: func(s *Step) any { return &s.Streaming }},
	{Key: "waitForAnswer", At: func(s *Step) any { return &s.WaitForAnswer }},
	{Key: "isError", At: func(s *Step) any { return &s.IsError }},
	{Key: "metadata", At: func(s *Step) any { return &s.Metadata }, Always: true},
	{Key: "tags", At: func(s *Step) any { return &s.Tags }},
	{Key: "input", At: func(s *Step) any { return &s.Input }, Always: true},
	{Key: "output", At: func(s *Step) any { return &s.Output }, Always: true},
	{Key: "createdAt", At: func(s *Step) any { return &s.CreatedAt }},
	{Key: "start", At: func(s *Step) any { return &s.Start }},
	{Key: "end", At: func(s *Step) any { return &s.End }},
	{Key: "generation", At: func(s *Step) any { return &s.Generation }},
	{Key: "showInput", At: func(s *Step) any { return &s.ShowInput }},
	{Key: "defaultOpen", At: func(s *Step) any { return &s.DefaultOpen }},
	{Key: "autoCollapse", At: func(s *Step) any { return &s.AutoCollapse }},
	{Key: "language", At: func(s *Step) any { return &s.Language }},
	{Key: "icon", At: func(s *Step) any { return &s.Icon }},
}

var elementFields = []Field[Element]{
	{Key: "id", At: func(e *Element) any { return &e.ID }, Always: true},
	{Key: "threadId", At: func(e *Element) any { return &e.ThreadID }},
	{Key: "type", At: func(e *Element) any { return &e.Type }, Always: true},
	{Key: "chainlitKey", At: func(e *Element) any { return &e.ChainlitKey }},
	{Key: "url", At: func(e *Element) any { return &e.URL }},
	{Key: "objectKey", At: func(e *Element) any { return &e.ObjectKey }},
	{Key: "name", At: func(e *Element) any { return &e.Name }, Always: true},
	{Key: "display", At: func(e *Element) any { return &e.Display }, Always: true},
	{Key: "size", At: func(e *Element) any { return &e.Size }},
	{Key: "language", At: func(e *Element) any { return &e.Language }},
	{Key: "page", At: func(e *Element) any { return &e.Page }},
	{Key: "props", At: func(e *Element) any { return &e.Props }},
	{Key: "autoPlay", At: func(e *Element) any { return &e.AutoPlay }},
	{Key: "playerConfig", At: func(e *Element) any { return &e.PlayerConfig }},
	{Key: "forId", At: func(e *Element) any { return &e.ForID }},
	{Key: "mime", At: func(e *Element) any { return &e.MIME }},
}

// StepFields lists the known keys of a step in their JSON order. The slice is
// shared: do not change it.
func StepFields() []Field[Step] { return stepFields }

// ElementFields lists the known keys of an element in their JSON order. The
// slice is shared: do not change it.
func ElementFields() []Field[Element] { return elementFields }

// isZero tells whether the field that p points to says nothing.
func isZero(p any) bool {
	switch p := p.(type) {
	case *string:
		return *p == ""
	case *ShowInput:
		return *p == ""
	case **bool:
		return *p == nil
	case **int64:
		return *p == nil
	case *[]string:
		return *p == nil
	case *Object:
		return len(*p) == 0
	case *json.RawMessage:
		return len(*p) == 0
	}
	panic("chat: a field of an unknown type")
}

// set copies the field that from points to.
func set(to, from any) {
	switch from := from.(type) {
	case *string:
		*to.(*string) = *from
	case *ShowInput:
		*to.(*ShowInput) = *from
	case **bool:
		*to.(**bool) = *from
	case **int64:
		*to.(**int64) = *from
	case *[]string:
		*to.(*[]string) = *from
	case *Object:
		*to.(*Object) = *from
	case *json.RawMessage:
		*to.(*json.RawMessage) = *from
	}
}
