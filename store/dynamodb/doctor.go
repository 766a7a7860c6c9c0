package dynamodb

import (
	"context"
	_ "embed"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
)

//go:embed table.json
var template string

// ready tells whether the table and its index are there and of the form that
// Chainlit's layer needs.
func (s *Store) ready(ctx context.Context) error {
	t, err := s.describe(ctx)
	if err != nil {
		return err
	}
	if t == nil {
		return errs.New(errs.Unavailable, "there is no table %q in the region %s: check both, or make it with `varve doctor --apply`", s.c.table, s.c.db.Options().Region)
	}
	if keysOf(t.KeySchema) != pk+" "+sk {
		return errs.New(errs.Invalid, "the table %q has other keys than PK and SK: it is not one of Chainlit's layer", s.c.table)
	}
	if !hasIndex(t) {
		return errs.New(errs.Unavailable, "the table %q has no index %s: make it with `varve doctor --apply`", s.c.table, index)
	}
	return nil
}

// describe looks at the table; nil when there is none.
func (s *Store) describe(ctx context.Context) (*types.TableDescription, error) {
	out, err := s.c.db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.c.table})
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return nil, nil
	}
	if err != nil {
		return nil, s.c.failed("DescribeTable", err)
	}
	return out.Table, nil
}

func keysOf(schema []types.KeySchemaElement) string {
	var names []string
	for _, k := range schema {
		names = append(names, aws.ToString(k.AttributeName))
	}
	return strings.Join(names, " ")
}

func hasIndex(t *types.TableDescription) bool {
	for _, i := range t.GlobalSecondaryIndexes {
		if aws.ToString(i.IndexName) == index && keysOf(i.KeySchema) == indexPK+" "+indexSK {
			return true
		}
	}
	return false
}

// Examine implements store.Doctor. What is missing comes as the CloudFormation
// that makes it.
func (s *Store) Examine(ctx context.Context) (store.Diagnosis, error) {
	d := store.Diagnosis{Schema: "chainlit", Findings: []store.Finding{}}
	t, err := s.describe(ctx)
	if err != nil {
		return d, err
	}
	form := []string{strings.ReplaceAll(template, "TABLE-NAME", s.c.table)}
	switch {
	case t == nil:
		d.Findings = append(d.Findings, store.Finding{What: "the table " + s.c.table + " is missing",
			Cost: "nothing can be stored; it is made with billing on demand", SQL: form})
	case keysOf(t.KeySchema) != pk+" "+sk:
		return d, s.ready(ctx)
	case !hasIndex(t):
		d.Findings = append(d.Findings, store.Finding{What: "the index " + index + " is missing",
			Cost: "threads cannot be listed", SQL: form})
	case s.alone:
		if done, err := s.complete(ctx); err != nil || done {
			return d, err
		}
		d.Findings = append(d.Findings, store.Finding{What: "steps that Chainlit's layer wrote are not marked in the index",
			Cost: "favourites and the filter by feedback read every thread of a user; marking reads the whole table, once", SQL: []string{}})
	}
	return d, nil
}

// Mend implements store.Doctor: it makes the table, or its index, and waits
// until they can be used. In a table that nobody else writes to it marks what
// was there before. Several may mend at once.
func (s *Store) Mend(ctx context.Context) error {
	for {
		err := s.make(ctx)
		var busy *types.ResourceInUseException
		if err == nil {
			break
		}
		if !errors.As(err, &busy) {
			return err
		}
		// Another makes it, or changes something else of it.
		if err := s.pause(ctx); err != nil {
			return err
		}
	}
	if err := s.active(ctx); err != nil || !s.alone {
		return err
	}
	if done, err := s.complete(ctx); err != nil || done {
		return err
	}
	return s.markAll(ctx)
}

// make asks for the table, or its index, where it is missing.
func (s *Store) make(ctx context.Context) error {
	t, err := s.describe(ctx)
	if err != nil {
		return err
	}
	operation := "CreateTable"
	switch {
	case t != nil && (hasIndex(t) || keysOf(t.KeySchema) != pk+" "+sk):
		return s.ready(ctx)
	case t == nil:
		_, err = s.c.db.CreateTable(ctx, &dynamodb.CreateTableInput{TableName: &s.c.table, BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: definitions(pk, sk, indexPK, indexSK), KeySchema: schema(pk, sk),
			GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{IndexName: aws.String(index), KeySchema: schema(indexPK, indexSK), Projection: projection()}}})
	default:
		operation = "UpdateTable"
		_, err = s.c.db.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &s.c.table, AttributeDefinitions: definitions(pk, sk, indexPK, indexSK),
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
				IndexName: aws.String(index), KeySchema: schema(indexPK, indexSK), Projection: projection()}}}})
	}
	if err != nil {
		return s.c.failed(operation, err)
	}
	return nil
}

// active waits for what was asked to be made.
func (s *Store) active(ctx context.Context) error {
	for {
		t, err := s.describe(ctx)
		if err != nil {
			return err
		}
		if t != nil && t.TableStatus == types.TableStatusActive && indexActive(t) {
			return nil
		}
		if err := s.pause(ctx); err != nil {
			return err
		}
	}
}

// pause waits a moment for a table that is being made.
func (s *Store) pause(ctx context.Context) error {
	t := time.NewTimer(500 * time.Millisecond)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return errs.Wrap(errs.Unavailable, ctx.Err(), "the table is being made; ask again later")
	case <-t.C:
		return nil
	}
}

func indexActive(t *types.TableDescription) bool {
	for _, i := range t.GlobalSecondaryIndexes {
		if aws.ToString(i.IndexName) == index {
			return i.IndexStatus == types.IndexStatusActive
		}
	}
	return false
}

// Remove implements store.Doctor: a table is its owner's to delete.
func (s *Store) Remove(context.Context) error {
	return errs.New(errs.Unsupported, "Varve's items and attributes stand beside Chainlit's, which passes over them; a table is deleted in AWS")
}

func definitions(names ...string) (out []types.AttributeDefinition) {
	for _, name := range names {
		out = append(out, types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS})
	}
	return out
}

func schema(hash, rng string) []types.KeySchemaElement {
	return []types.KeySchemaElement{{AttributeName: aws.String(hash), KeyType: types.KeyTypeHash},
		{AttributeName: aws.String(rng), KeyType: types.KeyTypeRange}}
}

func projection() *types.Projection {
	return &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"id", "name"}}
}
