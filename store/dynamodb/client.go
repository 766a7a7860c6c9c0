package dynamodb

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/varvedb/varve/errs"
)

// client sends requests for one table. Every answer is one line in the log
// with the operation and what it consumed, and nothing of what was in it.
type client struct {
	db    *dynamodb.Client
	table string
	log   *slog.Logger
}

// Limits of single requests.
const (
	maxBatchGet   = 100
	maxBatchWrite = 25
	maxTransact   = 100
)

const total = types.ReturnConsumedCapacityTotal

func (c *client) note(ctx context.Context, operation string, items int, used ...types.ConsumedCapacity) {
	if !c.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	units := 0.0
	for _, u := range used {
		units += aws.ToFloat64(u.CapacityUnits)
	}
	c.log.DebugContext(ctx, "request", "operation", operation, "items", items, "capacity", units)
}

func one(c *types.ConsumedCapacity) []types.ConsumedCapacity {
	if c == nil {
		return nil
	}
	return []types.ConsumedCapacity{*c}
}

// get reads one item as it is now; nil when there is none.
func (c *client) get(ctx context.Context, k key) (item, error) {
	if !k.fits() {
		return nil, nil
	}
	out, err := c.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &c.table, Key: k.attributes(),
		ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: total})
	if err != nil {
		return nil, c.failed("GetItem", err)
	}
	c.note(ctx, "GetItem", 1, one(out.ConsumedCapacity)...)
	if len(out.Item) == 0 {
		return nil, nil
	}
	return out.Item, nil
}

// gets reads many items; those that are missing are not in the answer.
func (c *client) gets(ctx context.Context, keys []key, consistent bool) (map[key]item, error) {
	found := make(map[key]item, len(keys))
	for len(keys) > 0 {
		part := keys[:min(len(keys), maxBatchGet)]
		keys = keys[len(part):]
		ask := types.KeysAndAttributes{ConsistentRead: &consistent}
		for _, k := range part {
			ask.Keys = append(ask.Keys, k.attributes())
		}
		if err := c.getBatch(ctx, ask, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (c *client) getBatch(ctx context.Context, ask types.KeysAndAttributes, found map[key]item) error {
	for wait := (backoff{}); len(ask.Keys) > 0; {
		out, err := c.db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{ReturnConsumedCapacity: total,
			RequestItems: map[string]types.KeysAndAttributes{c.table: ask}})
		if err != nil {
			return c.failed("BatchGetItem", err)
		}
		c.note(ctx, "BatchGetItem", len(ask.Keys), out.ConsumedCapacity...)
		for _, i := range out.Responses[c.table] {
			found[keyOf(i)] = i
		}
		rest := out.UnprocessedKeys[c.table].Keys
		if len(rest) == 0 {
			return nil
		}
		ask.Keys = rest
		if err := wait.next(ctx); err != nil {
			return err
		}
	}
	return nil
}

// query hands out items page by page until each says stop or there are no
// more.
func (c *client) query(ctx context.Context, in dynamodb.QueryInput, each func([]item) (more bool)) error {
	in.TableName, in.ReturnConsumedCapacity = &c.table, total
	for {
		out, err := c.db.Query(ctx, &in)
		if err != nil {
			return c.failed("Query", err)
		}
		c.note(ctx, "Query", len(out.Items), one(out.ConsumedCapacity)...)
		if !each(out.Items) || len(out.LastEvaluatedKey) == 0 {
			return nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// scan hands out every item of the table, page by page.
func (c *client) scan(ctx context.Context, each func([]item)) error {
	in := &dynamodb.ScanInput{TableName: &c.table, ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: total}
	for {
		out, err := c.db.Scan(ctx, in)
		if err != nil {
			return c.failed("Scan", err)
		}
		c.note(ctx, "Scan", len(out.Items), one(out.ConsumedCapacity)...)
		each(out.Items)
		if len(out.LastEvaluatedKey) == 0 {
			return nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// batch writes without conditions, and again what was not done.
func (c *client) batch(ctx context.Context, writes []types.WriteRequest) error {
	for len(writes) > 0 {
		part := writes[:min(len(writes), maxBatchWrite)]
		writes = writes[len(part):]
		for wait := (backoff{}); len(part) > 0; {
			out, err := c.db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{ReturnConsumedCapacity: total,
				RequestItems: map[string][]types.WriteRequest{c.table: part}})
			if err != nil {
				return c.failed("BatchWriteItem", err)
			}
			c.note(ctx, "BatchWriteItem", len(part), out.ConsumedCapacity...)
			if part = out.UnprocessedItems[c.table]; len(part) == 0 {
				break
			}
			if err := wait.next(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func putRequest(i item) types.WriteRequest {
	return types.WriteRequest{PutRequest: &types.PutRequest{Item: i}}
}

func deleteRequest(k key) types.WriteRequest {
	return types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: k.attributes()}}
}

// backoff waits longer each time, with jitter, and gives up after maxTries.
type backoff struct{ tries int }

const (
	maxTries  = 12
	firstWait = 20 * time.Millisecond
	longest   = 2 * time.Second
)

// delay is how long to wait before a try.
func delay(try int) time.Duration {
	ceiling := min(firstWait<<min(try, 10), longest)
	return ceiling/2 + rand.N(ceiling/2)
}

func (b *backoff) next(ctx context.Context) error {
	if b.tries++; b.tries == maxTries {
		return errs.New(errs.Unavailable, "DynamoDB left a part undone %d times: the table's capacity is spent; raise it, or use on-demand billing", maxTries)
	}
	t := time.NewTimer(delay(b.tries))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return errs.Wrap(errs.Unavailable, ctx.Err(), "the call was given up")
	}
}
