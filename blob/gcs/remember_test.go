package gcs

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/varvedb/varve/blob"
)

func TestASignatureThatCostsACallIsKept(t *testing.T) {
	now, calls := time.Unix(1_800_000_000, 0), 0
	sign := remember(func(_ context.Context, key string, _ blob.Link) (string, error) {
		calls++
		return fmt.Sprint(key, calls), nil
	}, func() time.Time { return now })
	ask := func(key string, l blob.Link) string {
		t.Helper()
		url, err := sign(t.Context(), key, l)
		if err != nil {
			t.Fatal(err)
		}
		return url
	}
	l := blob.Link{Name: "n", MIME: "image/png", TTL: time.Hour}
	first := ask("k", l)
	now = now.Add(29 * time.Minute)
	if again := ask("k", l); again != first || calls != 1 {
		t.Errorf("%s after %s, %d calls", again, first, calls)
	}
	if other := ask("k", blob.Link{Name: "m", MIME: "image/png", TTL: time.Hour}); other == first {
		t.Error("another name gets the same URL")
	}
	now = now.Add(time.Minute)
	if again := ask("k", l); again == first {
		t.Error("a URL is given out with less than half of its life left")
	}
	for n := range remembered + 1 {
		ask(fmt.Sprint(n), l)
	}
	before := calls
	ask(fmt.Sprint(remembered), l)
	if calls != before {
		t.Error("the last one is not kept")
	}
}
