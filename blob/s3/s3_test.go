package s3_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/blob/blobtest"
	"github.com/varvedb/varve/blob/s3"
	"github.com/varvedb/varve/internal/buckettest"
)

var openers = map[string]blob.Opener{"s3": s3.Open}

func open(t *testing.T, address string, opt blob.Options) *blob.Bucket {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s3.Open(t.Context(), u, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestSuite(t *testing.T) {
	size := int64(1 << 30)
	if testing.Short() {
		size = 32 << 20
	}
	blobtest.Run(t, func(t *testing.T, ttl time.Duration) *blob.Bucket {
		return open(t, buckettest.S3(t), blob.Options{TTL: ttl})
	}, blobtest.Fetch, size)
}
