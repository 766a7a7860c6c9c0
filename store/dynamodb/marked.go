package dynamodb

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// A step that is starred or judged stands in the index, in a partition for each
// user that Chainlit's layer never asks for. What that layer itself writes does
// not stand there: the partition is read only where nobody else writes to the
// table and the doctor has added what was there before.

// The flags of a marked step, which its key in the index begins with.
const (
	flagStar = "S"
	flagUp   = "1"
	flagDown = "0"
)

// completeKey is the note that every step that was in the table is marked.
var completeKey = key{"VARVE#TABLE", "MARKED"}

func markedPartition(user string) value { return text(markedPrefix + user) }

// flagsOf are those of a step, or of feedback that waits for one.
func flagsOf(favorite bool, f *chat.Feedback) string {
	flags := ""
	if favorite {
		flags = flagStar
	}
	if f != nil {
		flags += []string{flagDown, flagUp}[f.Value&1]
	}
	return flags
}

// marked gives an item its keys in the index, or takes them away.
func marked(i item, owner, flags, at string) item {
	delete(i, indexPK)
	delete(i, indexSK)
	if owner != "" && flags != "" {
		i[indexPK], i[indexSK] = markedPartition(owner), text(flags+"#"+timePrefix+at)
	}
	return i
}

// markStep is marked for a step's item with all that it says.
func markStep(i item, owner string, s chat.Step) item {
	return marked(i, owner, flagsOf(s.Favorite(), s.Feedback), s.CreatedAt)
}

// waitKey is the place of feedback that waits for its step. The feedback itself
// is in the thread's item; this only marks it.
func waitKey(thread, step string) key { return key{threadPrefix + thread, waitPrefix + step} }

func waitItem(thread, step, owner string, f *chat.Feedback) item {
	return marked(waitKey(thread, step).attributes(), owner, flagsOf(false, f), "")
}

// markedKeys are the marked items of a user with a flag.
func (s *Store) markedKeys(ctx context.Context, user, flag string) (keys []key, err error) {
	err = s.c.query(ctx, dynamodb.QueryInput{IndexName: aws.String(index), KeyConditionExpression: aws.String("UserThreadPK = :pk"),
		ExpressionAttributeValues: item{":pk": markedPartition(user)}}, func(page []item) bool {
		for _, i := range page {
			flags, _, _ := strings.Cut(stringOf(i[indexSK]), "#")
			if strings.Contains(flags, flag) {
				keys = append(keys, keyOf(i))
			}
		}
		return true
	})
	return keys, err
}

// markedFavorites reads the starred steps by the index, with their threads: one
// that was deleted or given away may stand there a moment longer.
func (s *Store) markedFavorites(ctx context.Context, user string) (steps []chat.Step, err error) {
	keys, err := s.markedKeys(ctx, user, flagStar)
	if err != nil {
		return nil, err
	}
	ask, threads := slices.Clone(keys), map[string]bool{}
	for _, k := range keys {
		if thread := strings.TrimPrefix(k.pk, threadPrefix); !threads[thread] {
			threads[thread] = true
			ask = append(ask, threadKey(thread))
		}
	}
	all, err := s.c.gets(ctx, ask, true)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		thread := strings.TrimPrefix(k.pk, threadPrefix)
		id, isStep := strings.CutPrefix(k.sk, stepPrefix)
		if all[k] == nil || !isStep || owner(all[threadKey(thread)]) != user {
			continue
		}
		says, err := s.whole(ctx, all[k])
		if err != nil {
			return nil, err
		}
		if step, ok := stepOf(says, thread, id); ok && step.Favorite() {
			steps = append(steps, step)
		}
	}
	return steps, nil
}

