package dynamodb

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/varvedb/varve/chat"
)

// Owned implements chat.Erasing. The index lags behind and does not have every
// thread of other layers, so the table is read whole.
func (r rooms) Owned(ctx context.Context, identifier string) (ids []string, err error) {
	err = r.s.c.scan(ctx, func(items []item) {
		for _, i := range items {
			if k := keyOf(i); k.sk == threadSK && strings.HasPrefix(k.pk, threadPrefix) && of(i, identifier) {
				ids = append(ids, strings.TrimPrefix(k.pk, threadPrefix))
			}
		}
	})
	slices.Sort(ids)
	return ids, err
}

// of tells whether an item of a thread names a person.
func of(i item, identifier string) bool {
	return owner(i) == identifier || stringOf(i["userIdentifier"]) == identifier || stringOf(i[indexPK]) == userPrefix+identifier
}

// EraseUser implements chat.Erasing. The user's item goes last, so that what
// breaks off can be repeated.
func (r rooms) EraseUser(ctx context.Context, identifier string, _ chat.Write) (gone chat.Traces, err error) {
	var tombs []key
	var user []types.WriteRequest
	owns := false
	err = r.s.c.scan(ctx, func(items []item) {
		for _, i := range items {
			switch k := keyOf(i); {
			case k.pk == userPrefix+identifier && k.sk == userSK:
				gone.Users = 1
				user = append(user, deleteRequest(k))
			case k.pk == userPrefix+identifier: // chunks of its
				user = append([]types.WriteRequest{deleteRequest(k)}, user...)
			case k.sk == threadSK && of(i, identifier):
				owns = true
			case k.sk == tombstoneSK && of(i, identifier):
				tombs = append(tombs, k)
			}
		}
	})
	if err == nil && owns {
		err = chat.StillOwns()
	}
	if err != nil {
		return chat.Traces{}, err
	}
	for _, k := range tombs {
		// One that was replaced meanwhile is another deletion's.
		_, err := r.s.c.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: &r.s.c.table, Key: k.attributes(), ReturnConsumedCapacity: total,
			UpdateExpression: aws.String("REMOVE userId, userIdentifier"), ConditionExpression: aws.String("attribute_exists(PK)")})
		if err == nil {
			gone.Tombstones++
		} else if err := r.s.c.failed("UpdateItem", err); err != errMoved {
			return gone, err
		}
	}
	return gone, r.s.c.batch(ctx, user)
}

// remains is what is left of items that were deleted.
var remains = []string{
	"backups and point-in-time recovery of the table, which go back as many days as it is set to",
	"streams of the table and what reads them, replicas of a global table that lag, exports to a bucket",
	"logs of requests that the account keeps",
}

// Scrub implements store.Scrubber: what deleted items leave is AWS's.
func (s *Store) Scrub(context.Context) (done, beyond []string, err error) {
	return nil, slices.Clone(remains), nil
}
