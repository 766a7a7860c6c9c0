package dynamodb

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// What does not fit into an item lies in chunks beside it. They are laid before
// the write that names them, so that a reader sees the old text or the new one
// and never half of it; and with them a mark, by which chunks are found that no
// write came to name.

// layingAge is how old a mark must be before its chunks can be taken for left
// behind: longer than any write takes.
const layingAge = 10 * time.Minute

func markKey(gen string) key { return key{orphanPK, layingPrefix + gen} }

// lay writes the chunks of a row.
func (s *Store) lay(ctx context.Context, r row) error {
	if len(r.chunks) == 0 {
		return nil
	}
	mark := markKey(r.gen).attributes()
	mark["thread"] = text(strings.TrimPrefix(stringOf(r.item[pk]), threadPrefix))
	mark["at"] = number(strconv.FormatInt(s.stamp(), 10))
	writes := []types.WriteRequest{putRequest(mark)}
	for _, chunk := range r.chunks {
		writes = append(writes, putRequest(chunk))
	}
	return s.c.batch(ctx, writes)
}

// settle takes away the chunks that a write left without a name: the old ones
// when it worked, its own when it met another state. After any other failure
// nobody knows whether it worked, and the mark stays.
func (s *Store) settle(ctx context.Context, p plan, failed error) {
	ctx = context.WithoutCancel(ctx)
	gone := p.stale
	switch {
	case failed == nil && len(p.row.chunks) == 0 && len(gone) == 0:
		return
	case errors.Is(failed, errMoved) && len(p.row.chunks) > 0:
		// A try whose answer got lost may have worked.
		i, err := s.c.get(ctx, keyOf(p.row.item))
		if err != nil || names(i, p.row.gen) {
			return
		}
		gone = nil
		for _, chunk := range p.row.chunks {
			gone = append(gone, keyOf(chunk))
		}
	case failed != nil:
		return
	}
	if len(p.row.chunks) > 0 {
		gone = append(slices.Clone(gone), markKey(p.row.gen))
	}
	var writes []types.WriteRequest
	for _, k := range gone {
		writes = append(writes, deleteRequest(k))
	}
	if err := s.c.batch(ctx, writes); err != nil {
		s.c.log.Warn("chunks stay behind", "err", err)
	}
}

// names tells whether an item names chunks of gen.
func names(i item, gen string) bool {
	for _, v := range members(i[overflow]) {
		if g, _ := chunksOf(v); g == gen {
			return true
		}
	}
	return false
}

// unlay takes away the chunks of a mark that no item of the thread names.
func (s *Store) unlay(ctx context.Context, thread, gen string) error {
	all, err := s.partition(ctx, thread)
	if err != nil {
		return err
	}
	named := map[key]bool{}
	for _, i := range all {
		for _, k := range chunkKeys(i) {
			named[k] = true
		}
	}
	var writes []types.WriteRequest
	for k := range all {
		if strings.HasPrefix(k.sk, chunkPrefix+gen+"#") && !named[k] {
			writes = append(writes, deleteRequest(k))
		}
	}
	return s.c.batch(ctx, append(writes, deleteRequest(markKey(gen))))
}

// whole reads an item with what lies in chunks. A writer may replace both
// between the two looks; then it looks again.
func (s *Store) whole(ctx context.Context, i item) (content, error) {
	const looks = 3
	for n := 0; ; n++ {
		parts, err := s.c.gets(ctx, chunkKeys(i), true)
		if err != nil {
			return nil, err
		}
		says, ok := unseal(i, func(k key) ([]byte, bool) { return partOf(parts[k]) })
		if ok {
			return says, nil
		}
		if n == looks {
			s.c.log.Warn("a long text is cut: its chunks are missing")
			return says, nil
		}
		now, err := s.c.get(ctx, keyOf(i))
		if err != nil {
			return nil, err
		}
		if now == nil {
			return says, nil
		}
		i = now
	}
}
