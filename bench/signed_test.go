package bench

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/internal/buckettest"
	memstore "github.com/varvedb/varve/store/memory"
)

// BenchmarkSignedURLs reads a thread of a hundred elements whose bytes lie in a
// bucket of each kind, and counts what the bucket is asked for that. The floor
// is the same thread without a place for bytes.
func BenchmarkSignedURLs(b *testing.B) {
	const elements = 100
	p := results.part("a thread of 100 elements, with a signed address for each", "in this process, conversations in memory")
	_, floor := reading(b, nil, elements)
	p.floor("without addresses", duration(floor))
	folder, err := blob.OpenFolder(b.TempDir(), blob.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for n := range elements {
		if _, err := folder.Write(b.Context(), elementKey(n), strings.NewReader("x"), "image/png"); err != nil {
			b.Fatal(err)
		}
	}
	_, took := reading(b, folder, elements)
	p.slower(took, "a folder; beside it, without addresses", floor, 0)
	b.Setenv("AZURE_STORAGE_KEY", buckettest.AzureKey)
	googleKey(b)
	for _, kind := range []struct {
		name, address string
	}{{"S3", buckettest.S3(b)}, {"Azure, account key", buckettest.Azure(b)}, {"Google, service account's key", buckettest.GCS(b)}} {
		bucket, asked := counted(b, kind.address)
		first, again := reading(b, bucket, elements)
		p.slower(first, kind.name+", the first time", floor, 0)
		p.slower(again, kind.name, floor, 0)
		p.value(kind.name+": calls", fmt.Sprint(asked.Load()), "0", asked.Load() == 0)
	}
}

func elementKey(n int) string { return fmt.Sprintf("u/e%d/picture.png", n) }

// counted opens a bucket behind a counter of requests.
func counted(b *testing.B, address string) (*blob.Bucket, *atomic.Int64) {
	b.Helper()
	before, rest, _ := strings.Cut(address, "endpoint=http://")
	host, path, _ := strings.Cut(rest, "/")
	asked := new(atomic.Int64)
	front := buckettest.Front(b, "http://"+host, func(http.ResponseWriter, *http.Request) bool {
		asked.Add(1)
		return false
	})
	bucket, err := blob.Open(b.Context(), strings.TrimSuffix(before+"endpoint="+front+"/"+path, "/"), all.Buckets(), blob.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { bucket.Close() })
	return bucket, asked
}

// googleKey gives the process a key to sign with.
func googleKey(b *testing.B) {
	b.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		b.Fatal(err)
	}
	b.Setenv("APP_GCS_PROJECT_ID", "varve")
	b.Setenv("APP_GCS_CLIENT_EMAIL", "varve@varve.iam.gserviceaccount.com")
	b.Setenv("APP_GCS_PRIVATE_KEY", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

// reading is how long it takes to read the thread, the first time and the median
// of some.
func reading(b *testing.B, files *blob.Bucket, elements int) (first, again time.Duration) {
	b.Helper()
	o := chat.Options{}
	if files != nil {
		o.Files = files
	}
	st := memstore.Open()
	service := chat.NewService(st.Chat(), o)
	defer service.Close()
	for n := range elements {
		if err := st.Chat().ApplyElement(b.Context(), chat.Element{ID: fmt.Sprint("e", n), ThreadID: "t", Name: "picture.png", MIME: "image/png", ObjectKey: elementKey(n), ForID: "s"}, chat.Write{Now: born}); err != nil {
			b.Fatal(err)
		}
	}
	if err := st.Chat().ApplyThread(b.Context(), chat.ThreadPatch{ID: "t"}, chat.Write{Now: born}); err != nil {
		b.Fatal(err)
	}
	var took times
	for range size(50, 3) {
		start := time.Now()
		thread, err := service.Thread(context.Background(), "t")
		took = append(took, time.Since(start))
		if err != nil || len(thread.Elements) != elements || files != nil && thread.Elements[0].URL == "" {
			b.Fatalf("%d elements, %v", len(thread.Elements), err)
		}
	}
	first = took[0]
	slices.Sort(took)
	return first, took.median()
}
