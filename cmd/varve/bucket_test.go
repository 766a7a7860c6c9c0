package main

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/varvedb/varve/internal/buckettest"
)

// TestBucket runs commands on elements that lie in a bucket.
func TestBucket(t *testing.T) {
	runScriptsOn(t, "testdata/bucket", "", func(e *testscript.Env) error {
		address := buckettest.S3(t)
		bucket, _, _ := strings.Cut(strings.TrimPrefix(address, "s3://"), "?")
		for name, value := range map[string]string{
			"S3": address, "OTHER": buckettest.S3(t), "BUCKET": bucket, "ENDPOINT": buckettest.S3Endpoint(t), "REGION": buckettest.S3Region,
			"KEY": buckettest.S3Key, "SECRET": buckettest.S3Secret,
			"AWS_ACCESS_KEY_ID": buckettest.S3Key, "AWS_SECRET_ACCESS_KEY": buckettest.S3Secret, "AWS_EC2_METADATA_DISABLED": "true",
		} {
			e.Setenv(name, value)
		}
		return nil
	})
}
