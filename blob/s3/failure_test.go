package s3_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/buckettest"
	"github.com/varvedb/varve/store/memory"
)

// at is the URL of a bucket at another address.
func at(address, endpoint string) string {
	before, _, _ := strings.Cut(address, "endpoint=")
	return before + "endpoint=" + endpoint
}

// fails makes every call on a bucket and wants a kind and a remedy from each.
func fails(t *testing.T, b *blob.Bucket, kind errs.Kind, remedy string) {
	t.Helper()
	_, err := b.Write(t.Context(), "k", strings.NewReader("x"), "")
	_, openErr := b.Open(t.Context(), "k")
	for what, err := range map[string]error{"write": err, "open": openErr, "delete": b.Delete(t.Context(), "k"), "check": b.Check(t.Context())} {
		if !errors.Is(err, kind) || !strings.Contains(err.Error(), remedy) {
			t.Errorf("%s: %s %v", what, errs.KindOf(err), err)
		}
	}
}

func TestWrongCredentials(t *testing.T) {
	address := buckettest.S3(t)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
	fails(t, open(t, address, blob.Options{}), errs.Unauthenticated, "check AWS_ACCESS_KEY_ID")
	t.Setenv("AWS_ACCESS_KEY_ID", "nobody")
	fails(t, open(t, address, blob.Options{}), errs.Unauthenticated, "check AWS_ACCESS_KEY_ID")
}

func TestNoCredentials(t *testing.T) {
	address := buckettest.S3(t)
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	b := open(t, address, blob.Options{})
	fails(t, b, errs.Unauthenticated, "set AWS_ACCESS_KEY_ID")
	if err := b.Check(t.Context()); !strings.HasSuffix(err.Error(), "APP_AWS_SECRET_KEY and APP_AWS_REGION") {
		t.Errorf("more is told than what to do: %v", err)
	}
	if _, err := b.SignedURL(t.Context(), "k", "n", "image/png"); errs.KindOf(err) != errs.Unauthenticated {
		t.Errorf("signing: %s %v", errs.KindOf(err), err)
	}
}

func TestANameThatNoBucketHas(t *testing.T) {
	_, rest, _ := strings.Cut(buckettest.S3(t), "?")
	front := buckettest.Front(t, buckettest.S3Endpoint(t), func(w http.ResponseWriter, r *http.Request) bool {
		refuse(w, http.StatusBadRequest, "InvalidBucketName")
		return true
	})
	fails(t, open(t, at("s3://no?"+rest, front), blob.Options{}), errs.Invalid, `"no" cannot be a bucket's name`)
}

func TestMissingBucket(t *testing.T) {
	_, rest, _ := strings.Cut(buckettest.S3(t), "?")
	fails(t, open(t, "s3://nobodys?"+rest, blob.Options{}), errs.Unavailable, `there is no bucket "nobodys"`)
}

func TestWrongRegion(t *testing.T) {
	address := strings.Replace(buckettest.S3(t), "region="+buckettest.S3Region, "region=mars-1", 1)
	fails(t, open(t, address, blob.Options{}), errs.Unavailable, "is in another region")
	// As Amazon says it.
	moved := buckettest.Front(t, buckettest.S3Endpoint(t), func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("x-amz-bucket-region", "eu-west-3")
		refuse(w, http.StatusMovedPermanently, "PermanentRedirect")
		return true
	})
	fails(t, open(t, at(address, moved), blob.Options{}), errs.Unavailable, "is in another region (eu-west-3)")
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
}

func TestClockThatIsOff(t *testing.T) {
	address := buckettest.S3(t)
	for _, code := range []string{"RequestTimeTooSkewed", "SignatureDoesNotMatch"} {
		front := buckettest.Front(t, buckettest.S3Endpoint(t), func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
			refuse(w, http.StatusForbidden, code)
			return true
		})
		fails(t, open(t, at(address, front), blob.Options{}), errs.Unavailable, "the clock of this machine")
	}
}

