package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/internal/dynamotest"
	"github.com/varvedb/varve/store/dynamodb"
)

// consumed adds up what the log of the store says of its requests.
type consumed struct {
	mu       sync.Mutex
	requests int
	capacity float64
}

func (c *consumed) Enabled(context.Context, slog.Level) bool { return true }
func (c *consumed) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c *consumed) WithGroup(string) slog.Handler            { return c }
func (c *consumed) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "request" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "capacity" {
			c.capacity += a.Value.Float64()
		}
		return true
	})
	return nil
}

func (c *consumed) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests, c.capacity = 0, 0
}

// cost is what one call asks of the table, and how long it takes.
type cost struct {
	Requests int       `json:"requests"`
	Capacity float64   `json:"capacity"`
	Seconds  []float64 `json:"seconds"`
}

func (c cost) String() string { return fmt.Sprintf("%d · %g", c.Requests, c.Capacity) }

// measured runs a call: first its cost, then how long it takes.
func (c *consumed) measured(b *testing.B, n int, call func(i int) error) (out cost) {
	b.Helper()
	for i := range n {
		c.reset()
		start := time.Now()
		if err := call(i); err != nil {
			b.Fatal(err)
		}
		out.Seconds = append(out.Seconds, time.Since(start).Seconds())
		if i == 0 {
			out.Requests, out.Capacity = c.requests, c.capacity
		}
	}
	return out
}

func (p *peer) costs(b *testing.B, operation, id string, n int) (c cost) {
	b.Helper()
	if err := json.NewEncoder(p.in).Encode(map[string]any{"do": operation, "id": id, "times": n}); err != nil {
		b.Fatal(err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		b.Fatalf("%s: the Python peer ended: %v", operation, err)
	}
	if err := json.Unmarshal(line, &c); err != nil {
		b.Fatalf("%s: %s", operation, line)
	}
	return c
}

// BenchmarkDynamoDB calls Varve's store and Chainlit's own layer on one table,
// which that layer filled.
func BenchmarkDynamoDB(b *testing.B) {
	threads, steps := size(1000, 200), 10
	address := dynamotest.Missing(b)
	u, err := url.Parse(address)
	if err != nil {
		b.Fatal(err)
	}
	mendDynamo(b, address)
	theirs := startScript(b, "dynamo_peer.py", u.Host, u.Query().Get("region"), u.Query().Get("endpoint"))
	theirs.costs(b, "fill", fmt.Sprintf("%s:%d:%d", ada, threads, steps), 1)
	used := &consumed{}
	shared := openDynamo(b, address, used) // before anything is marked
	mendDynamo(b, address+"&shared=false")

	where := fmt.Sprintf("beside Chainlit's layer on the same table; Varve in Go, the layer in Python; DynamoDB Local in memory, one user, %d threads × %d steps of 1 KB that Chainlit wrote", threads, steps)
	p := results.part("DynamoDB: requests · capacity units of a call", where)
	wall := results.part("DynamoDB: how long a call takes", where)
	row1 := func(name string, ours, beside cost) {
		p.rows = append(p.rows, row{ours: ours.String(), beside: beside.String(), name: name})
		wall.faster(sorted(ours.Seconds).median(), name, sorted(beside.Seconds).median(), 0)
	}
	n := size(20, 2)
	own := openDynamo(b, address+"&shared=false", used)
	ctx, w := b.Context(), chat.Write{Now: time.Now()}

	id := threadID(1)
	step := func(i int) chat.Step {
		return chat.Step{ID: fmt.Sprint("bench-", i), ThreadID: id, Type: "assistant_message", Output: answer, CreatedAt: chat.FormatTime(time.Now())}
	}
	must(b, shared.ApplyStep(ctx, step(-1), w)) // the thread was seen
	row1("persist a new step", used.measured(b, n, func(i int) error { return shared.ApplyStep(ctx, step(i), w) }), theirs.costs(b, "step", id, n))
	row1("the same step, grown", used.measured(b, n, func(i int) error {
		s := step(0)
		s.Output, s.CreatedAt = fmt.Sprint(answer, i), ""
		return shared.ApplyStep(ctx, s, w)
	}), theirs.costs(b, "again", id, n))
	row1("feedback", used.measured(b, n, func(int) error {
		_, err := shared.ApplyFeedback(ctx, chat.Feedback{ID: "f", ForID: "bench-0", ThreadID: id, Value: 1}, w)
		return err
	}), theirs.costs(b, "feedback", id, n))
	row1("rename a thread", used.measured(b, n, func(i int) error {
		return shared.ApplyThread(ctx, chat.ThreadPatch{ID: id, Name: chat.Ptr(fmt.Sprint("name ", i))}, w)
	}), theirs.costs(b, "rename", id, n))
	row1("open a thread of 10 steps", used.measured(b, n, func(int) error { _, err := shared.Thread(ctx, threadID(2)); return err }), theirs.costs(b, "open", threadID(2), n))

	q := chat.ThreadQuery{ThreadFilter: chat.ThreadFilter{UserID: ada}, Limit: 36}
	listed := theirs.costs(b, "list", ada, n)
	row1("list 35 threads (Varve with tags and metadata)", used.measured(b, n, func(int) error { return full(shared.Threads(ctx, q)) }), listed)
	starred := theirs.costs(b, "favorites", ada, size(3, 1))
	favorites := func(s chat.Store) cost {
		return used.measured(b, size(5, 1), func(int) error {
			found, err := s.Favorites(ctx, ada)
			if err == nil && len(found) != threads/100 {
				err = fmt.Errorf("%d favourites", len(found))
			}
			return err
		})
	}
	row1("favourites, shared=false", favorites(own), starred)
	row1("favourites, the table is shared", favorites(shared), starred)
	q.Feedback = chat.Ptr(1)
	judged := func(s chat.Store) cost {
		return used.measured(b, size(5, 1), func(int) error {
			found, err := s.Threads(ctx, q)
			if err == nil && len(found) != min(q.Limit, threads/10+1) {
				err = fmt.Errorf("%d threads", len(found))
			}
			return err
		})
	}
	for _, j := range []struct {
		name string
		cost
	}{{"threads with a verdict, shared=false (the layer: none)", judged(own)}, {"threads with a verdict, the table is shared", judged(shared)}} {
		p.value(j.name, j.cost.String(), "", true)
		wall.value(j.name, duration(sorted(j.Seconds).median()), "", true)
	}
}

func full(found []chat.Thread, err error) error {
	if err == nil && len(found) != 36 {
		err = fmt.Errorf("%d threads", len(found))
	}
	return err
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func mendDynamo(b *testing.B, address string) {
	b.Helper()
	doctor, err := dynamodb.Open(b.Context(), address, dynamodb.Options{Examine: true})
	must(b, err)
	must(b, doctor.Mend(b.Context()))
}

func openDynamo(b *testing.B, address string, log slog.Handler) chat.Store {
	b.Helper()
	db, err := dynamodb.Open(b.Context(), address, dynamodb.Options{Log: slog.New(log)})
	must(b, err)
	b.Cleanup(func() { db.Close() })
	return db.Chat()
}
