package dynamodb

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

var _ chat.Mover = rooms{}

// ThreadIDs implements chat.Mover: one request of a scan, a megabyte of the
// table, whatever the limit. The items of a thread follow each other.
func (r rooms) ThreadIDs(ctx context.Context, after string, _ int) (ids []string, next string, err error) {
	in := &dynamodb.ScanInput{TableName: &r.s.c.table, ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: total,
		ProjectionExpression: aws.String("PK,SK")}
	var from key
	if after != "" {
		var at [2]string
		if json.Unmarshal([]byte(after), &at) != nil {
			return nil, "", errs.New(errs.Invalid, "the position cannot be read")
		}
		from = key{at[0], at[1]}
		in.ExclusiveStartKey = from.attributes()
	}
	out, err := r.s.c.db.Scan(ctx, in)
	if err != nil {
		return nil, "", r.s.c.failed("Scan", err)
	}
	r.s.c.note(ctx, "Scan", len(out.Items), one(out.ConsumedCapacity)...)
	last := ""
	if tells(from) { // the thread at which the page before ended is in it
		last = from.pk
	}
	for _, i := range out.Items {
		k := keyOf(i)
		if !tells(k) || k.pk == last {
			continue
		}
		last = k.pk
		ids = append(ids, strings.TrimPrefix(k.pk, threadPrefix))
	}
	if len(out.LastEvaluatedKey) == 0 {
		return ids, "", nil
	}
	end := keyOf(out.LastEvaluatedKey)
	at, err := json.Marshal([2]string{end.pk, end.sk})
	return ids, string(at), err
}

// tells whether an item shows that there is a thread: tombstones and chunks do
// not.
func tells(k key) bool {
	return strings.HasPrefix(k.pk, threadPrefix) &&
		(k.sk == threadSK || strings.HasPrefix(k.sk, stepPrefix) || strings.HasPrefix(k.sk, elementPrefix))
}

// Whole implements chat.Mover.
func (r rooms) Whole(ctx context.Context, ids []string) (found []chat.Thread, err error) {
	for _, id := range ids {
		all, err := r.s.partition(ctx, id)
		if err != nil {
			return nil, err
		}
		if all[threadKey(id)] == nil && all[tombstoneKey(id)] != nil {
			continue // it is being deleted
		}
		t, err := r.s.assemble(ctx, all, id)
		if err != nil {
			return nil, err
		}
		if all[threadKey(id)] != nil || len(t.Steps)+len(t.Elements)+len(t.Loose) > 0 {
			found = append(found, t)
		}
	}
	return found, nil
}

// loose is feedback in a thread's items whose step is not there: what waits in
// the thread's own item, and what Chainlit's layer left alone in a step's.
func loose(all map[key]item, id string, waiting map[string]any) (list []chat.Feedback) {
	for step, v := range waiting {
		if f := feedbackOf(v, id, step); f != nil && all[stepKey(id, step)]["createdAt"] == nil {
			list = append(list, *f)
		}
	}
	for k, i := range all {
		step, ok := strings.CutPrefix(k.sk, stepPrefix)
		if ok && i["createdAt"] == nil {
			if f := feedbackOf(goValue(i["feedback"]), id, step); f != nil {
				list = append(list, *f)
			}
		}
	}
	slices.SortFunc(list, func(a, b chat.Feedback) int { return strings.Compare(a.ForID, b.ForID) })
	return list
}

