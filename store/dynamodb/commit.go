package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/varvedb/varve/errs"
)

type op = types.TransactWriteItem

// condition is an expression with its names and values.
type condition struct {
	text   []string
	names  map[string]string
	values item
}

func (c *condition) is(name string, v value) {
	n := c.name(name)
	if v == nil {
		c.text = append(c.text, fmt.Sprintf("attribute_not_exists(%s)", n))
		return
	}
	c.text = append(c.text, fmt.Sprintf("%s = %s", n, c.value(v)))
}

func (c *condition) name(name string) string {
	if c.names == nil {
		c.names, c.values = map[string]string{}, item{}
	}
	n := fmt.Sprintf("#n%d", len(c.names))
	c.names[n] = name
	return n
}

func (c *condition) value(v value) string {
	at := fmt.Sprintf(":v%d", len(c.values))
	c.values[at] = v
	return at
}

func (c *condition) expression() *string { return aws.String(strings.Join(c.text, " AND ")) }

func (c *condition) given() item {
	if len(c.values) == 0 {
		return nil
	}
	return c.values
}

// put writes a row in the place of the item that was seen, nil for none. What
// names tells apart is written whatever it was; all else only under the
// condition that it is as it was seen, and so are the attributes in guard.
// Attributes that stay the same are not written: another layer may change them
// at the same time.
func (s *Store) put(r row, seen item, names map[string]bool, guard ...string) op {
	r.item[version] = text(token())
	c := condition{}
	c.is(pk, seen[pk])
	if seen == nil {
		return op{Put: &types.Put{TableName: &s.c.table, Item: r.item, ConditionExpression: c.expression(), ExpressionAttributeNames: c.names}}
	}
	guarded := map[string]bool{version: true}
	for _, name := range guard {
		guarded[name] = true
	}
	var set, drop []string
	for name, v := range r.item {
		was, is := seen[name]
		if name == pk || name == sk || is && same(was, v) && !names[name] {
			continue
		}
		guarded[name] = guarded[name] || !names[name]
		set = append(set, c.name(name)+" = "+c.value(v))
	}
	for name := range seen {
		if r.item[name] == nil {
			guarded[name] = true
			drop = append(drop, c.name(name))
		}
	}
	for name := range guarded {
		if guarded[name] {
			c.is(name, seen[name])
		}
	}
	return op{Update: &types.Update{TableName: &s.c.table, Key: keyOf(r.item).attributes(), UpdateExpression: update(set, drop),
		ConditionExpression: c.expression(), ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.given()}}
}

// update is the expression of a change.
func update(set, drop []string) *string {
	var parts []string
	if len(set) > 0 {
		parts = append(parts, "SET "+strings.Join(set, ", "))
	}
	if len(drop) > 0 {
		parts = append(parts, "REMOVE "+strings.Join(drop, ", "))
	}
	return aws.String(strings.Join(parts, " "))
}

func (s *Store) check(k key, c condition) op {
	return op{ConditionCheck: &types.ConditionCheck{TableName: &s.c.table, Key: k.attributes(), ConditionExpression: c.expression(),
		ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.given()}}
}

// replace writes and remove deletes an item whatever is there.
func (s *Store) replace(i item) op { return op{Put: &types.Put{TableName: &s.c.table, Item: i}} }

func (s *Store) remove(k key) op {
	return op{Delete: &types.Delete{TableName: &s.c.table, Key: k.attributes()}}
}

// commit does all of ops or nothing; errMoved when a condition does not hold.
func (s *Store) commit(ctx context.Context, ops []op) (err error) {
	defer func() {
		for _, o := range ops {
			if err != nil || o.ConditionCheck == nil {
				s.seen.forget(subject(o))
			}
		}
	}()
	if len(ops) == 1 {
		return s.single(ctx, ops[0])
	}
	out, err := s.c.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: ops, ReturnConsumedCapacity: total})
	if err != nil {
		return s.c.failed("TransactWriteItems", err)
	}
	s.c.note(ctx, "TransactWriteItems", len(ops), out.ConsumedCapacity...)
	return nil
}

