package state_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store/memory"
)

// Todo is a row of the examples.
type Todo struct {
	ID     string  `state:"id,key"`
	User   *string `state:"user_id,owner"`
	Body   string
	Status string   `state:"status,null"`
	Labels []string // a column of JSON
}

// A service is what an open database gives: db.State() of package varve.
func open() *state.Service {
	return state.NewService(memory.Open().State(), state.Options{})
}

func Example() {
	ctx := context.Background()
	todos, err := state.TableOf[Todo](open(), "todos")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := todos.Append(ctx, Todo{ID: "test", Body: "do your homework"}); err != nil {
		log.Fatal(err)
	}
	_, err = todos.Append(ctx, Todo{ID: "test"})
	fmt.Println(errors.Is(err, errs.Exists))

	now, err := todos.Update(ctx, state.Row{"id": "test", "status": "done"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(now.Version, now.Value.Body, now.Value.Status)

	was, err := todos.AsOf(state.AtVersion(1)).Latest(ctx, "test")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d %s %q\n", was.Version, was.Value.Body, was.Value.Status)
	// Output:
	// true
	// 2 do your homework done
	// 1 do your homework ""
}

func ExampleRows_If() {
	ctx := context.Background()
	todos, err := state.TableOf[Todo](open(), "todos")
	if err != nil {
		log.Fatal(err)
	}
	read, err := todos.Append(ctx, Todo{ID: "a"})
	if err != nil {
		log.Fatal(err)
	}
	// Somebody else is faster.
	if _, err := todos.Update(ctx, state.Row{"id": "a", "body": "theirs"}); err != nil {
		log.Fatal(err)
	}
	_, err = todos.If(read.Version).Update(ctx, state.Row{"id": "a", "body": "ours"})
	fmt.Println(err)
	// Output:
	// version: the row is at version 2, not 1; read it again and repeat the change
}

func ExampleRows_All() {
	ctx := context.Background()
	todos, err := state.TableOf[Todo](open(), "todos")
	if err != nil {
		log.Fatal(err)
	}
	for _, id := range []string{"milk", "rent", "call"} {
		if _, err := todos.As("ada").Append(ctx, Todo{ID: id, Labels: []string{"home, urgent", id}}); err != nil {
			log.Fatal(err)
		}
	}
	p, err := todos.As("ada").All(ctx, state.Query{
		Where:   []state.Condition{{Column: "labels", Op: state.Has, Value: "home, urgent"}},
		Order:   []state.Order{{Column: "id"}},
		Request: page.Request{First: 2},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range p.Data {
		fmt.Println(*t.Value.User, t.Value.ID, t.Value.Labels)
	}
	fmt.Println("more:", p.Info.HasNextPage)
	others, err := todos.As("bob").All(ctx, state.Query{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("bob's:", len(others.Data))
	// Output:
	// ada call [home, urgent call]
	// ada milk [home, urgent milk]
	// more: true
	// bob's: 0
}

func ExampleRows_Watch() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	todos, err := state.TableOf[Todo](open(), "todos")
	if err != nil {
		log.Fatal(err)
	}
	for _, id := range []string{"a", "b"} {
		if _, err := todos.Append(ctx, Todo{ID: id}); err != nil {
			log.Fatal(err)
		}
	}
	var handled int64 // kept somewhere, it is where a watch goes on after a restart
	for rec, err := range todos.Watch(ctx, handled) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(rec.Op, rec.Value.ID)
		if handled = rec.Seq; rec.Value.ID == "b" {
			cancel() // ends the watch, which would wait for more
		}
	}
	// Output:
	// append a
	// append b
}

func ExampleParseSchema() {
	schema, err := state.ParseSchema([]byte(`{
		"title": "sensors", "x-key": ["room", "name"],
		"properties": {"room": {"type": "string"}, "name": {"type": "string"}, "celsius": {"type": "number"}}
	}`))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	sensors, err := open().Declare(ctx, schema)
	if err != nil {
		log.Fatal(err)
	}
	for _, celsius := range []float64{19.5, 21} {
		if _, err := sensors.Put(ctx, state.Row{"room": "lab", "name": "north", "celsius": celsius}); err != nil {
			log.Fatal(err)
		}
	}
	diff, err := sensors.Diff(ctx, 1, 2, "lab", "north")
	fmt.Println(diff, err)
	// Output:
	// [{celsius 19.5 21}] <nil>
}
