package dynamodb

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/varvedb/varve/chat"
)

// Threads implements chat.Threads. A page of a user's is one query of the
// index and one reading of its threads; search and feedback read the steps of
// each thread until the page is full. Everybody's threads need a scan.
func (r rooms) Threads(ctx context.Context, q chat.ThreadQuery) ([]chat.Thread, error) {
	if q.UserID == "" {
		return r.s.everybody(ctx, q)
	}
	if q.Feedback != nil && r.s.indexed {
		return r.s.markedThreads(ctx, q)
	}
	w := &walk{s: r.s, q: q}
	in := dynamodb.QueryInput{IndexName: aws.String(index), ScanIndexForward: aws.Bool(false), KeyConditionExpression: aws.String("UserThreadPK = :pk"),
		ExpressionAttributeValues: item{":pk": text(userPrefix + q.UserID)}}
	if q.Search == "" && q.Feedback == nil {
		in.Limit = aws.Int32(int32(q.Limit + 1)) // one more shows whether the last has others of its time
	}
	if q.After != nil {
		in.KeyConditionExpression = aws.String("UserThreadPK = :pk AND UserThreadSK <= :sk")
		in.ExpressionAttributeValues[":sk"] = text(timePrefix + q.After.LastActivity)
	}
	err := r.s.c.query(ctx, in, func(items []item) bool { return w.page(ctx, items) })
	if err == nil && w.err == nil && len(w.tied) > 0 {
		w.flush(ctx)
	}
	if err != nil || w.err != nil {
		return nil, cmp.Or(err, w.err)
	}
	return w.found[:min(len(w.found), q.Limit)], nil
}

// walk goes down the index. Threads of one time come in no order, so they are
// held until all of them are there.
type walk struct {
	s     *Store
	q     chat.ThreadQuery
	at    string
	tied  []entry
	ready []entry
	found []chat.Thread
	err   error
}

type entry struct{ id, at string }

func (w *walk) page(ctx context.Context, items []item) (more bool) {
	for _, i := range items {
		e := entry{strings.TrimPrefix(stringOf(i[pk]), threadPrefix), activity(i)}
		if stringOf(i[sk]) != threadSK {
			continue
		}
		if e.at != w.at {
			w.untie()
			w.at = e.at
		}
		w.tied = append(w.tied, e)
	}
	if len(w.ready) < w.q.Limit && w.q.Search == "" && w.q.Feedback == nil {
		return true
	}
	return w.load(ctx)
}

// untie puts the threads of one time in their order and takes those after the
// place that was asked for.
func (w *walk) untie() {
	slices.SortFunc(w.tied, func(a, b entry) int { return cmp.Compare(b.id, a.id) })
	for _, e := range w.tied {
		if w.q.After == nil || e.at < w.q.After.LastActivity || e.id < w.q.After.ID {
			w.ready = append(w.ready, e)
		}
	}
	w.tied = nil
}

func (w *walk) flush(ctx context.Context) {
	w.untie()
	w.load(ctx)
}

// load reads the threads that are ready, and keeps those that are looked for.
func (w *walk) load(ctx context.Context) (more bool) {
	ready := w.ready
	if w.q.Search == "" && w.q.Feedback == nil {
		ready = ready[:min(len(ready), w.q.Limit-len(w.found))]
	}
	w.ready = nil
	var keys []key
	for _, e := range ready {
		keys = append(keys, threadKey(e.id))
	}
	items, err := w.s.c.gets(ctx, keys, true)
	if err != nil {
		w.err = err
		return false
	}
	var threads []chat.Thread
	for _, e := range ready {
		i := items[threadKey(e.id)]
		if i == nil || owner(i) != w.q.UserID {
			continue // the index lags behind
		}
		says, err := w.s.whole(ctx, i)
		if err != nil {
			w.err = err
			return false
		}
		t := threadOf(i, says)
		t.LastActivity = e.at // the order is the index's
		threads = append(threads, t)
	}
	for part := range slices.Chunk(threads, fan) {
		found, err := w.s.matching(ctx, part, w.q)
		if err != nil {
			w.err = err
			return false
		}
		if w.found = append(w.found, found...); len(w.found) >= w.q.Limit {
			return false
		}
	}
	return true
}