// single does one write without the price of a transaction, which is double.
func (s *Store) single(ctx context.Context, o op) error {
	name := "PutItem"
	var used *types.ConsumedCapacity
	var err error
	switch {
	case o.Put != nil:
		var out *dynamodb.PutItemOutput
		if out, err = s.c.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: o.Put.TableName, Item: o.Put.Item, ConditionExpression: o.Put.ConditionExpression,
			ExpressionAttributeNames: o.Put.ExpressionAttributeNames, ExpressionAttributeValues: o.Put.ExpressionAttributeValues, ReturnConsumedCapacity: total}); err == nil {
			used = out.ConsumedCapacity
		}
	case o.Update != nil:
		name = "UpdateItem"
		var out *dynamodb.UpdateItemOutput
		if out, err = s.c.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: o.Update.TableName, Key: o.Update.Key, UpdateExpression: o.Update.UpdateExpression,
			ConditionExpression: o.Update.ConditionExpression, ExpressionAttributeNames: o.Update.ExpressionAttributeNames,
			ExpressionAttributeValues: o.Update.ExpressionAttributeValues, ReturnConsumedCapacity: total}); err == nil {
			used = out.ConsumedCapacity
		}
	default:
		name = "DeleteItem"
		var out *dynamodb.DeleteItemOutput
		if out, err = s.c.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: o.Delete.TableName, Key: o.Delete.Key, ConditionExpression: o.Delete.ConditionExpression,
			ExpressionAttributeNames: o.Delete.ExpressionAttributeNames, ExpressionAttributeValues: o.Delete.ExpressionAttributeValues, ReturnConsumedCapacity: total}); err == nil {
			used = out.ConsumedCapacity
		}
	}
	if err != nil {
		return s.c.failed(name, err)
	}
	s.c.note(ctx, name, 1, one(used)...)
	return nil
}

// plan is what a write makes of the state it found.
type plan struct {
	ops   []op
	row   row    // whose chunks are laid before ops
	stale []key  // chunks that nothing names after ops
	after []item // as ops leave them
}

// try is one attempt of a write. The first goes by what this process saw last.
type try struct {
	fresh   bool // read the state as it is
	guessed bool // the state was not read
}

// write does what fn makes of the present state, anew while that moves.
func (s *Store) write(ctx context.Context, fn func(*try) (plan, error)) error {
	var t try
	for wait := (backoff{}); ; {
		p, err := fn(&t)
		if err == nil && len(p.ops) > 0 {
			err = s.done(ctx, p)
		}
		if err == nil {
			return nil
		}
		if t.guessed { // it may have been about another state
			t = try{fresh: true}
			if ctx.Err() == nil && (len(p.ops) == 0 || errors.Is(err, errMoved)) {
				continue
			}
		}
		switch {
		case errors.Is(err, errMoved):
			err = errs.Wrap(errs.Conflict, err, "others write the same thing at the same time; try again")
		case !errors.Is(err, errThrottled):
			return err
		}
		if gaveUp := wait.next(ctx); ctx.Err() != nil {
			return gaveUp
		} else if gaveUp != nil {
			return err
		}
	}
}

// done lays what a plan needs, commits it, and remembers what came of it.
func (s *Store) done(ctx context.Context, p plan) error {
	err := s.lay(ctx, p.row)
	if err == nil {
		err = s.commit(ctx, p.ops)
	}
	s.settle(ctx, p, err)
	if err == nil {
		for _, i := range p.after {
			s.seen.keep(i)
		}
	}
	return err
}

// subject is the place of the item that an operation is about.
func subject(o op) key {
	switch {
	case o.Put != nil:
		return keyOf(o.Put.Item)
	case o.Update != nil:
		return keyOf(o.Update.Key)
	case o.Delete != nil:
		return keyOf(o.Delete.Key)
	}
	return keyOf(o.ConditionCheck.Key)
}
