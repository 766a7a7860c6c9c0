package dynamodb_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// raw is the table behind a URL without Varve.
func raw(t testing.TB, address string) (db *sdk.Client, table *string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.LoadDefaultConfig(context.Background(), config.WithRegion(u.Query().Get("region")))
	if err != nil {
		t.Fatal(err)
	}
	return sdk.NewFromConfig(c, func(o *sdk.Options) { o.BaseEndpoint = aws.String(u.Query().Get("endpoint")) }), &u.Host
}

type attributes = map[string]types.AttributeValue

func s(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }

// items are those of a partition.
func items(t testing.TB, address, partition string) []attributes {
	t.Helper()
	db, table := raw(t, address)
	var all []attributes
	pages := sdk.NewQueryPaginator(db, &sdk.QueryInput{TableName: table, KeyConditionExpression: aws.String("PK = :pk"),
		ExpressionAttributeValues: attributes{":pk": s(partition)}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Items...)
	}
	return all
}

// put writes items as they are, as Chainlit's layer might.
func put(t testing.TB, address string, all ...attributes) {
	t.Helper()
	db, table := raw(t, address)
	for _, i := range all {
		if _, err := db.PutItem(t.Context(), &sdk.PutItemInput{TableName: table, Item: i}); err != nil {
			t.Fatal(err)
		}
	}
}

// makeTable makes a table that is nearly Chainlit's.
func makeTable(t testing.TB, address string, change func(*sdk.CreateTableInput)) {
	t.Helper()
	db, table := raw(t, address)
	in := &sdk.CreateTableInput{TableName: table, BillingMode: types.BillingModePayPerRequest,
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("PK"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("SK"), KeyType: types.KeyTypeRange}}}
	for _, name := range []string{"PK", "SK", "UserThreadPK", "UserThreadSK"} {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS})
	}
	change(in)
	if _, err := db.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}
