package transfer

import (
	"context"
	"maps"
	"slices"

	"github.com/varvedb/varve/chat"
)

// sums are those of bytes by their keys, at the source and at the destination.
type sums [2]map[string]chat.Sum

// sumsOf asks both sides once about the bytes that threads name.
func sumsOf(ctx context.Context, from, to Side, threads []chat.Thread) (s sums, err error) {
	keys := allKeys(threads)
	if len(keys) == 0 || from.Files == nil || to.Files == nil {
		return s, nil
	}
	if s[0], err = chat.SumsOf(ctx, from.Files, keys); err == nil {
		s[1], err = chat.SumsOf(ctx, to.Files, keys)
	}
	return s, err
}

// allKeys are the keys of bytes that threads name, each once.
func allKeys(threads []chat.Thread) []string {
	all := map[string]bool{}
	for i := range threads {
		maps.Copy(all, keysOf(&threads[i]))
	}
	return slices.Sorted(maps.Keys(all))
}
