package query_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/memory"
)

func Example() {
	ctx := context.Background()
	db := query.NewService(memory.Open().Query(), query.Options{})
	_, err := db.Execute(ctx, query.Into("docs").Rows(
		query.Row{"id": "a", "n": 4, "y": 1, "meta": map[string]any{"lang": "en"}},
		query.Row{"id": "b", "n": 6, "y": 1, "meta": map[string]any{"lang": "fr"}},
		query.Row{"id": "c", "n": 8, "y": 1, "meta": map[string]any{"lang": "en"}}))
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := db.Execute(ctx, query.From("docs").Where(query.Eq("y", 1), query.Eq("meta.lang", "en")).OrderBy("-n").Select("id", "n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for row, err := range answer.Rows() {
		fmt.Println(row["id"], row["n"], err)
	}
	// Output:
	// c 8 <nil>
	// a 4 <nil>
}

func ExampleParse() {
	q, err := query.Parse(`docs where y = 1 and n > 5 order by n desc limit 10 select n, y`)
	if err != nil {
		fmt.Println(err)
		return
	}
	json.NewEncoder(os.Stdout).Encode(q.Select.Order)
	_, err = query.Parse(`docs were y = 1`)
	fmt.Println(err)
	// Output:
	// ["-n"]
	// query: character 6, before "were y = 1": here the question should end
}

func ExampleFormat() {
	text, err := query.Format(query.Change("docs").Set("y", 0).Where(query.Any(query.Eq("n", 1), query.IsNull("n")), query.Ne("id", "it's")).Query())
	fmt.Println(text, err)
	// Output: update docs set y = 0 where ( n = 1 or n is null ) and id != 'it''s' <nil>
}
