package dynamodb

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/varvedb/varve/chat"
)

// Stored bytes belong to the elements that name them. An item for each key
// lists those; a mark says that one of them is gone, and the bytes may go when
// none is left.

func orphanKey(name string) key { return key{orphanPK, keyPrefix + digest(name)} }
func objectKey(name string) key { return key{objectPrefix + digest(name), objectSK} }

func (s *Store) orphan(name string) item {
	i := orphanKey(name).attributes()
	i["objectKey"], i["at"] = text(name), number(strconv.FormatInt(s.stamp(), 10))
	return i
}

// refer is the note that an element names bytes, and unrefer that some do no
// more; the second leaves the mark.
func (s *Store) refer(name string, element key) []op {
	return []op{s.remove(orphanKey(name)), s.references("ADD", name, []key{element})}
}

func (s *Store) unrefer(name string, elements ...key) []op {
	return []op{s.replace(s.orphan(name)), s.references("DELETE", name, elements)}
}

func (s *Store) references(change, name string, elements []key) op {
	var set []string
	for _, k := range elements {
		set = append(set, digest(k.pk + "\x00" + k.sk)[:32])
	}
	return op{Update: &types.Update{TableName: &s.c.table, Key: objectKey(name).attributes(),
		UpdateExpression:          aws.String(change + " varveElements :e"),
		ExpressionAttributeValues: item{":e": &types.AttributeValueMemberSS{Value: set}}}}
}

// Expect implements chat.Orphans: a mark whose time is to come, which the
// element takes away that names the key.
func (r rooms) Expect(ctx context.Context, key string, w chat.Write) error {
	i := r.s.orphan(key)
	i[due] = text(w.Now.Add(chat.UploadGrace).UTC().Format(time.RFC3339Nano))
	return r.s.c.batch(ctx, []types.WriteRequest{putRequest(i)})
}

// sweep ends what a call began. What a deleted thread left goes: first the keys
// of its bytes are remembered, then its items go. In one that is there, the marks
// come under its owner. Last goes the note of it.
func (s *Store) sweep(ctx context.Context, thread string) error {
	all, err := s.partition(ctx, thread)
	if err != nil {
		return err
	}
	if all[threadKey(thread)] != nil {
		if err := s.markThread(ctx, thread); err != nil {
			return err
		}
		clear(all)
	}
	delete(all, tombstoneKey(thread))
	gone := make([]types.WriteRequest, 0, len(all)+1)
	elements := map[string][]key{}
	for k, i := range all {
		s.seen.forget(k)
		gone = append(gone, deleteRequest(k))
		if name := stringOf(i["objectKey"]); name != "" && strings.HasPrefix(k.sk, elementPrefix) {
			elements[name] = append(elements[name], k)
		}
	}
	if err := s.orphaned(ctx, elements); err != nil {
		return err
	}
	if err := s.c.batch(ctx, gone); err != nil {
		return err
	}
	return s.c.batch(ctx, []types.WriteRequest{deleteRequest(key{orphanPK, deletingPrefix + digest(thread)})})
}

// orphaned notes that elements are gone, by the keys of their bytes.
func (s *Store) orphaned(ctx context.Context, elements map[string][]key) error {
	var ops []op
	for name, keys := range elements {
		ops = append(ops, s.unrefer(name, keys...)...)
		if len(ops) == maxTransact {
			if err := s.commit(ctx, ops); err != nil {
				return busy(err)
			}
			ops = nil
		}
	}
	if len(ops) == 0 {
		return nil
	}
	return busy(s.commit(ctx, ops))
}

// marks are what the partition of orphans holds.
type marks struct {
	keys     []mark // of bytes, oldest first
	deleting []string
	laying   []mark
}

type mark struct {
	name string // the key of bytes, or the generation of chunks
	of   string // the thread of chunks
	at   int64
}

func (s *Store) marks(ctx context.Context, now time.Time) (m marks, err error) {
	err = s.c.query(ctx, dynamodb.QueryInput{KeyConditionExpression: aws.String("PK = :pk"), ConsistentRead: aws.Bool(true),
		ExpressionAttributeValues: item{":pk": text(orphanPK)}}, func(page []item) bool {
		for _, i := range page {
			n, _ := goValue(i["at"]).(json.Number)
			at, _ := n.Int64()
			if gen, ok := strings.CutPrefix(stringOf(i[sk]), layingPrefix); ok {
				m.laying = append(m.laying, mark{gen, stringOf(i["thread"]), at})
			} else if thread, ok := asText(i["thread"]); ok {
				m.deleting = append(m.deleting, thread)
			} else if soon, err := time.Parse(time.RFC3339Nano, stringOf(i[due])); err != nil || !soon.After(now) {
				m.keys = append(m.keys, mark{name: stringOf(i["objectKey"]), at: at})
			}
		}
		return true
	})
	slices.SortFunc(m.keys, func(a, b mark) int { return cmp.Compare(a.at, b.at) })
	return m, err
}

// Orphans implements chat.Orphans. It also ends deletions that broke off and
// takes away chunks that no write came to name.
func (r rooms) Orphans(ctx context.Context, now time.Time, limit int) ([]string, error) {
	m, err := r.s.marks(ctx, now)
	if err != nil {
		return nil, err
	}
	for _, thread := range m.deleting {
		if err := r.s.finish(ctx, thread); err != nil {
			return nil, err
		}
	}
	before := r.s.stamp() - layingAge.Nanoseconds()
	for _, l := range m.laying {
		if l.at < before {
			if err := r.s.unlay(ctx, l.of, l.name); err != nil {
				return nil, err
			}
		}
	}
	var found []string
	for part := range slices.Chunk(m.keys, maxBatchGet/2) {
		free, err := r.s.unnamed(ctx, part)
		if err != nil {
			return nil, err
		}
		if found = append(found, free...); len(found) >= limit {
			return found[:limit], nil
		}
	}
	return found, nil
}

// unnamed are those of the keys of bytes that no element names any more.
func (s *Store) unnamed(ctx context.Context, candidates []mark) (names []string, err error) {
	seen := map[key]bool{}
	var keys []key
	for _, m := range candidates {
		for _, k := range []key{objectKey(m.name), writer(m.name)} {
			if k.fits() && !seen[k] {
				seen[k] = true
				keys = append(keys, k)
			}
		}
	}
	found, err := s.c.gets(ctx, keys, true)
	if err != nil {
		return nil, err
	}
	for _, m := range candidates {
		set, _ := found[objectKey(m.name)]["varveElements"].(*types.AttributeValueMemberSS)
		if set == nil && stringOf(found[writer(m.name)]["objectKey"]) != m.name {
			names = append(names, m.name)
		}
	}
	return names, nil
}

// writer is the element for which Chainlit's layer made a key of bytes: it
// makes user/thread/element, and notes nothing of it.
func writer(name string) key {
	parts := strings.Split(name, "/")
	if len(parts) < 3 {
		return key{}
	}
	return elementKey(parts[len(parts)-2], parts[len(parts)-1])
}

func (s *Store) finish(ctx context.Context, thread string) error {
	defer s.lock(thread)()
	return s.sweep(ctx, thread)
}

// Forget implements chat.Orphans.
func (r rooms) Forget(ctx context.Context, names []string) error {
	var writes []types.WriteRequest
	seen := map[string]bool{}
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			writes = append(writes, deleteRequest(orphanKey(name)), deleteRequest(objectKey(name)))
		}
	}
	return r.s.c.batch(ctx, writes)
}
