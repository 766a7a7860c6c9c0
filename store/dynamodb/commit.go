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

// put writes an item in the place of the one that was seen, nil for none. guard
// names the attributes that another layer writes without telling.
func (s *Store) put(i, seen item, guard ...string) op {
	c := condition{}
	if seen == nil {
		c.is(pk, nil)
	} else {
		c.is(pk, seen[pk])
		for _, name := range append(guard, version) {
			c.is(name, seen[name])
		}
	}
	i[version] = text(token())
	return op{Put: &types.Put{TableName: &s.c.table, Item: i, ConditionExpression: c.expression(),
		ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.given()}}
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
func (s *Store) commit(ctx context.Context, ops []op) error {
	if len(ops) == 1 && ops[0].Put != nil {
		p := ops[0].Put
		out, err := s.c.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: p.TableName, Item: p.Item, ConditionExpression: p.ConditionExpression,
			ExpressionAttributeNames: p.ExpressionAttributeNames, ExpressionAttributeValues: p.ExpressionAttributeValues, ReturnConsumedCapacity: total})
		if err != nil {
			return s.c.failed("PutItem", err)
		}
		s.c.note(ctx, "PutItem", 1, one(out.ConsumedCapacity)...)
		return nil
	}
	out, err := s.c.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: ops, ReturnConsumedCapacity: total})
	if err != nil {
		return s.c.failed("TransactWriteItems", err)
	}
	s.c.note(ctx, "TransactWriteItems", len(ops), out.ConsumedCapacity...)
	return nil
}

// plan is what a write makes of the state it found.
type plan struct {
	ops   []op
	row   row   // whose chunks are laid before ops
	stale []key // chunks that nothing names after ops
}

// write does what fn makes of the present state, anew while that moves.
func (s *Store) write(ctx context.Context, fn func() (plan, error)) error {
	for wait := (backoff{}); ; {
		p, err := fn()
		if err != nil || len(p.ops) == 0 {
			return err
		}
		if err = s.lay(ctx, p.row); err == nil {
			err = s.commit(ctx, p.ops)
		}
		s.settle(ctx, p, err)
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
