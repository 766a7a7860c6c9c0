package transfer

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
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
	if u.ID != old.ID {
		r.seen.out.OtherIDs++
	}
	v := verifier{hashA: r.seen.hashA, hashB: r.seen.hashB}
	v.compare("", normalUser(u), normalUser(old))
	old.CreatedAt = u.CreatedAt // which stays whatever is written
	switch {
	case bytes.Equal(normalUser(u), normalUser(old)):
		r.seen.out.From.Users++
		r.seen.out.To.Users++
		r.seen.out.Different += v.out.Different
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
	sums    sums
	own     map[string]bool // keys that the thread in hand has there
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
	p.sums, err = sumsOf(ctx, r.From, r.To, ours)
	return p, err
}

// compare tells whether the destination has a thread as it is here. It changes
// old.
func (r *run) compare(t, old *chat.Thread, there presence) (same bool) {
	a := *t
	a.Steps, a.Elements, a.Loose = slices.Clone(t.Steps), slices.Clone(t.Elements), slices.Clone(t.Loose)
	count := Verdict{}
	count.From.thread(&a)
	count.To.thread(old)
	keys := bytesOf(&a, old)
	normal(&a)
	normal(old)
	if a.CreatedAt == "" {
		old.CreatedAt = "" // a time is made for what has none
	}
	if r.Addresses != nil {
		unaddressed(&a)
		unaddressed(old)
	}
	v := verifier{hashA: r.seen.hashA, hashB: r.seen.hashB, out: count}
	v.whole(&a, old)
	same = v.out.Different == 0
	if !same && !r.Replace {
		r.differ("%s", strings.Join(v.out.Differences, ", "))
	}
	for _, key := range keys {
		v.bytes(t.ID, key, there.sums)
	}
	r.seen.out.From.add(v.out.From)
	r.seen.out.To.add(v.out.To)
	r.seen.out.Different += v.out.Different
	return same
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
func (r *run) bytesThere(e *chat.Element, there presence) (bool, error) {
	theirs, ok := there.sums[1][e.ObjectKey]
	if !ok {
		return false, nil
	}
	switch mine, ok := there.sums[0][e.ObjectKey]; {
	case !ok:
		return false, nil // missing, or named by the error of reading it
	case mine == theirs:
		return true, nil
	case r.Replace && there.own[e.ObjectKey]:
		return false, nil
	}
	return false, errs.Field(errs.Conflict, "objectKey", "the destination has other bytes under %q already", e.ObjectKey)
}

// verdict is what the comparison of a run amounts to that changed nothing: it
// has seen all that Verify would look at. nil where Verify is to look.
func (r *run) verdict(ctx context.Context) (*Verdict, error) {
	wrote := r.Done != Count{} || r.Replaced != Count{} || r.Refusals+r.Differ+r.Missing+r.Strangers+r.seen.out.Different > 0
	if !r.looks() || r.Resumed || wrote {
		return nil, nil
	}
	v := r.seen.out
	v.Differences = []string{}
	v.FromHash, v.ToHash = hex.EncodeToString(r.seen.hashA.Sum(nil)), hex.EncodeToString(r.seen.hashB.Sum(nil))
	return &v, v.more(ctx, r.To, r.Since)
}
