package azure_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/blob/azure"
	"github.com/varvedb/varve/blob/blobtest"
	"github.com/varvedb/varve/internal/buckettest"
)

var openers = map[string]blob.Opener{"azblob": azure.Open, "abfss": azure.Open}

func open(t *testing.T, address string, opt blob.Options) *blob.Bucket {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	b, err := azure.Open(t.Context(), u, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func large() int64 {
	if testing.Short() {
		return 32 << 20
	}
	return 1 << 30
}

func TestAccountKey(t *testing.T) {
	t.Setenv("AZURE_STORAGE_KEY", buckettest.AzureKey)
	blobtest.Run(t, func(t *testing.T, ttl time.Duration) *blob.Bucket {
		return open(t, buckettest.Azure(t), blob.Options{TTL: ttl})
	}, blobtest.Fetch, large())
}

func TestSharedAccessSignature(t *testing.T) {
	get, serve := blobtest.Server(t)
	t.Setenv("AZURE_STORAGE_SAS_TOKEN", "?"+buckettest.AzureToken(t))
	blobtest.Run(t, func(t *testing.T, ttl time.Duration) *blob.Bucket {
		b := open(t, buckettest.Azure(t), blob.Options{TTL: ttl})
		serve(b)
		return b
	}, get, 32<<20)
}

func TestConnectionString(t *testing.T) {
	bucket, _, _ := strings.Cut(buckettest.Azure(t), "?")
	at, err := url.Parse(buckettest.Azure(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AZURE_STORAGE_CONNECTION_STRING", "DefaultEndpointsProtocol=http;AccountName="+buckettest.AzureAccount+
		";AccountKey="+buckettest.AzureKey+";BlobEndpoint="+at.Query().Get("endpoint")+"/;")
	b := open(t, bucket, blob.Options{})
	if err := b.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
}