func TestForbidden(t *testing.T) {
	front := buckettest.Front(t, buckettest.S3Endpoint(t), func(w http.ResponseWriter, r *http.Request) bool {
		refuse(w, http.StatusForbidden, "AccessDenied")
		return true
	})
	fails(t, open(t, at(buckettest.S3(t), front), blob.Options{}), errs.Forbidden, "s3:ListBucket on arn:aws:s3:::bucket-")
}

// An upload that breaks off leaves neither an object, nor parts that are paid
// for, nor an element.
func TestLineCutInMidUpload(t *testing.T) {
	address := buckettest.S3(t)
	line := buckettest.NewLine(t, buckettest.S3Endpoint(t), 12<<20)
	b := open(t, at(address, line.URL), blob.Options{})
	service := chat.NewService(memory.Open().Chat(), chat.Options{Files: b})
	t.Cleanup(func() { service.Close() })
	e := chat.Element{ID: "e", ThreadID: "t", Name: "n"}
	_, err := service.PutElement(t.Context(), e, strings.NewReader(strings.Repeat("x", 40<<20)))
	if !errors.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "cannot be reached") {
		t.Fatalf("%s %v", errs.KindOf(err), err)
	}
	if _, err := service.Element(t.Context(), chat.Ref{ID: "e"}); !errors.Is(err, errs.NotFound) {
		t.Errorf("half an element: %v", err)
	}
	line.Mend()
	if _, err := b.Open(t.Context(), "unknown/e/n"); !errors.Is(err, errs.NotFound) {
		t.Errorf("half an object: %v", err)
	}
	put, err := service.PutElement(t.Context(), e, strings.NewReader(strings.Repeat("y", 20<<20)))
	if err != nil || put.ObjectKey == "" {
		t.Fatal(err)
	}
}

func TestAnUploadWhoseSourceBreaksOffLeavesNoParts(t *testing.T) {
	address := buckettest.S3(t)
	b := open(t, address, blob.Options{})
	if _, err := b.Write(t.Context(), "k", &halting{left: 30 << 20}, ""); !errors.Is(err, errHalt) {
		t.Fatal(err)
	}
	bucket, _, _ := strings.Cut(strings.TrimPrefix(address, "s3://"), "?")
	// A part that was on its way when the upload was aborted may land after
	// that, and goes with the next look.
	for try := 0; ; try++ {
		parts, err := buckettest.S3Client(t).ListMultipartUploads(t.Context(), &awss3.ListMultipartUploadsInput{Bucket: &bucket})
		if err != nil || len(parts.Uploads) > 0 && try == 500 {
			t.Fatalf("%d uploads stay, %v", len(parts.Uploads), err)
		}
		if len(parts.Uploads) == 0 {
			return
		}
	}
}

var errHalt = errors.New("halt")

// halting gives zeros and then fails.
type halting struct{ left int }

func (h *halting) Read(p []byte) (int, error) {
	if h.left <= 0 {
		return 0, errHalt
	}
	n := min(len(p), h.left)
	h.left -= n
	return n, nil
}

func TestSigningAHundredURLsCostsNoCall(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	b := open(t, "s3://bucket?region=eu-central-1&endpoint=http://127.0.0.1:1&public_endpoint=https://files.example.org", blob.Options{})
	for n := range 100 {
		url, err := b.SignedURL(t.Context(), fmt.Sprint("k", n), "n", "image/png")
		if err != nil || !strings.HasPrefix(url, "https://files.example.org/bucket/k") {
			t.Fatal(url, err)
		}
	}
}

func TestURLs(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_REGION", "")
	for address, field := range map[string]string{
		"s3://b":                                  "needs a region",
		"s3://b?region=x&endpoint=host":           "endpoint is http://HOST",
		"s3://b?region=x&path_style=maybe":        "path_style is true or false",
		"s3://b/folder?region=x":                  "without a path",
		"s3://b?region=x&secret_access_key=hunt2": "there is no parameter",
	} {
		_, err := blob.Open(t.Context(), address, openers, blob.Options{})
		if !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), field) || strings.Contains(err.Error(), "hunt2") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
