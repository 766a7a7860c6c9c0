package dynamodb

import (
	"context"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// ApplyStep implements chat.Steps.
func (r rooms) ApplyStep(ctx context.Context, p chat.Step, w chat.Write) error {
	defer r.s.lock(p.ThreadID)()
	k := stepKey(p.ThreadID, p.ID)
	return r.s.write(ctx, func(t *try) (plan, error) {
		st, err := r.s.state(ctx, t, likely, p.ThreadID, k)
		if err != nil {
			return plan{}, err
		}
		if err := st.allow(p.ThreadID, "", w); err != nil {
			return plan{}, err
		}
		old, err := r.s.partly(ctx, st.other)
		if err != nil {
			return plan{}, err
		}
		s := chat.MergeStep(stepFound(st, old, p, w), p)
		row := seal(k, stepSays(s), token(), old)
		if r.s.marking {
			markStep(row.item, owner(st.thread), s)
		}
		at, _ := chat.NormalTime(s.CreatedAt)
		touch, thread := r.s.touch(st, p.ThreadID, at, p.ID, w)
		ops := with(touch, r.s.put(row, st.other, spoken(chat.StepFields(), &p, p.Extra)), w)
		return plan{ops, row, dropped(st.other, row.item), []item{thread, row.item}}, nil
	})
}

// with joins what a write does to its thread and to an item in it. Where the
// thread need only be there, nobody acts whose it must be, and the item was
// there, the item alone tells enough: it goes with its thread. That saves the
// price of a transaction, for every growth of a step.
func with(touch []op, do op, w chat.Write) []op {
	if w.Actor == "" && len(touch) == 1 && touch[0].ConditionCheck != nil && do.Update != nil && !movesMark(do.Update) {
		return []op{do}
	}
	return append(touch, do)
}

// movesMark tells whether a change is to the keys of the index, which name the
// thread's owner.
func movesMark(u *types.Update) bool {
	for _, name := range u.ExpressionAttributeNames {
		if name == indexPK || name == indexSK {
			return true
		}
	}
	return false
}

// partly is an item with what it says itself. Of what lies in chunks it has the
// beginning, which is enough for a patch: it replaces whole fields.
func (s *Store) partly(ctx context.Context, i item) (f found, err error) {
	switch f.item = i; {
	case i == nil:
	case members(i[overflow])["metadata"] != nil: // whether it is starred is in them
		f.says, err = s.whole(ctx, i)
	default:
		f.says, _ = unseal(i, func(key) ([]byte, bool) { return nil, false })
	}
	return f, err
}

// stepFound is the step as a patch finds it: new, with the feedback that came
// before it, where there is none.
func stepFound(st state, old found, p chat.Step, w chat.Write) chat.Step {
	if s, ok := stepOf(old.says, p.ThreadID, p.ID); ok && old.item != nil {
		return s
	}
	fresh := chat.NewStep(w.Now)
	fresh.ThreadID = p.ThreadID
	fresh.Feedback = feedbackOf(goValue(st.other["feedback"]), p.ThreadID, p.ID)
	if fresh.Feedback == nil {
		fresh.Feedback = feedbackOf(goValue(members(st.thread[pending])[p.ID]), p.ThreadID, p.ID)
	}
	return fresh
}

// Step implements chat.Steps.
func (r rooms) Step(ctx context.Context, ref chat.Ref) (chat.Step, error) {
	i, err := r.s.c.get(ctx, stepKey(ref.ThreadID, ref.ID))
	if err != nil {
		return chat.Step{}, err
	}
	if i == nil || ref.ThreadID == "" {
		return chat.Step{}, chat.Missing("id", ref.ID)
	}
	says, err := r.s.whole(ctx, i)
	if err != nil {
		return chat.Step{}, err
	}
	s, ok := stepOf(says, ref.ThreadID, ref.ID)
	if !ok {
		return chat.Step{}, chat.Missing("id", ref.ID)
	}
	return s, nil
}

// DeleteStep implements chat.Steps.
func (r rooms) DeleteStep(ctx context.Context, ref chat.Ref, w chat.Write) error {
	if ref.ThreadID == "" {
		return chat.Missing("id", ref.ID)
	}
	defer r.s.lock(ref.ThreadID)()
	all, err := r.s.partition(ctx, ref.ThreadID)
	if err != nil {
		return err
	}
	head, root := all[threadKey(ref.ThreadID)], stepKey(ref.ThreadID, ref.ID)
	if all[root]["createdAt"] == nil || chat.Allow(w.Actor, owner(head), "") != nil {
		return chat.Missing("id", ref.ID)
	}
	// Children go before their parents, so that what breaks off can be repeated.
	ops := r.s.tree(all, root)
	for len(ops) > maxTransact {
		if err := r.s.commit(ctx, ops[:maxTransact]); err != nil {
			return busy(err)
		}
		ops = ops[maxTransact:]
	}
	return busy(r.s.commit(ctx, ops))
}

func busy(err error) error {
	if err == errMoved {
		return errs.Wrap(errs.Conflict, err, "others write the same thing at the same time; try again")
	}
	return err
}

// tree is the removal of a step and what is under it, deepest first.
func (s *Store) tree(all map[key]item, root key) (ops []op) {
	seen := map[key]bool{root: true}
	order := []key{root}
	for n := 0; n < len(order); n++ {
		id := strings.TrimPrefix(order[n].sk, stepPrefix)
		for k, i := range all {
			under := "parentId"
			if strings.HasPrefix(k.sk, elementPrefix) {
				under = "forId"
			} else if !strings.HasPrefix(k.sk, stepPrefix) {
				continue
			}
			if strings.HasPrefix(order[n].sk, stepPrefix) && !seen[k] && stringOf(i[under]) == id {
				seen[k] = true
				order = append(order, k)
			}
		}
	}
	elements := map[string][]key{}
	for n := len(order) - 1; n >= 0; n-- {
		i := all[order[n]]
		if name := stringOf(i["objectKey"]); name != "" && strings.HasPrefix(order[n].sk, elementPrefix) {
			elements[name] = append(elements[name], order[n])
		}
		for _, k := range chunkKeys(i) {
			ops = append(ops, s.remove(k))
		}
		ops = append(ops, s.remove(order[n]))
	}
	for name, keys := range elements {
		ops = append(s.unrefer(name, keys...), ops...)
	}
	return ops
}

// ApplyElement implements chat.Elements.
func (r rooms) ApplyElement(ctx context.Context, p chat.Element, w chat.Write) error {
	defer r.s.lock(p.ThreadID)()
	k := elementKey(p.ThreadID, p.ID)
	return r.s.write(ctx, func(t *try) (plan, error) {
		st, err := r.s.state(ctx, t, likely, p.ThreadID, k)
		if err != nil {
			return plan{}, err
		}
		if err := st.allow(p.ThreadID, "", w); err != nil {
			return plan{}, err
		}
		seen, err := r.s.partly(ctx, st.other)
		if err != nil {
			return plan{}, err
		}
		var old chat.Element
		if st.other != nil {
			old = elementOf(seen.says, p.ThreadID, p.ID)
		}
		row := seal(k, elementSays(chat.MergeElement(old, p)), token(), seen)
		touch, thread := r.s.touch(st, p.ThreadID, "", "", w)
		ops := with(touch, r.s.put(row, st.other, spoken(chat.ElementFields(), &p, p.Extra), "objectKey"), w)
		if p.ObjectKey != "" && p.ObjectKey != old.ObjectKey {
			ops = append(ops, r.s.refer(p.ObjectKey, k)...)
			if old.ObjectKey != "" {
				ops = append(ops, r.s.unrefer(old.ObjectKey, k)...)
			}
		}
		return plan{ops, row, dropped(st.other, row.item), []item{thread, row.item}}, nil
	})
}

// Element implements chat.Elements.
func (r rooms) Element(ctx context.Context, ref chat.Ref) (chat.Element, error) {
	i, err := r.s.c.get(ctx, elementKey(ref.ThreadID, ref.ID))
	if err != nil {
		return chat.Element{}, err
	}
	if i == nil || ref.ThreadID == "" {
		return chat.Element{}, chat.Missing("id", ref.ID)
	}
	says, err := r.s.whole(ctx, i)
	return elementOf(says, ref.ThreadID, ref.ID), err
}

// DeleteElement implements chat.Elements.
func (r rooms) DeleteElement(ctx context.Context, ref chat.Ref, w chat.Write) error {
	if ref.ThreadID == "" {
		return chat.Missing("id", ref.ID)
	}
	defer r.s.lock(ref.ThreadID)()
	k := elementKey(ref.ThreadID, ref.ID)
	return r.s.write(ctx, func(t *try) (plan, error) {
		st, err := r.s.state(ctx, t, certain, ref.ThreadID, k)
		if err != nil {
			return plan{}, err
		}
		if st.other == nil || chat.Allow(w.Actor, owner(st.thread), "") != nil {
			return plan{}, chat.Missing("id", ref.ID)
		}
		c := condition{}
		c.is(pk, st.other[pk])
		c.is("objectKey", st.other["objectKey"])
		ops := []op{{Delete: &types.Delete{TableName: &r.s.c.table, Key: k.attributes(), ConditionExpression: c.expression(),
			ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.given()}}}
		if name := stringOf(st.other["objectKey"]); name != "" {
			ops = append(ops, r.s.unrefer(name, k)...)
		}
		return plan{ops: ops, stale: chunkKeys(st.other)}, nil
	})
}

// ApplyFeedback implements chat.Feedbacks. Feedback for a step that is not
// there waits in the thread's item: Chainlit's reader fails over a step's item
// that has nothing but feedback.
func (r rooms) ApplyFeedback(ctx context.Context, f chat.Feedback, w chat.Write) (string, error) {
	if f.ThreadID == "" {
		return "", errs.Field(errs.NotFound, "forId", "step %q cannot be found without its thread; give threadId", f.ForID)
	}
	defer r.s.lock(f.ThreadID)()
	err := r.s.write(ctx, func(t *try) (plan, error) {
		st, err := r.s.state(ctx, t, certain, f.ThreadID, stepKey(f.ThreadID, f.ForID))
		if err != nil {
			return plan{}, err
		}
		if err := st.allow(f.ThreadID, "", w); err != nil {
			return plan{}, err
		}
		if st.other["createdAt"] == nil {
			return r.s.waits(ctx, st, &f, w)
		}
		if old := feedbackOf(goValue(st.other["feedback"]), f.ThreadID, f.ForID); old != nil {
			f.ID = old.ID
		}
		set, step, err := r.s.setFeedback(ctx, st, &f)
		if err != nil {
			return plan{}, err
		}
		touch, thread := r.s.touch(st, f.ThreadID, "", f.ForID, w)
		return plan{ops: with(touch, set, w), after: []item{thread, step}}, nil
	})
	return f.ID, err
}

// setFeedback changes nothing of a step but its feedback; nil takes it away.
// after is the step as that leaves it.
func (s *Store) setFeedback(ctx context.Context, st state, f *chat.Feedback) (o op, after item, err error) {
	old, err := s.partly(ctx, st.other)
	if err != nil {
		return o, nil, err
	}
	k := keyOf(st.other)
	step, _ := stepOf(old.says, strings.TrimPrefix(k.pk, threadPrefix), strings.TrimPrefix(k.sk, stepPrefix))
	step.Feedback = f
	if after = maps.Clone(st.other); s.marking {
		after = markStep(after, owner(st.thread), step)
	}
	c := condition{}
	c.is(pk, st.other[pk])
	c.is("feedback", st.other["feedback"])
	var set, drop []string
	if f != nil {
		after["feedback"], _ = plain(feedbackSays(*f))
		set = append(set, "feedback = "+c.value(after["feedback"]))
	} else {
		delete(after, "feedback")
		drop = append(drop, "feedback")
	}
	for _, name := range []string{indexPK, indexSK} {
		switch was := st.other[name]; {
		case after[name] == nil && was != nil:
			drop = append(drop, name)
		case after[name] != nil && !same(after[name], was):
			set = append(set, name+" = "+c.value(after[name]))
		default:
			continue
		}
		c.is(name, st.other[name])
	}
	return op{Update: &types.Update{TableName: &s.c.table, Key: k.attributes(), UpdateExpression: update(set, drop),
		ConditionExpression: c.expression(), ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.given()}}, after, nil
}

func (s *Store) waits(ctx context.Context, st state, f *chat.Feedback, w chat.Write) (plan, error) {
	t := chat.Thread{ID: f.ThreadID, CreatedAt: chat.FormatTime(w.Now), LastActivity: chat.FormatTime(w.Now), Metadata: chat.Object{}}
	waiting := map[string]any{}
	was, err := s.threadFound(ctx, st)
	if err != nil {
		return plan{}, err
	}
	if st.thread != nil {
		t = threadOf(st.thread, was.says)
		if m, ok := was.says[pending].(map[string]any); ok {
			waiting = maps.Clone(m)
		}
	}
	if old := feedbackOf(waiting[f.ForID], f.ThreadID, f.ForID); old != nil {
		f.ID = old.ID
	}
	waiting[f.ForID] = feedbackSays(*f)
	out := s.putThread(threadItem(t, waiting, was), st, f.ThreadID, nil)
	out.ops = append(out.ops, s.replace(waitItem(f.ThreadID, f.ForID, owner(st.thread), f)))
	return out, nil
}

// DeleteFeedback implements chat.Feedbacks.
func (r rooms) DeleteFeedback(ctx context.Context, ref chat.Ref, w chat.Write) error {
	thread, step, ok := stepOfFeedback(ref.ID, ref.ThreadID)
	if !ok && ref.ThreadID != "" {
		all, err := r.s.partition(ctx, ref.ThreadID)
		if err != nil {
			return err
		}
		for k, i := range all {
			id, isStep := strings.CutPrefix(k.sk, stepPrefix)
			if isStep && stringOf(members(i["feedback"])[feedbackID]) == ref.ID {
				thread, step, ok = ref.ThreadID, id, true
			}
		}
	}
	if !ok {
		return chat.Missing("id", ref.ID)
	}
	defer r.s.lock(thread)()
	return r.s.write(ctx, func(t *try) (plan, error) {
		st, err := r.s.state(ctx, t, certain, thread, stepKey(thread, step))
		if err != nil {
			return plan{}, err
		}
		if st.other["feedback"] == nil || chat.Allow(w.Actor, owner(st.thread), "") != nil {
			return plan{}, chat.Missing("id", ref.ID)
		}
		set, after, err := r.s.setFeedback(ctx, st, nil)
		if err != nil {
			return plan{}, err
		}
		return plan{ops: []op{set}, after: []item{after}}, nil
	})
}