// markedThreads is a page of the threads with a verdict, by the index.
func (s *Store) markedThreads(ctx context.Context, q chat.ThreadQuery) (page []chat.Thread, err error) {
	keys, err := s.markedKeys(ctx, q.UserID, []string{flagDown, flagUp}[*q.Feedback&1])
	if err != nil {
		return nil, err
	}
	seen := map[key]bool{}
	var heads []key
	for _, k := range keys {
		if head := (key{k.pk, threadSK}); !seen[head] {
			seen[head] = true
			heads = append(heads, head)
		}
	}
	all, err := s.c.gets(ctx, heads, true)
	if err != nil {
		return nil, err
	}
	var threads []chat.Thread
	for _, i := range all {
		if owner(i) != q.UserID {
			continue
		}
		says, err := s.whole(ctx, i)
		if err != nil {
			return nil, err
		}
		if t := threadOf(i, says); after(t, q.After) {
			threads = append(threads, t)
		}
	}
	slices.SortFunc(threads, func(a, b chat.Thread) int {
		return cmp.Or(cmp.Compare(b.LastActivity, a.LastActivity), cmp.Compare(b.ID, a.ID))
	})
	for q.Feedback = nil; len(page) < q.Limit && len(threads) > 0; { // only the text is left to look for
		part := threads[:min(len(threads), fan)]
		threads = threads[len(part):]
		found, err := s.matching(ctx, part, q)
		if err != nil {
			return nil, err
		}
		page = append(page, found...)
	}
	return page[:min(len(page), q.Limit)], nil
}

// remark brings the marks of a thread under its owner.
func (s *Store) remark(ctx context.Context, all map[key]item, thread string) error {
	head := all[threadKey(thread)]
	var ops []op
	for k, i := range all {
		id, isStep := strings.CutPrefix(k.sk, stepPrefix)
		if !isStep {
			continue
		}
		says, err := s.among(ctx, all, i)
		if err != nil {
			return err
		}
		if step, ok := stepOf(says, thread, id); ok {
			ops = append(ops, s.remarked(k, i, owner(head), flagsOf(step.Favorite(), step.Feedback), step.CreatedAt)...)
		}
	}
	for id, v := range members(head[pending]) {
		k := waitKey(thread, id)
		ops = append(ops, s.remarked(k, all[k], owner(head), flagsOf(false, feedbackOf(goValue(v), thread, id)), "")...)
	}
	for part := range slices.Chunk(ops, maxTransact-1) {
		c := condition{}
		c.is(pk, head[pk])
		c.is("userId", head["userId"])
		if err := s.commit(ctx, append([]op{s.check(threadKey(thread), c)}, part...)); err != nil {
			return busy(err)
		}
	}
	return nil
}

// remarked gives an item other keys in the index, where it needs them.
func (s *Store) remarked(k key, i item, owner, flags, at string) []op {
	want := marked(item{}, owner, flags, at)
	if same(want[indexPK], i[indexPK]) && same(want[indexSK], i[indexSK]) {
		return nil
	}
	c := condition{}
	c.is(pk, i[pk])
	c.is(indexSK, i[indexSK])
	change := "REMOVE UserThreadPK, UserThreadSK"
	if want[indexPK] != nil {
		change = "SET UserThreadPK = " + c.value(want[indexPK]) + ", UserThreadSK = " + c.value(want[indexSK])
	}
	return []op{{Update: &types.Update{TableName: &s.c.table, Key: k.attributes(), UpdateExpression: &change,
		ConditionExpression: c.expression(), ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.given()}}}
}

// complete tells whether the doctor has marked what was in the table.
func (s *Store) complete(ctx context.Context) (bool, error) {
	i, err := s.c.get(ctx, completeKey)
	return i != nil, err
}

// markAll marks all that is in the table, and notes that.
func (s *Store) markAll(ctx context.Context) error {
	var threads []string
	err := s.c.scan(ctx, func(items []item) {
		for _, i := range items {
			if k := keyOf(i); k.sk == threadSK && strings.HasPrefix(k.pk, threadPrefix) {
				threads = append(threads, strings.TrimPrefix(k.pk, threadPrefix))
			}
		}
	})
	if err != nil {
		return err
	}
	err = each(ctx, len(threads), func(ctx context.Context, n int) error {
		return s.markThread(ctx, threads[n])
	})
	if err != nil {
		return err
	}
	return s.c.batch(ctx, []types.WriteRequest{putRequest(completeKey.attributes())})
}

// markThread marks what is in a thread, again while others write to it.
func (s *Store) markThread(ctx context.Context, thread string) error {
	for wait := (backoff{}); ; {
		all, err := s.partition(ctx, thread)
		if err != nil {
			return err
		}
		if all[threadKey(thread)] == nil {
			return nil
		}
		if err = s.remark(ctx, all, thread); errs.KindOf(err) != errs.Conflict {
			return err
		}
		if err := wait.next(ctx); err != nil {
			return err
		}
	}
}
