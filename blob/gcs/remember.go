package gcs

import (
	"context"
	"sync"
	"time"

	"github.com/varvedb/varve/blob"
)

// remembered bounds how many URLs are kept.
const remembered = 10_000

type sign = func(ctx context.Context, key string, l blob.Link) (string, error)

// remember keeps the URLs that a signer made while half of their life is left: a
// signature is a call without a key at hand, and a millisecond with one, and a
// thread of a hundred elements is opened more than once.
func remember(ask sign, now func() time.Time) sign {
	type question struct {
		key string
		l   blob.Link
	}
	type answer struct {
		url   string
		until time.Time
	}
	var mu sync.Mutex
	known := map[question]answer{}
	return func(ctx context.Context, key string, l blob.Link) (string, error) {
		q, at := question{key, l}, now()
		mu.Lock()
		a, ok := known[q]
		mu.Unlock()
		if ok && at.Before(a.until) {
			return a.url, nil
		}
		url, err := ask(ctx, key, l)
		if err != nil {
			return "", err
		}
		mu.Lock()
		defer mu.Unlock()
		if len(known) >= remembered {
			clear(known)
		}
		known[q] = answer{url, at.Add(l.TTL / 2)}
		return url, nil
	}
}
