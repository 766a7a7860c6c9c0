package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"slices"

	"github.com/varvedb/varve/chat"
)

// Verdict is what a comparison of two databases found.
type Verdict struct {
	From Count `json:"from"`
	To   Count `json:"to"` // of what the source has too
	// FromHash and ToHash are over all rows and bytes that were compared, in
	// the order of the source; they are equal when nothing differs.
	FromHash string `json:"fromHash"`
	ToHash   string `json:"toHash"`
	// Differences are named up to [MaxNamed], and counted.
	Differences []string `json:"differences"`
	Different   int64    `json:"different"`
	// OtherIDs counts users who have another id at the destination, which their
	// threads follow.
	OtherIDs int64 `json:"otherIds"`
	// More is how many threads the destination has that the source has not; they
	// are no difference. -1: not counted.
	More int64 `json:"more"`
}

// Verify reads both sides and tells every difference: users, threads with all
// that is in them, and elements' bytes.
func Verify(ctx context.Context, from, to Side, o Options) (Verdict, error) {
	a, err := from.mover()
	if err != nil {
		return Verdict{}, err
	}
	b, err := to.mover()
	if err != nil {
		return Verdict{}, err
	}
	v := &verifier{a: a, b: b, from: from, to: to, Options: o, hashA: sha256.New(), hashB: sha256.New(), owners: newOwners(from.Store, to.Store)}
	v.out.Differences = []string{}
	if err := v.users(ctx); err != nil {
		return v.out, err
	}
	if err := v.threads(ctx); err != nil {
		return v.out, err
	}
	v.out.FromHash, v.out.ToHash = hex.EncodeToString(v.hashA.Sum(nil)), hex.EncodeToString(v.hashB.Sum(nil))
	return v.out, v.out.more(ctx, to, o.Since)
}

// more counts what else the destination has.
func (v *Verdict) more(ctx context.Context, to Side, since string) error {
	v.More = -1
	if since != "" {
		return nil
	}
	n, err := total(ctx, to, "")
	v.More = n - v.To.Threads
	return err
}

type verifier struct {
	Options
	a, b         chat.Mover
	from, to     Side
	hashA, hashB hash.Hash
	owners       *owners
	out          Verdict
}

func (v *verifier) differs(format string, args ...any) {
	if v.out.Different++; len(v.out.Differences) < MaxNamed {
		v.out.Differences = append(v.out.Differences, fmt.Sprintf(format, args...))
	}
}

func (v *verifier) users(ctx context.Context) error {
	look := newLookup(v.to.Store)
	return users(ctx, v.from.Store, func(a chat.User) error {
		v.out.From.Users++
		b, there, err := look.user(ctx, a.Identifier)
		if err != nil {
			return err
		}
		if !there {
			v.sum(v.hashA, normalUser(a))
			v.differs("user %q is missing", a.Identifier)
			return nil
		}
		v.owners.know(b)
		v.out.To.Users++
		if a.ID != b.ID {
			v.out.OtherIDs++
		}
		v.compare(fmt.Sprintf("user %q", a.Identifier), normalUser(a), normalUser(b))
		return nil
	})
}

// normalUser is what two databases agree on about a user. Who was there before
// keeps the time of their creation.
func normalUser(u chat.User) json.RawMessage {
	u.ID, u.CreatedAt, u.DisplayName = "", moment(u.CreatedAt), ""
	if u.Metadata = object(u.Metadata); u.Metadata == nil {
		u.Metadata = chat.Object{}
	}
	raw, _ := json.Marshal(u) // of decoded JSON: cannot fail
	return raw
}

