package gcs_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"testing"
	"time"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/blob/blobtest"
	"github.com/varvedb/varve/blob/gcs"
	"github.com/varvedb/varve/internal/buckettest"
)

// signing gives the process a key to sign with, as Chainlit's variables do.
func signing(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("APP_GCS_PROJECT_ID", "varve")
	t.Setenv("APP_GCS_CLIENT_EMAIL", "varve@varve.iam.gserviceaccount.com")
	t.Setenv("APP_GCS_PRIVATE_KEY", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	return key
}

func open(t *testing.T, address string, opt blob.Options) *blob.Bucket {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	b, err := gcs.Open(t.Context(), u, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestSuite(t *testing.T) {
	signing(t)
	size := int64(1 << 30)
	if testing.Short() {
		size = 32 << 20
	}
	blobtest.Run(t, func(t *testing.T, ttl time.Duration) *blob.Bucket {
		return open(t, buckettest.GCS(t), blob.Options{TTL: ttl})
	}, blobtest.Fetch, size)
}
