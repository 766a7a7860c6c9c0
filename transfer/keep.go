package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// looks tells whether the copy looks at what the destination has.
func (r *run) looks() bool { return r.Keep || r.Replace }

// differ notes what the destination has otherwise.
func (r *run) differ(format string, args ...any) {
	r.refusing.Lock()
	defer r.refusing.Unlock()
	if r.Differ++; len(r.Differing) < MaxNamed {
		r.Differing = append(r.Differing, fmt.Sprintf(format, args...))
	}
}

// keepUser tells whether a user at the destination stays as they are.
func (r *run) keepUser(ctx context.Context, u chat.User) (stays bool, err error) {
	if !r.looks() {
		return false, nil
	}
	old, err := r.To.Store.User(ctx, u.Identifier)
	if errs.KindOf(err) == errs.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	old.CreatedAt = u.CreatedAt // which stays whatever is written
	var copied chat.User
	if err := json.Unmarshal(form(u), &copied); err != nil {
		return false, err
	}
	switch {
	case bytes.Equal(normalUser(copied), normalUser(old)):
		r.Kept.Users++
		return true, nil
	case !r.Replace:
		r.differ("user %q differs in its metadata", u.Identifier)
		return true, nil
	}
	r.Replaced.Users++
	return false, nil
}

// there returns what the destination has of some threads.
func (r *run) there(ctx context.Context, ids []string) (map[string]*chat.Thread, error) {
	if !r.looks() {
		return nil, nil
	}
	found, err := r.to.Whole(ctx, ids)
	byID := make(map[string]*chat.Thread, len(found))
	for i := range found {
		byID[found[i].ID] = &found[i]
	}
	return byID, err
}

// compare tells whether the destination has a thread as it is here. It changes
// old.
func (r *run) compare(t, old *chat.Thread) (same bool, err error) {
	var a chat.Thread
	if err := json.Unmarshal(form(t), &a); err != nil {
		return false, err
	}
	normal(&a)
	keys := keysOf(old)
	normal(old)
	if a.CreatedAt == "" {
		old.CreatedAt = "" // a time is made for what has none
	}
	if r.Addresses != nil {
		unaddressed(&a)
		unaddressed(old)
	}
	v := verifier{hashA: sha256.New(), hashB: sha256.New()}
	v.whole(&a, old)
	old.Elements = nil // whole took them apart; bytesThere asks for keys
	for key := range keys {
		old.Elements = append(old.Elements, chat.Element{ObjectKey: key})
	}
	if v.out.Different > 0 && !r.Replace {
		r.differ("%s", strings.Join(v.out.Differences, ", "))
	}
	return v.out.Different == 0, nil
}

// unaddressed takes away the addresses of stored bytes, which are a server's.
func unaddressed(t *chat.Thread) {
	for i := range t.Elements {
		if t.Elements[i].ObjectKey != "" {
			t.Elements[i].URL = ""
		}
	}
}

func keysOf(t *chat.Thread) map[string]bool {
	keys := map[string]bool{}
	for i := range t.Elements {
		if key := t.Elements[i].ObjectKey; key != "" {
			keys[key] = true
		}
	}
	return keys
}

// bytesThere tells whether the destination has the bytes of an element. Other
// bytes are not written over, unless they are the thread's own and it is
// replaced: they may be anybody's.
func (r *run) bytesThere(ctx context.Context, e *chat.Element, old *chat.Thread) (bool, error) {
	if !r.looks() {
		return false, nil
	}
	theirs, _, err := digest(ctx, r.To.Files, e.ObjectKey)
	if errs.KindOf(err) == errs.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	ours, _, err := digest(ctx, r.From.Files, e.ObjectKey)
	if err != nil {
		return false, err
	}
	if bytes.Equal(ours, theirs) {
		return true, nil
	}
	if r.Replace && old != nil && keysOf(old)[e.ObjectKey] {
		return false, nil
	}
	return false, errs.Field(errs.Conflict, "objectKey", "the destination has other bytes under %q already", e.ObjectKey)
}