// compare takes two forms into the hashes and names what differs in them.
func (v *verifier) compare(what string, a, b json.RawMessage) {
	v.sum(v.hashA, a)
	v.sum(v.hashB, b)
	if bytes.Equal(a, b) {
		return
	}
	var x, y map[string]json.RawMessage
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		v.differs("%s differs", what)
		return
	}
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(x)) {
		if !bytes.Equal(x[key], y[key]) {
			keys = append(keys, key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(y)) {
		if _, both := x[key]; !both {
			keys = append(keys, key)
		}
	}
	v.differs("%s differs in %v", what, keys)
}

func (v *verifier) sum(h hash.Hash, form []byte) {
	h.Write(form)
	h.Write([]byte{'\n'})
}

// threads compares in this goroutine what another reads.
func (v *verifier) threads(ctx context.Context) error {
	all := int64(0)
	if v.Progress != nil {
		var err error
		if all, err = total(ctx, v.from, v.Since); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	read := make(chan pair, 1)
	failed := make(chan error, 1)
	go func() {
		defer close(read)
		failed <- v.read(ctx, read)
	}()
	var err error
	for p := range read {
		if err == nil {
			if err = v.pair(ctx, p); err != nil {
				cancel()
			}
			v.tell(Progress{Done: v.out.From, Total: all})
		}
	}
	if reading := <-failed; err == nil {
		err = reading
	}
	return err
}

func (v *verifier) pair(ctx context.Context, p pair) error {
	byID := make(map[string]*chat.Thread, len(p.theirs))
	for i := range p.theirs {
		byID[p.theirs[i].ID] = &p.theirs[i]
	}
	sums, err := sumsOf(ctx, v.from, v.to, p.ours)
	if err != nil {
		return err
	}
	for i := range p.ours {
		if err := v.thread(ctx, &p.ours[i], byID[p.ours[i].ID], sums); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) thread(ctx context.Context, a, b *chat.Thread, sums sums) error {
	v.out.From.thread(a)
	if _, err := a.Check(); err != nil {
		v.differs("thread %q cannot be moved: %v", a.ID, err)
		return nil
	}
	if err := v.owners.settle(ctx, a, true); err != nil {
		return err
	}
	if b == nil {
		v.differs("thread %q is missing", a.ID)
		return nil
	}
	v.out.To.thread(b)
	stray := a.CreatedAt == ""
	keys := bytesOf(a, b)
	normal(a)
	normal(b)
	if v.Addresses != nil {
		unaddressed(a)
		unaddressed(b)
	}
	if stray {
		b.CreatedAt = "" // a time is made for what has none
	}
	v.whole(a, b)
	for _, key := range keys {
		v.bytes(a.ID, key, sums)
	}
	return nil
}

// whole compares two threads part by part.
func (v *verifier) whole(a, b *chat.Thread) {
	name := fmt.Sprintf("thread %q", a.ID)
	parts(v, name+": step", a.Steps, b.Steps, func(s *chat.Step) string { return s.ID })
	parts(v, name+": element", a.Elements, b.Elements, func(e *chat.Element) string { return e.ID })
	parts(v, name+": feedback for", a.Loose, b.Loose, func(f *chat.Feedback) string { return f.ForID })
	a.Steps, a.Elements, a.Loose, b.Steps, b.Elements, b.Loose = nil, nil, nil, nil, nil, nil
	v.compare(name, form(a), form(b))
}

// form is the JSON of a noun. One that has an encoder of its own is asked at
// once: json.Marshal would read all of it again.
func form(of any) json.RawMessage {
	var raw []byte // of decoded JSON: cannot fail
	if m, ok := of.(json.Marshaler); ok {
		raw, _ = m.MarshalJSON()
	} else {
		raw, _ = json.Marshal(of)
	}
	return raw
}

// parts compares two lists in the order of their ids.
func parts[T any](v *verifier, name string, a, b []T, id func(*T) string) {
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && id(&a[0]) < id(&b[0]):
			v.sum(v.hashA, form(&a[0]))
			v.differs("%s %q is missing", name, id(&a[0]))
			a = a[1:]
		case len(a) == 0 || id(&b[0]) < id(&a[0]):
			v.sum(v.hashB, form(&b[0]))
			v.differs("%s %q is there and should not be", name, id(&b[0]))
			b = b[1:]
		default:
			x, y := form(&a[0]), form(&b[0])
			if bytes.Equal(x, y) {
				v.sum(v.hashA, x)
				v.sum(v.hashB, y)
			} else {
				v.compare(fmt.Sprintf("%s %q", name, id(&a[0])), x, y)
			}
			a, b = a[1:], b[1:]
		}
	}
}

// bytesOf are the keys of bytes that both threads name.
func bytesOf(a, b *chat.Thread) (keys []string) {
	theirs := map[string]bool{}
	for i := range b.Elements {
		theirs[b.Elements[i].ObjectKey] = true
	}
	for i := range a.Elements {
		if key := a.Elements[i].ObjectKey; key != "" && theirs[key] {
			keys = append(keys, key)
		}
	}
	return keys
}

// bytes compares the bytes of both sides under a key.
func (v *verifier) bytes(thread, key string, sums sums) {
	a, ok := sums[0][key]
	if !ok {
		return // the source has lost them, or there are none to compare
	}
	v.out.From.Files++
	v.out.From.Bytes += a.Size
	v.sum(v.hashA, []byte(a.SHA256))
	b, ok := sums[1][key]
	if !ok {
		v.differs("thread %q: the bytes %q are missing", thread, key)
		return
	}
	v.out.To.Files++
	v.out.To.Bytes += b.Size
	v.sum(v.hashB, []byte(b.SHA256))
	if a != b {
		v.differs("thread %q: the bytes %q differ", thread, key)
	}
}
