package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
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
func (r *run) keepUser(ctx context.Context, look *lookup, u chat.User) (stays bool, err error) {
	if !r.looks() {
		return false, nil
	}
	old, there, err := look.user(ctx, u.Identifier)
	if !there || err != nil {
		return false, err
	}
	r.owners.know(old)
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

// presence is what the destination has of what some threads hold.
type presence struct {
	threads map[string]*chat.Thread
	sums    map[string]chat.Sum // of bytes, by their keys
	own     map[string]bool     // keys that the thread in hand has there
}

// there asks the destination once for all that some threads hold.
func (r *run) there(ctx context.Context, ids []string, ours []chat.Thread) (p presence, err error) {
	if !r.looks() {
		return p, nil
	}
	found, err := r.to.Whole(ctx, ids)
	if err != nil {
		return p, err
	}
	p.threads = make(map[string]*chat.Thread, len(found))
	for i := range found {
		p.threads[found[i].ID] = &found[i]
	}
	if keys := allKeys(ours); len(keys) > 0 && r.From.Files != nil && r.To.Files != nil {
		p.sums, err = chat.SumsOf(ctx, r.To.Files, keys)
	}
	return p, err
}

// allKeys are the keys of bytes that threads name, each once.
func allKeys(threads []chat.Thread) []string {
	all := map[string]bool{}
	for i := range threads {
		maps.Copy(all, keysOf(&threads[i]))
	}
	return slices.Sorted(maps.Keys(all))
}

// compare tells whether the destination has a thread as it is here. It changes
// old.
func (r *run) compare(t, old *chat.Thread) (same bool, err error) {
	var a chat.Thread
	if err := json.Unmarshal(form(t), &a); err != nil {
		return false, err
	}
	normal(&a)
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
func (r *run) bytesThere(ctx context.Context, e *chat.Element, there presence) (bool, error) {
	theirs, ok := there.sums[e.ObjectKey]
	if !ok {
		return false, nil
	}
	ours, err := chat.SumsOf(ctx, r.From.Files, []string{e.ObjectKey})
	if err != nil {
		return false, err
	}
	switch mine, ok := ours[e.ObjectKey]; {
	case !ok:
		return false, nil // missing, or named by the error of reading it
	case mine == theirs:
		return true, nil
	case r.Replace && there.own[e.ObjectKey]:
		return false, nil
	}
	return false, errs.Field(errs.Conflict, "objectKey", "the destination has other bytes under %q already", e.ObjectKey)
}
