package blob_test

import (
	"testing"
	"time"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/blob/blobtest"
)

func TestFolder(t *testing.T) {
	get, serve := blobtest.Server(t)
	size := int64(1 << 30)
	if testing.Short() {
		size = 16 << 20
	}
	blobtest.Run(t, func(t *testing.T, ttl time.Duration) *blob.Bucket {
		b, _ := open(t, blob.Options{TTL: ttl})
		serve(b)
		return b
	}, get, size)
}
