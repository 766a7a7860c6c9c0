package chat

import (
	"encoding/json"
	"maps"
	"time"
)

// NewStep is what a step starts from when a patch creates it: what a reader
// relies on is never missing.
func NewStep(now time.Time) Step {
	return Step{Type: "undefined", Streaming: Ptr(false), CreatedAt: FormatTime(now)}
}

// MergeStep lays patch over old by field: what patch leaves out stays, and so
// does the thread once it is set. Stores that merge outside SQL use it inside
// their writing transaction; those that merge in SQL are held to the same
// vectors.
func MergeStep(old, patch Step) Step {
	thread := old.ThreadID
	mergeFields(stepFields, &old, &patch)
	if thread != "" {
		old.ThreadID = thread
	}
	old.Extra = mergeExtra(old.Extra, patch.Extra)
	return old
}

// MergeElement lays patch over old like [MergeStep].
func MergeElement(old, patch Element) Element {
	thread := old.ThreadID
	mergeFields(elementFields, &old, &patch)
	if thread != "" {
		old.ThreadID = thread
	}
	old.Extra = mergeExtra(old.Extra, patch.Extra)
	return old
}

// MergeThread lays patch over old. It does not look at owners: see [Allow].
func MergeThread(old Thread, patch ThreadPatch) Thread {
	if patch.Name != nil {
		old.Name = *patch.Name
	}
	if patch.UserID != "" {
		old.UserID = patch.UserID
	}
	if patch.Tags != nil {
		old.Tags = patch.Tags
	}
	old.Metadata = MergeMetadata(old.Metadata, patch.Metadata)
	if name, ok := patch.Metadata["name"].(string); ok && old.Name == "" && patch.Name == nil {
		old.Name = name
	}
	return old
}

// MergeMetadata lays patch over old, key by key and no deeper; a key with nil
// is removed. Neither argument is changed; the result is never nil.
func MergeMetadata(old, patch Object) Object {
	merged := make(Object, len(old)+len(patch))
	maps.Copy(merged, old)
	for key, value := range patch {
		if value == nil {
			delete(merged, key)
		} else {
			merged[key] = value
		}
	}
	return merged
}

func mergeFields[T any](fields []Field[T], old, patch *T) {
	for _, f := range fields {
		if from := f.At(patch); !isZero(from) {
			set(f.At(old), from)
		}
	}
}

func mergeExtra(old, patch map[string]json.RawMessage) map[string]json.RawMessage {
	if len(patch) == 0 {
		return old
	}
	merged := make(map[string]json.RawMessage, len(old)+len(patch))
	maps.Copy(merged, old)
	maps.Copy(merged, patch)
	return merged
}