// matching are those of the threads that are looked for.
func (s *Store) matching(ctx context.Context, threads []chat.Thread, q chat.ThreadQuery) (found []chat.Thread, err error) {
	ok := make([]bool, len(threads))
	err = each(ctx, len(threads), func(ctx context.Context, i int) (err error) {
		ok[i], err = s.matches(ctx, threads[i], q)
		return err
	})
	for i, t := range threads {
		if ok[i] {
			found = append(found, t)
		}
	}
	return found, err
}

// matches looks into the steps of a thread where the question needs it.
func (s *Store) matches(ctx context.Context, t chat.Thread, q chat.ThreadQuery) (bool, error) {
	named := q.Search == "" || strings.Contains(chat.Fold(t.Name), chat.Fold(q.Search))
	if named && q.Feedback == nil {
		return true, nil
	}
	all, err := s.partition(ctx, t.ID)
	if err != nil {
		return false, err
	}
	m, v := mentions(all, t.ID, q)
	return (named || m) && (q.Feedback == nil || v), nil
}

// mentions tells whether a thread's steps have the text and the verdict.
func mentions(all map[key]item, thread string, q chat.ThreadQuery) (mentioned, judged bool) {
	folded := chat.Fold(q.Search)
	waiting := all[threadKey(thread)][pending]
	judge := func(v value) {
		n, _ := goValue(members(v)["value"]).(json.Number)
		judged = judged || q.Feedback != nil && n != "" && (*q.Feedback == 1) == sameNumber(n.String(), "1")
	}
	for id, v := range members(waiting) {
		if all[stepKey(thread, id)] == nil {
			judge(v)
		}
	}
	for k, i := range all {
		if k.pk != threadPrefix+thread || !strings.HasPrefix(k.sk, stepPrefix) {
			continue
		}
		judge(i["feedback"])
		if q.Search != "" && !mentioned {
			says, _ := unseal(i, func(k key) ([]byte, bool) { return partOf(all[k]) })
			var output string
			setField(&output, says["output"])
			mentioned = strings.Contains(chat.Fold(output), folded)
		}
	}
	return mentioned, judged
}

// everybody lists without an owner, for callers that may see all.
func (s *Store) everybody(ctx context.Context, q chat.ThreadQuery) (found []chat.Thread, err error) {
	threads := map[string]map[key]item{}
	err = s.c.scan(ctx, func(items []item) {
		for _, i := range items {
			k := keyOf(i)
			if id, ok := strings.CutPrefix(k.pk, threadPrefix); ok {
				if threads[id] == nil {
					threads[id] = map[key]item{}
				}
				if k.sk == threadSK || q.Search != "" || q.Feedback != nil {
					threads[id][k] = i
				}
			}
		}
	})
	for id, all := range threads {
		head := all[threadKey(id)]
		if head == nil {
			continue
		}
		says, _ := unseal(head, func(k key) ([]byte, bool) { return partOf(all[k]) })
		t := threadOf(head, says)
		m, v := mentions(all, id, q)
		m = m || q.Search == "" || strings.Contains(chat.Fold(t.Name), chat.Fold(q.Search))
		if m && (v || q.Feedback == nil) && after(t, q.After) {
			found = append(found, t)
		}
	}
	slices.SortFunc(found, func(a, b chat.Thread) int {
		return cmp.Or(cmp.Compare(b.LastActivity, a.LastActivity), cmp.Compare(b.ID, a.ID))
	})
	return found[:min(len(found), q.Limit)], err
}

