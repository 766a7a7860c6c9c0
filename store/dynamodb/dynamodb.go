// Package dynamodb keeps conversations in the one table of Chainlit's DynamoDB
// layer, item by item as that layer writes them, so that both work on it.
//
//	st, err := dynamodb.Open(ctx, "dynamodb://my-table?region=eu-central-1", dynamodb.Options{})
//
// What Varve adds are attributes and items whose names begin with "varve"; the
// layer passes over them. A write is one request, made from what this process
// saw last and under the condition that nothing it rests on has changed; where
// something has, or nothing was seen yet, it reads in one request before.
package dynamodb

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"hash/maphash"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/amazon"
	versioned "github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
)

// Options tune [Open]. The zero value works.
type Options struct {
	// HTTP sends the requests; nil: the SDK's own client.
	HTTP *http.Client
	// Log gets a line for every request, with what it consumed, at debug level.
	Log *slog.Logger
	// Examine opens a table that is missing too, for a doctor.
	Examine bool
}

// Store is an open table. It is safe for concurrent use.
type Store struct {
	c       *client
	examine bool
	alone   bool // nobody else writes to the table
	marking bool // what is starred or judged is marked in the index
	indexed bool // and all that is
	seed    maphash.Seed
	locks   [64]sync.Mutex // by thread: writers of one process do not disturb each other

	seen recent

	mu    sync.Mutex
	clock int64
}

var (
	_ store.Store  = (*Store)(nil)
	_ store.Doctor = (*Store)(nil)
	_ chat.Store   = rooms{}
)

// attempts is the patience of the SDK with a network or table that is busy:
// with the waits of delay, about four seconds.
const attempts = 8

var tableName = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)

// Open opens the table of dynamodb://TABLE?region=R&endpoint=URL. Region and
// credentials are otherwise those of AWS's usual chain: environment, profile,
// the role of the machine. With shared=false the caller promises that nothing
// but Varve writes to the table; favourites and the filter by feedback then go
// by an index. A missing table is errs.Unavailable and names the remedy.
func Open(ctx context.Context, raw string, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "dynamodb" || u.Host == "" || (u.Path != "" && u.Path != "/") {
		return nil, errs.Field(errs.Invalid, "url", "is not an address such as dynamodb://TABLE?region=eu-central-1")
	}
	if !tableName.MatchString(u.Host) {
		return nil, errs.Field(errs.Invalid, "url", "%q cannot be a table's name: those have 3 to 255 letters, digits, dots, hyphens and underscores", u.Host)
	}
	for name := range u.Query() {
		if name != "region" && name != "endpoint" && name != "shared" {
			return nil, errs.Field(errs.Invalid, "url", "there is no parameter %q; known are region, endpoint and shared", name)
		}
	}
	shared, err := strconv.ParseBool(cmp.Or(u.Query().Get("shared"), "true"))
	if err != nil {
		return nil, errs.Field(errs.Invalid, "url", "shared must be true or false")
	}
	db, err := connect(ctx, u.Query(), o)
	if err != nil {
		return nil, err
	}
	s := &Store{c: &client{db: db, table: u.Host, log: o.Log}, examine: o.Examine, alone: !shared, seed: maphash.MakeSeed()}
	if o.Examine {
		return s, nil
	}
	if err := s.ready(ctx); err != nil {
		return s, err
	}
	complete, err := s.complete(ctx)
	s.marking, s.indexed = complete || s.alone, complete && s.alone
	if err == nil && s.alone && !complete {
		o.Log.Info("favourites and the filter by feedback read every thread until the doctor has marked them: run `varve doctor --apply`")
	}
	return s, err
}

func connect(ctx context.Context, q url.Values, o Options) (*dynamodb.Client, error) {
	options := []func(*config.LoadOptions) error{config.WithRetryer(func() aws.Retryer {
		return retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts = attempts
			r.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) { return delay(attempt), nil })
		})
	})}
	if region := q.Get("region"); region != "" {
		options = append(options, config.WithRegion(region))
	}
	c, err := amazon.Load(ctx, options...)
	if err != nil {
		return nil, err
	}
	if c.Region == "" {
		return nil, errs.Field(errs.Invalid, "url", "names no region, nor does the environment: add ?region=… or set AWS_REGION")
	}
	return dynamodb.NewFromConfig(c, func(d *dynamodb.Options) {
		if o.HTTP != nil {
			d.HTTPClient = o.HTTP
		}
		if endpoint := q.Get("endpoint"); endpoint != "" {
			d.BaseEndpoint = &endpoint
			// Emulators answer checksums of their own.
			d.DisableValidateResponseChecksum = true
		}
	}), nil
}

// Chat implements store.Tx.
func (s *Store) Chat() chat.Store { return rooms{s} }

// State implements store.Tx.
func (s *Store) State() versioned.Store { return versioned.Unserved{Engine: "DynamoDB"} }

// Update implements store.Store: there are no transactions over calls.
func (s *Store) Update(context.Context, func(context.Context, store.Tx) error) error {
	return errs.New(errs.Unsupported, "DynamoDB has no transaction over several calls; each call is one of its own")
}

// Changes implements change.Log.
func (s *Store) Changes(context.Context, int64, int) ([]change.Event, error) {
	return nil, errs.New(errs.Unsupported, "a DynamoDB table keeps no change log")
}

// Head implements change.Log.
func (s *Store) Head(context.Context) (int64, error) {
	return 0, errs.New(errs.Unsupported, "a DynamoDB table keeps no change log")
}

// Secret implements store.Store. The first writer's stays. One that is opened
// for a doctor gives any.
func (s *Store) Secret(ctx context.Context, name string) ([]byte, error) {
	k := key{secretPK, name}
	fresh := make([]byte, 32)
	rand.Read(fresh)
	if s.examine { // nothing is written by looking
		return fresh, nil
	}
	i := k.attributes()
	i["secret"] = &types.AttributeValueMemberB{Value: fresh}
	_, err := s.c.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.c.table, Item: i,
		ConditionExpression: aws.String("attribute_not_exists(PK)")})
	if err == nil {
		return fresh, nil
	}
	if err := s.c.failed("PutItem", err); err != errMoved {
		return nil, err
	}
	found, err := s.c.get(ctx, k)
	if err != nil {
		return nil, err
	}
	b, ok := found["secret"].(*types.AttributeValueMemberB)
	if !ok {
		return nil, errs.New(errs.Internal, "the secret in the table cannot be read")
	}
	return b.Value, nil
}

// Ping implements store.Store.
func (s *Store) Ping(ctx context.Context) error { return s.ready(ctx) }

// Close implements store.Store.
func (s *Store) Close() error { return nil }

// lock keeps other writers of this process from a thread.
func (s *Store) lock(thread string) (unlock func()) {
	m := &s.locks[maphash.String(s.seed, thread)%uint64(len(s.locks))]
	m.Lock()
	return m.Unlock
}

// stamp is a time that this process never gave before.
func (s *Store) stamp() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = max(s.clock+1, time.Now().UnixNano())
	return s.clock
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func token() string { return rand.Text() }

// rooms serves the port of conversations.
type rooms struct{ s *Store }

// Features implements chat.Store.
func (rooms) Features() chat.Features {
	return chat.Features{AnyID: true, Tombstones: true, FastList: true, UnknownKeys: true, NeedsThread: true, Orphans: true}
}
