package dynamodb_test

import (
	"fmt"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/varvedb/varve/chat/chattest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/dynamodb"
)

func TestNothingOfAnErasedPersonIsLeft(t *testing.T) {
	for _, also := range []string{"", "&shared=false"} {
		address := table(t) + also
		db, name := raw(t, address)
		chattest.Erasure(t, func(t *testing.T) store.Store { return open(t, address, dynamodb.Options{}) },
			func(t *testing.T, _ store.Store, text string) []string { return itemsWith(t, db, name, text) })
	}
}

// itemsWith names the items of a table in which a text is, in keys too.
func itemsWith(t *testing.T, db *sdk.Client, table *string, text string) (found []string) {
	t.Helper()
	pages := sdk.NewScanPaginator(db, &sdk.ScanInput{TableName: table})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Items {
			var b strings.Builder
			for name, v := range i {
				b.WriteString(name + " ")
				writeValue(&b, v)
			}
			if strings.Contains(strings.ToLower(b.String()), strings.ToLower(text)) {
				found = append(found, fmt.Sprint(i["PK"], i["SK"]))
			}
		}
	}
	return found
}

func writeValue(b *strings.Builder, v types.AttributeValue) {
	switch v := v.(type) {
	case *types.AttributeValueMemberM:
		for name, v := range v.Value {
			b.WriteString(name + " ")
			writeValue(b, v)
		}
	case *types.AttributeValueMemberL:
		for _, v := range v.Value {
			writeValue(b, v)
		}
	case *types.AttributeValueMemberB:
		b.Write(v.Value)
	case *types.AttributeValueMemberS:
		b.WriteString(v.Value + " ")
	case *types.AttributeValueMemberSS:
		b.WriteString(strings.Join(v.Value, " "))
	}
}