func after(t chat.Thread, p *chat.Place) bool {
	return p == nil || t.LastActivity < p.LastActivity || t.LastActivity == p.LastActivity && t.ID < p.ID
}

// Favorites implements chat.Steps. Where the index has them they cost two
// requests; else every thread of the user is asked.
func (r rooms) Favorites(ctx context.Context, userID string) (steps []chat.Step, err error) {
	if r.s.indexed {
		steps, err = r.s.markedFavorites(ctx, userID)
	} else {
		steps, err = r.s.everyFavorite(ctx, userID)
	}
	slices.SortFunc(steps, func(a, b chat.Step) int {
		return cmp.Or(cmp.Compare(b.CreatedAt, a.CreatedAt), cmp.Compare(a.ThreadID, b.ThreadID), cmp.Compare(a.ID, b.ID))
	})
	return steps, err
}

func (s *Store) everyFavorite(ctx context.Context, user string) (steps []chat.Step, err error) {
	var threads []string
	err = s.c.query(ctx, dynamodb.QueryInput{IndexName: aws.String(index), KeyConditionExpression: aws.String("UserThreadPK = :pk"),
		ExpressionAttributeValues: item{":pk": text(userPrefix + user)}}, func(page []item) bool {
		for _, i := range page {
			threads = append(threads, strings.TrimPrefix(stringOf(i[pk]), threadPrefix))
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	found := make([][]chat.Step, len(threads))
	err = each(ctx, len(threads), func(ctx context.Context, n int) (err error) {
		found[n], err = s.favoritesIn(ctx, threads[n])
		return err
	})
	return slices.Concat(found...), err
}

func (s *Store) favoritesIn(ctx context.Context, thread string) (steps []chat.Step, err error) {
	var items []item
	err = s.c.query(ctx, dynamodb.QueryInput{KeyConditionExpression: aws.String("PK = :pk AND begins_with(SK, :sk)"), ConsistentRead: aws.Bool(true),
		FilterExpression:          aws.String("metadata.favorite = :true OR attribute_exists(varveOverflow.metadata)"),
		ExpressionAttributeValues: item{":pk": text(threadPrefix + thread), ":sk": text(stepPrefix), ":true": boolean(true)}},
		func(page []item) bool {
			items = append(items, page...)
			return true
		})
	for _, i := range items {
		says, err := s.whole(ctx, i)
		if err != nil {
			return nil, err
		}
		if step, ok := stepOf(says, thread, strings.TrimPrefix(stringOf(i[sk]), stepPrefix)); ok && step.Favorite() {
			steps = append(steps, step)
		}
	}
	return steps, err
}

// Place implements chat.Placer: Chainlit's layer hands out DynamoDB's own key.
func (rooms) Place(cursor string) (chat.Place, string, bool) {
	var at map[string]struct{ S string }
	if json.Unmarshal([]byte(cursor), &at) != nil {
		return chat.Place{}, "", false
	}
	id, ok1 := strings.CutPrefix(at[pk].S, threadPrefix)
	user, ok2 := strings.CutPrefix(at[indexPK].S, userPrefix)
	last, ok3 := strings.CutPrefix(at[indexSK].S, timePrefix)
	return chat.Place{LastActivity: last, ID: id}, user, ok1 && ok2 && ok3
}

// Users implements chat.Users. The table has no index of users: it is read
// whole.
func (r rooms) Users(ctx context.Context, after string, limit int) (found []chat.User, err error) {
	err = r.s.c.scan(ctx, func(items []item) {
		for _, i := range items {
			identifier, ok := strings.CutPrefix(stringOf(i[pk]), userPrefix)
			if ok && stringOf(i[sk]) == userSK && identifier > after {
				found = append(found, userOf(i, identifier))
			}
		}
	})
	slices.SortFunc(found, func(a, b chat.User) int { return cmp.Compare(a.Identifier, b.Identifier) })
	return found[:min(len(found), limit)], err
}