// Load implements chat.Mover. What a thread had goes first, then its parts
// come, and its own item last: until then no list shows it.
func (r rooms) Load(ctx context.Context, threads []chat.Thread, w chat.Write) error {
	for i := range threads {
		if err := r.load(ctx, &threads[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r rooms) load(ctx context.Context, t *chat.Thread) error {
	defer r.s.lock(t.ID)()
	if t.UserID != "" {
		u, err := r.s.c.get(ctx, userKey(t.UserID))
		if err != nil {
			return err
		}
		if u == nil {
			return errs.Field(errs.Invalid, "userId", "there is no user with id %q; put the user first", t.UserID)
		}
		t.UserIdentifier = t.UserID
	}
	rows := rowsOf(t)
	for _, row := range rows {
		if !keyOf(row.item).fits() {
			return errs.Field(errs.Invalid, "id", "is too long for DynamoDB's keys")
		}
	}
	old, err := r.s.partition(ctx, t.ID)
	if err != nil {
		return err
	}
	gone, orphaned := replaced(old, rows)
	if err := r.s.named(ctx, t); err != nil {
		return err
	}
	// Nor must a deletion that broke off take the new parts for the old.
	gone = append(gone, deleteRequest(key{orphanPK, deletingPrefix + digest(t.ID)}))
	if err := r.s.c.batch(ctx, gone); err != nil {
		return err
	}
	var writes []types.WriteRequest
	for _, row := range rows {
		for _, chunk := range row.chunks {
			writes = append(writes, putRequest(chunk))
		}
		row.item[version] = text(token())
		writes = append(writes, putRequest(row.item))
	}
	if err := r.s.c.batch(ctx, unique(writes)); err != nil {
		return err
	}
	for k := range old {
		r.s.seen.forget(k)
	}
	if r.s.marking {
		if err := r.s.markThread(ctx, t.ID); err != nil {
			return err
		}
	}
	return r.s.orphaned(ctx, orphaned)
}

// named notes which bytes a thread's elements name, before they do.
func (s *Store) named(ctx context.Context, t *chat.Thread) error {
	elements := map[string][]key{}
	for _, e := range t.Elements {
		if e.ObjectKey != "" {
			elements[e.ObjectKey] = append(elements[e.ObjectKey], elementKey(t.ID, e.ID))
		}
	}
	var ops []op
	for name, keys := range elements {
		ops = append(ops, s.remove(orphanKey(name)), s.references("ADD", name, keys))
	}
	for part := range slices.Chunk(ops, maxTransact) {
		if err := s.commit(ctx, part); err != nil {
			return busy(err)
		}
	}
	return nil
}

// rowsOf are the items of a thread, its own last.
func rowsOf(t *chat.Thread) (rows []row) {
	head := *t
	head.LastActivity = t.Activity()
	if head.LastActivity == "" {
		head.LastActivity = t.CreatedAt
	}
	for _, s := range t.Steps {
		s.ThreadID = t.ID
		rows = append(rows, seal(stepKey(t.ID, s.ID), stepSays(s), token(), found{}))
	}
	for _, e := range t.Elements {
		e.ThreadID = t.ID
		rows = append(rows, seal(elementKey(t.ID, e.ID), elementSays(e), token(), found{}))
	}
	waiting := map[string]any{}
	for _, f := range t.Loose {
		f.ThreadID = t.ID
		waiting[f.ForID] = feedbackSays(f)
	}
	return append(rows, threadItem(head, waiting, found{}))
}

// replaced are the deletions of what a thread had and has no more, tombstones
// too, and the elements that named bytes and do no more, by their keys.
func replaced(old map[key]item, rows []row) (gone []types.WriteRequest, orphaned map[string][]key) {
	stay, names := map[key]bool{}, map[key]string{}
	for _, row := range rows {
		stay[keyOf(row.item)] = true
		names[keyOf(row.item)] = stringOf(row.item["objectKey"])
	}
	orphaned = map[string][]key{}
	for k, i := range old {
		if !stay[k] {
			gone = append(gone, deleteRequest(k))
		}
		if name := stringOf(i["objectKey"]); name != "" && strings.HasPrefix(k.sk, elementPrefix) && names[k] != name {
			orphaned[name] = append(orphaned[name], k)
		}
	}
	return gone, orphaned
}

// unique drops requests about a key that a later one is about: a batch may not
// name a key twice.
func unique(writes []types.WriteRequest) []types.WriteRequest {
	last := map[key]int{}
	at := func(w types.WriteRequest) key {
		if w.PutRequest != nil {
			return keyOf(w.PutRequest.Item)
		}
		return keyOf(w.DeleteRequest.Key)
	}
	for i, w := range writes {
		last[at(w)] = i
	}
	out := writes[:0]
	for i, w := range writes {
		if last[at(w)] == i {
			out = append(out, w)
		}
	}
	return out
}
