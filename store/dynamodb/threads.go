package dynamodb

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// User implements chat.Users.
func (r rooms) User(ctx context.Context, identifier string) (chat.User, error) {
	i, err := r.s.c.get(ctx, userKey(identifier))
	if err != nil {
		return chat.User{}, err
	}
	if i == nil {
		return chat.User{}, chat.Missing("identifier", identifier)
	}
	return userOf(i, identifier), nil
}

func userOf(i item, identifier string) chat.User {
	says, _ := unseal(i, nil)
	u := chat.User{ID: identifier, Identifier: identifier}
	setField(&u.CreatedAt, says["createdAt"])
	setField(&u.Metadata, says["metadata"])
	return u
}

// PutUser implements chat.Users. A user's id is their identifier here.
func (r rooms) PutUser(ctx context.Context, u chat.User, _ chat.Write) (chat.User, error) {
	k := userKey(u.Identifier)
	if !k.fits() {
		return chat.User{}, errs.Field(errs.Invalid, "identifier", "is too long for DynamoDB")
	}
	metadata, ok := plain(map[string]any(u.Metadata))
	set := "SET #i = :i, identifier = :i, metadata = :m, createdAt = if_not_exists(createdAt, :c)"
	values := item{":i": text(u.Identifier), ":m": metadata, ":c": text(u.CreatedAt)}
	if ok {
		set += " REMOVE " + exact
	} else {
		set += ", " + exact + " = :e"
		values[":e"] = object(item{"metadata": text(encodeJSON(map[string]any(u.Metadata)))})
	}
	out, err := r.s.c.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: &r.s.c.table, Key: k.attributes(), UpdateExpression: &set,
		ExpressionAttributeNames: map[string]string{"#i": "id"}, ExpressionAttributeValues: values,
		ReturnValues: types.ReturnValueAllNew, ReturnConsumedCapacity: total})
	if err != nil {
		return chat.User{}, r.s.c.failed("UpdateItem", err)
	}
	r.s.c.note(ctx, "UpdateItem", 1, one(out.ConsumedCapacity)...)
	return userOf(out.Attributes, u.Identifier), nil
}

// state is what a write to a thread must know.
type state struct {
	thread    item // nil: there is none
	tombstone item
	other     item // the step or element it is about
}

// look is how a write finds its state.
type look int

const (
	certain look = iota // other must be seen
	likely              // other is taken for new where it was never seen
)

// state looks at a thread and one other item, if that is not key{}. A first
// try is content with what was seen last: of a thread that is there, the
// tombstone says nothing.
func (s *Store) state(ctx context.Context, t *try, l look, thread string, other key) (state, error) {
	keys := []key{threadKey(thread), tombstoneKey(thread)}
	if other != (key{}) {
		keys = append(keys, other)
	}
	for _, k := range keys {
		if !k.fits() {
			return state{}, errs.Field(errs.Invalid, "id", "is too long for DynamoDB's keys")
		}
	}
	if !t.fresh {
		st := state{thread: s.seen.get(keys[0]), other: s.seen.get(other)}
		if st.thread != nil && (st.other != nil || l == likely || other == key{}) {
			t.guessed = true
			return st, nil
		}
	}
	found, err := s.c.gets(ctx, keys, true)
	if err != nil {
		return state{}, err
	}
	for _, i := range found {
		s.seen.keep(i)
	}
	return state{thread: found[keys[0]], tombstone: found[keys[1]], other: found[other]}, nil
}

// allow makes the checks of every write.
func (st state) allow(thread, newOwner string, w chat.Write) error {
	if st.thread == nil && st.tombstone != nil && stringOf(st.tombstone["deletedAt"]) > chat.FormatTime(w.Now.Add(-chat.TombstoneAge)) {
		return chat.Deleted(thread)
	}
	return chat.Allow(w.Actor, owner(st.thread), newOwner)
}

