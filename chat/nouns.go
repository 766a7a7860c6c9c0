package chat

import (
	"encoding/json"
	"strings"
)

// Object is a JSON object. Numbers in it are json.Number, so that they come
// back as they were written.
type Object map[string]any

// User is a person, known to the application by Identifier and to the store by
// ID.
type User struct {
	ID          string `json:"id"`
	CreatedAt   string `json:"createdAt"`
	Identifier  string `json:"identifier"`
	DisplayName string `json:"display_name"` // never stored; Chainlit copies it from its login token
	Metadata    Object `json:"metadata"`
}

// Thread is one conversation. CreatedAt is its last activity in listings (that
// is what Chainlit's sidebar sorts by) and its creation elsewhere;
// ThreadCreatedAt is always its creation.
type Thread struct {
	ID              string
	CreatedAt       string
	ThreadCreatedAt string
	LastActivity    string // not on the wire; what a listing is ordered by
	Name            string
	UserID          string
	UserIdentifier  string
	Tags            []string
	Metadata        Object
	Steps           []Step
	Elements        []Element
	Loose           []Feedback // feedback for steps that are not stored; only where threads are moved whole
}

// ThreadPatch says what shall change in a thread; it is created when missing.
// Nil and "" leave things as they are. Metadata is merged key by key, a key
// whose value is nil is removed; a "name" in it names a nameless thread.
type ThreadPatch struct {
	ID       string
	Name     *string
	UserID   string
	Metadata Object
	Tags     []string // empty but not nil: remove all
}

// Step is a message or a step of work. As input it is a patch: a field with
// its zero value leaves what is stored, which holds for an empty Input, Output
// or Metadata too. Extra holds keys this version does not know; they are kept.
type Step struct {
	ID            string
	ThreadID      string
	ParentID      string // may name a step that never comes
	Name          string
	Type          string
	Command       string
	Modes         json.RawMessage
	Streaming     *bool
	WaitForAnswer *bool
	IsError       *bool
	Metadata      Object
	Tags          []string
	Input         string
	Output        string
	CreatedAt     string
	Start         string
	End           string
	Generation    json.RawMessage
	ShowInput     ShowInput
	DefaultOpen   *bool
	AutoCollapse  *bool
	Language      string
	Icon          string
	Extra         map[string]json.RawMessage
	Feedback      *Feedback // on reads only
}

// ShowInput is Chainlit's showInput: "true", "false" or a language name; ""
// when not set. The first two are booleans in JSON.
type ShowInput string

// Hidden tells whether the input of a step is private: it was not meant to be
// shown, or nobody said so and it is not a message.
func (s Step) Hidden() bool {
	switch s.ShowInput {
	case "false", "none":
		return true
	case "":
		return !strings.Contains(s.Type, "message")
	}
	return false
}

// Favorite tells whether a user starred the step.
func (s Step) Favorite() bool { return s.Metadata["favorite"] == true }

// Element is a thing attached to a step: an image, a file, a chart. As input
// it is a patch, like [Step].
type Element struct {
	ID           string
	ThreadID     string
	Type         string
	ChainlitKey  string
	URL          string
	ObjectKey    string
	Name         string
	Display      string
	Size         string
	Language     string
	Page         *int64
	Props        Object
	AutoPlay     *bool
	PlayerConfig json.RawMessage
	ForID        string
	MIME         string
	Extra        map[string]json.RawMessage
}

// Feedback is a person's verdict on a step: Value 0 is down, 1 is up. There is
// one a step.
type Feedback struct {
	ID       string  `json:"id"`
	ForID    string  `json:"forId"`
	ThreadID string  `json:"threadId,omitempty"`
	Value    int     `json:"value"`
	Comment  *string `json:"comment"`
}

// Ref names a step, an element or a feedback. ThreadID may be empty where the
// store can do without (Features.NeedsThread says which cannot).
type Ref struct {
	ID       string
	ThreadID string
}

// Written answers a write that happened: the id, and what had to be changed to
// store it.
type Written struct {
	ID       string   `json:"id"`
	Warnings []string `json:"warnings,omitempty"`
}

// ThreadFilter chooses threads. UserID "" is everybody's, for callers that may
// see all. Search is a substring of the thread's name or of an output, without
// regard to case and diacritics.
type ThreadFilter struct {
	UserID   string
	Search   string
	Feedback *int // threads with a step that has this verdict
}

// Ptr makes a pointer to a value, for optional fields.
func Ptr[T any](v T) *T { return &v }
