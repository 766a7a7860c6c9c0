// Package s3 opens buckets of Amazon S3 and of whatever speaks its protocol.
//
//	s3://BUCKET?region=eu-central-1
//	s3://BUCKET?endpoint=http://127.0.0.1:9000
//	s3://BUCKET?endpoint=http://minio:9000&public_endpoint=https://files.example.org
//
// Credentials come from where AWS's programs take them (environment, profile,
// role), or from the variables that Chainlit reads: APP_AWS_ACCESS_KEY,
// APP_AWS_SECRET_KEY and APP_AWS_REGION, with DEV_AWS_ENDPOINT.
package s3

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	gcblob "gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/amazon"
)

// place is where a bucket is, as its URL and the environment say.
type place struct {
	bucket, region, endpoint, public string
	pathStyle                        bool
	credentials                      aws.CredentialsProvider // nil: AWS's chain
}

// Open is a blob.Opener.
func Open(ctx context.Context, u *url.URL, opt blob.Options) (*blob.Bucket, error) {
	p, err := parse(u)
	if err != nil {
		return nil, err
	}
	cfg, err := p.load(ctx)
	if err != nil {
		return nil, err
	}
	client := p.client(cfg, p.endpoint)
	b, err := s3blob.OpenBucket(ctx, client, p.bucket, nil)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "the bucket cannot be opened")
	}
	shown := b
	if p.public != "" {
		if shown, err = s3blob.OpenBucket(ctx, p.client(cfg, p.public), p.bucket, nil); err != nil {
			return nil, errs.Wrap(errs.Invalid, err, "the bucket cannot be opened")
		}
	}
	return blob.New(blob.Drive{Bucket: b, Sign: signer(shown), Delete: p.deleter(client), Explain: p.explain}, opt), nil
}

func parse(u *url.URL) (place, error) {
	q, err := blob.Parameters(u, "region", "endpoint", "public_endpoint", "path_style")
	if err != nil {
		return place{}, err
	}
	p := place{bucket: u.Host, region: q.Get("region")}
	if p.endpoint, err = blob.Endpoint("endpoint", q.Get("endpoint")); err != nil {
		return p, err
	}
	if p.public, err = blob.Endpoint("public_endpoint", q.Get("public_endpoint")); err != nil {
		return p, err
	}
	if blob.Set(os.Getenv, "APP_AWS_ACCESS_KEY", "APP_AWS_SECRET_KEY", "APP_AWS_REGION") {
		p.credentials = credentials.NewStaticCredentialsProvider(os.Getenv("APP_AWS_ACCESS_KEY"), os.Getenv("APP_AWS_SECRET_KEY"), "")
		p.region = first(p.region, os.Getenv("APP_AWS_REGION"))
		if p.endpoint == "" {
			if p.endpoint, err = blob.Endpoint("DEV_AWS_ENDPOINT", os.Getenv("DEV_AWS_ENDPOINT")); err != nil {
				return p, err
			}
		}
	}
	switch q.Get("path_style") {
	case "true":
		p.pathStyle = true
	case "false":
	case "":
		p.pathStyle = p.endpoint != "" // servers elsewhere seldom have a host name for each bucket
	default:
		return p, errs.Field(errs.Invalid, "elements", "path_style is true or false")
	}
	return p, nil
}

// load reads what AWS's programs read.
func (p place) load(ctx context.Context) (aws.Config, error) {
	var options []func(*config.LoadOptions) error
	if p.region != "" {
		options = append(options, config.WithRegion(p.region))
	}
	if p.credentials != nil {
		options = append(options, config.WithCredentialsProvider(p.credentials))
	}
	cfg, err := amazon.Load(ctx, options...)
	if err != nil {
		return cfg, err
	}
	if cfg.Region == "" {
		if p.endpoint == "" && cfg.BaseEndpoint == nil {
			return cfg, errs.Field(errs.Invalid, "elements", "needs a region: s3://BUCKET?region=eu-central-1, or AWS_REGION")
		}
		cfg.Region = "us-east-1" // what servers that have no regions expect
	}
	return cfg, nil
}

func (p place) client(cfg aws.Config, endpoint string) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
		o.UsePathStyle = p.pathStyle
		// Not every server that speaks the protocol knows the newer checksums.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("AbortOutlivesItsCaller", outlive), middleware.Before)
		})
	})
}

// abortPatience is how long the parts of an upload may take to be dropped.
const abortPatience = 10 * time.Second

// outlive lets the parts of an upload be dropped although who uploaded is gone:
// the library uses the same context for both.
func outlive(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	if _, abort := in.Parameters.(*s3.AbortMultipartUploadInput); abort {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), abortPatience)
		defer cancel()
	}
	return next.HandleInitialize(ctx, in)
}

// deleter deletes without asking first, as the bucket's library does, whose
// question costs a call and takes a missing bucket for a missing object.
func (p place) deleter(client *s3.Client) func(context.Context, string) error {
	return func(ctx context.Context, key string) error {
		name := blob.Escape(key, func(c rune) bool { return c < ' ' })
		_, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &p.bucket, Key: &name})
		return err
	}
}

// signer makes presigned URLs, which costs no call. The bucket's library does
// it, since it writes a few names otherwise than they are.
func signer(b *gcblob.Bucket) func(context.Context, string, blob.Link) (string, error) {
	return func(ctx context.Context, key string, l blob.Link) (string, error) {
		signed, err := b.SignedURL(ctx, key, &gcblob.SignedURLOptions{Method: http.MethodGet, Expiry: l.TTL,
			BeforeSign: func(as func(any) bool) error {
				var in *s3.GetObjectInput
				if !as(&in) {
					return errors.New("the library signs something else")
				}
				mime, disposition := l.Shown()
				in.ResponseContentType, in.ResponseContentDisposition = &mime, &disposition
				return nil
			}})
		if err != nil {
			if nobody := amazon.NoCredentials(err, chainlits); nobody != nil {
				return "", nobody
			}
			return "", errs.Wrap(errs.Unauthenticated, amazon.Cause(err), credentialsRemedy)
		}
		return signed, nil
	}
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