// touch keeps a thread as it was seen while something in it is written: it is
// made where missing, and lifted to a step's time. The feedback that waited for
// the step that is written, if one is named, waits no longer. after is the
// thread as that leaves it.
func (s *Store) touch(st state, thread, at, step string, w chat.Write) (ops []op, after item) {
	if st.thread == nil {
		now := chat.FormatTime(w.Now)
		t := chat.Thread{ID: thread, CreatedAt: now, LastActivity: max(now, at), Metadata: chat.Object{}}
		r := threadItem(t, nil, found{})
		return []op{s.put(r, nil, nil), s.tombstoneSeen(st, thread)}, r.item
	}
	c := condition{}
	c.is(pk, st.thread[pk])
	c.is("userId", st.thread["userId"])
	c.is(pending, st.thread[pending])
	waited, set := members(st.thread[pending])[step] != nil, ""
	if at <= activity(st.thread) && !waited {
		return []op{s.check(threadKey(thread), c)}, st.thread
	}
	after = maps.Clone(st.thread)
	if at > activity(st.thread) {
		c.is(indexSK, st.thread[indexSK])
		after[indexSK] = text(timePrefix + at)
		set = "SET " + c.name(indexSK) + " = " + c.value(after[indexSK])
	}
	if waited {
		ops = append(ops, s.remove(waitKey(thread, step)))
		rest := maps.Clone(members(st.thread[pending]))
		delete(rest, step)
		after[pending] = object(rest)
		set += " REMOVE " + c.name(pending) + "." + c.name(step)
	}
	return append(ops, op{Update: &types.Update{TableName: &s.c.table, Key: threadKey(thread).attributes(), UpdateExpression: &set,
		ConditionExpression: c.expression(), ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.given()}}), after
}

func (s *Store) tombstoneSeen(st state, thread string) op {
	c := condition{}
	c.is("deletedAt", st.tombstone["deletedAt"])
	return s.check(tombstoneKey(thread), c)
}

// ApplyThread implements chat.Threads.
func (r rooms) ApplyThread(ctx context.Context, p chat.ThreadPatch, w chat.Write) error {
	defer r.s.lock(p.ID)()
	given := false // to another owner: what is marked in it must follow
	err := r.s.write(ctx, func(t *try) (plan, error) {
		var user key
		if p.UserID != "" {
			user = userKey(p.UserID)
		}
		st, err := r.s.state(ctx, t, certain, p.ID, user)
		if err != nil {
			return plan{}, err
		}
		if p.UserID != "" && st.other == nil {
			return plan{}, errs.Field(errs.Invalid, "userId", "there is no user with id %q; put the user first", p.UserID)
		}
		if err := st.allow(p.ID, p.UserID, w); err != nil {
			return plan{}, err
		}
		out, err := r.s.patched(ctx, st, p, w)
		if given = r.s.marking && st.thread != nil && p.UserID != "" && owner(st.thread) != p.UserID; given && err == nil {
			out.ops = append(out.ops, r.s.replace(unfinished(p.ID)))
		}
		return out, err
	})
	if err == nil && given {
		if err := r.s.sweep(ctx, p.ID); err != nil { // and again with the orphans
			r.s.c.log.Warn("favourites and feedback of a thread do not follow its new owner yet", "err", err)
		}
	}
	return err
}

// unfinished marks a thread whose deletion or change of owner is to be ended.
func unfinished(thread string) item {
	i := key{orphanPK, deletingPrefix + digest(thread)}.attributes()
	i["thread"] = text(thread)
	return i
}

func (s *Store) patched(ctx context.Context, st state, p chat.ThreadPatch, w chat.Write) (plan, error) {
	t := chat.Thread{ID: p.ID, CreatedAt: chat.FormatTime(w.Now), LastActivity: chat.FormatTime(w.Now), Metadata: chat.Object{}}
	var waiting map[string]any
	old, err := s.threadFound(ctx, st)
	if err != nil {
		return plan{}, err
	}
	if st.thread != nil {
		t = threadOf(st.thread, old.says)
		waiting, _ = old.says[pending].(map[string]any)
	}
	t = chat.MergeThread(t, p)
	if p.UserID != "" {
		t.UserIdentifier = p.UserID
	}
	names := map[string]bool{"name": p.Name != nil, "tags": p.Tags != nil}
	out := s.putThread(threadItem(t, waiting, old), st, p.ID, names)
	if st.other != nil && owner(st.thread) != p.UserID {
		c := condition{}
		c.is(pk, st.other[pk])
		out.ops = append(out.ops, s.check(userKey(p.UserID), c))
	}
	return out, nil
}

// threadFound is a thread's item with all that it says: its metadata are merged
// key by key.
func (s *Store) threadFound(ctx context.Context, st state) (f found, err error) {
	if f.item = st.thread; f.item != nil {
		f.says, err = s.whole(ctx, f.item)
	}
	return f, err
}

func (s *Store) putThread(r row, st state, id string, names map[string]bool) plan {
	ops := []op{s.put(r, st.thread, names, "userId")}
	if st.thread == nil {
		ops = append(ops, s.tombstoneSeen(st, id))
	}
	return plan{ops: ops, row: r, stale: dropped(st.thread, r.item), after: []item{r.item}}
}

// Thread implements chat.Threads.
func (r rooms) Thread(ctx context.Context, id string) (chat.Thread, error) {
	all, err := r.s.partition(ctx, id)
	if err != nil {
		return chat.Thread{}, err
	}
	if all[threadKey(id)] == nil {
		return chat.Thread{}, chat.Missing("threadId", id)
	}
	t, err := r.s.assemble(ctx, all, id)
	t.Loose = nil
	return t, err
}

