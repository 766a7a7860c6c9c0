package buckettest

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/varvedb/varve/internal/daemon"
)

// What the S3 server takes.
const (
	S3Key    = "varve"
	S3Secret = "varve-secret"
	S3Region = "eu-central-1"
)

var s3Server = &server{start: func(dir, port string) (*exec.Cmd, error) {
	program, err := daemon.Cached("versitygw-v1.8.0/versitygw", remedy)
	if err != nil {
		return nil, err
	}
	at, err := subfolders(dir, "data", "meta", "iam")
	if err != nil {
		return nil, err
	}
	return exec.Command(program, "--access", S3Key, "--secret", S3Secret, "--region", S3Region, "--port", "127.0.0.1:"+port,
		"--iam-dir", at[2], "--quiet", "posix", "--sidecar", at[1], at[0]), nil
}}

// S3Endpoint is where the S3 server of this process answers. It also gives the
// process its credentials.
func S3Endpoint(t testing.TB) string {
	t.Helper()
	os.Setenv("AWS_ACCESS_KEY_ID", S3Key)
	os.Setenv("AWS_SECRET_ACCESS_KEY", S3Secret)
	return "http://" + s3Server.run(t)
}

// S3 is the URL of an empty S3 bucket.
func S3(t testing.TB) string {
	t.Helper()
	endpoint, bucket := S3Endpoint(t), name()
	client := S3Client(t)
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("s3://%s?region=%s&endpoint=%s", bucket, S3Region, endpoint)
}

// S3Client calls the S3 server, for tests that look at what is stored.
func S3Client(t testing.TB) *s3.Client {
	t.Helper()
	return s3.New(s3.Options{Region: S3Region, BaseEndpoint: aws.String(S3Endpoint(t)), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(S3Key, S3Secret, "")})
}