// assemble makes a thread of its items, and of what there is of one that has
// no item of its own.
func (s *Store) assemble(ctx context.Context, all map[key]item, id string) (t chat.Thread, err error) {
	t.ID = id
	var waiting map[string]any
	if head := all[threadKey(id)]; head != nil {
		says, err := s.among(ctx, all, head)
		if err != nil {
			return t, err
		}
		t = threadOf(head, says)
		waiting, _ = says[pending].(map[string]any)
	}
	for k, i := range all {
		if strings.HasPrefix(k.sk, chunkPrefix) {
			continue
		}
		says, err := s.among(ctx, all, i)
		if err != nil {
			return chat.Thread{}, err
		}
		if step, ok := strings.CutPrefix(k.sk, stepPrefix); ok {
			if s, ok := stepOf(says, id, step); ok {
				if s.Feedback == nil {
					s.Feedback = feedbackOf(waiting[step], id, step)
				}
				t.Steps = append(t.Steps, s)
			}
		} else if element, ok := strings.CutPrefix(k.sk, elementPrefix); ok {
			t.Elements = append(t.Elements, elementOf(says, id, element))
		}
	}
	slices.SortFunc(t.Steps, func(a, b chat.Step) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(t.Elements, func(a, b chat.Element) int { return cmp.Compare(a.ID, b.ID) })
	t.Loose = loose(all, id, waiting)
	return t, nil
}

// among is whole for an item that was read with all others of its thread.
func (s *Store) among(ctx context.Context, all map[key]item, i item) (content, error) {
	says, ok := unseal(i, func(k key) ([]byte, bool) { return partOf(all[k]) })
	if !ok { // written meanwhile
		return s.whole(ctx, i)
	}
	return says, nil
}

// partition reads all items of a thread.
func (s *Store) partition(ctx context.Context, thread string) (map[key]item, error) {
	all := map[key]item{}
	if !threadKey(thread).fits() {
		return all, nil
	}
	err := s.c.query(ctx, dynamodb.QueryInput{KeyConditionExpression: aws.String("PK = :pk"), ConsistentRead: aws.Bool(true),
		ExpressionAttributeValues: item{":pk": text(threadPrefix + thread)}}, func(page []item) bool {
		for _, i := range page {
			all[keyOf(i)] = i
		}
		return true
	})
	return all, err
}

// Head implements chat.Threads.
func (r rooms) Head(ctx context.Context, id string) (chat.Head, error) {
	i, err := r.s.c.get(ctx, threadKey(id))
	if err != nil {
		return chat.Head{}, err
	}
	deleted := i == nil
	if deleted {
		if i, err = r.s.c.get(ctx, tombstoneKey(id)); err != nil {
			return chat.Head{}, err
		}
	}
	if i == nil {
		return chat.Head{}, chat.Missing("threadId", id)
	}
	return chat.Head{ID: id, UserID: owner(i), UserIdentifier: owner(i), LastActivity: activity(i), Deleted: deleted}, nil
}

// DeleteThread implements chat.Threads. The thread goes at once; what is in it
// follows, by a later call of Orphans where this one breaks off.
func (r rooms) DeleteThread(ctx context.Context, id string, w chat.Write) error {
	defer r.s.lock(id)()
	err := r.s.write(ctx, func(t *try) (plan, error) {
		i := r.s.seen.get(threadKey(id))
		if t.guessed = i != nil && !t.fresh; !t.guessed {
			var err error
			if i, err = r.s.c.get(ctx, threadKey(id)); err != nil {
				return plan{}, err
			}
		}
		if i == nil || chat.Allow(w.Actor, owner(i), "") != nil {
			return plan{}, chat.Missing("threadId", id)
		}
		c := condition{}
		c.is(pk, i[pk])
		c.is("userId", i["userId"])
		gone := tombstoneKey(id).attributes()
		gone["deletedAt"] = text(chat.FormatTime(w.Now))
		gone[expires] = number(strconv.FormatInt(w.Now.Add(chat.TombstoneAge+time.Hour).Unix(), 10))
		// Not the index's own attribute would show the tombstone in lists.
		gone["userId"], gone[indexSK] = i["userId"], i[indexSK]
		if i["userId"] == nil {
			delete(gone, "userId")
		}
		return plan{ops: []op{{Delete: &types.Delete{TableName: &r.s.c.table, Key: threadKey(id).attributes(), ConditionExpression: c.expression(),
			ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.given()}}, r.s.replace(gone), r.s.replace(unfinished(id))}}, nil
	})
	if err != nil {
		return err
	}
	return r.s.sweep(ctx, id)
}
