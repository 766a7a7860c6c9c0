// Package gcs opens buckets of Google Cloud Storage.
//
//	gs://BUCKET
//	gs://BUCKET?endpoint=http://127.0.0.1:4443
//
// Credentials are the application's default ones, or those that Chainlit reads:
// APP_GCS_PROJECT_ID, APP_GCS_CLIENT_EMAIL and APP_GCS_PRIVATE_KEY. A server
// that is named by an http endpoint is asked without any.
package gcs

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob/gcsblob"
	"google.golang.org/api/option"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/errs"
)

const (
	credentialsRemedy = "Google Cloud does not take the credentials: run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS, or APP_GCS_PROJECT_ID, APP_GCS_CLIENT_EMAIL and APP_GCS_PRIVATE_KEY"
	nobodyRemedy      = "this machine has no credentials for Google Cloud that can be used: run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS, or APP_GCS_PROJECT_ID, APP_GCS_CLIENT_EMAIL and APP_GCS_PRIVATE_KEY"
)

// tries is how often a call is made.
const tries = 4

// Open is a blob.Opener.
func Open(ctx context.Context, u *url.URL, opt blob.Options) (*blob.Bucket, error) {
	q, err := blob.Parameters(u, "endpoint")
	if err != nil {
		return nil, err
	}
	endpoint, err := blob.Endpoint("endpoint", q.Get("endpoint"))
	if err != nil {
		return nil, err
	}
	account, err := credentials()
	if err != nil {
		return nil, err
	}
	key, err := privateKey(account.Key)
	if err != nil {
		return nil, err
	}
	client, err := storage.NewClient(ctx, account.options(endpoint)...)
	if err != nil {
		return nil, errs.Wrap(errs.Unauthenticated, err, nobodyRemedy)
	}
	// Without a bound the library tries for as long as its caller waits.
	client.SetRetry(storage.WithMaxAttempts(tries))
	b, err := gcsblob.OpenBucket(ctx, nil, u.Host, &gcsblob.Options{Client: client})
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "the bucket cannot be opened")
	}
	s := signer{bucket: client.Bucket(u.Host), email: account.Email, key: key, now: time.Now}
	if endpoint != "" {
		s.host, s.insecure = strings.CutPrefix(endpoint, "http://")
		s.host = strings.TrimPrefix(s.host, "https://")
	}
	return blob.New(blob.Drive{Bucket: b, Sign: remember(s.sign, time.Now), Explain: explainer(u.Host)}, opt), nil
}

// serviceAccount is the part of a key file that signs; without a Key there is
// none at hand.
type serviceAccount struct {
	Type  string `json:"type"`
	Email string `json:"client_email"`
	Key   string `json:"private_key"`
	Token string `json:"token_uri"`

	chainlit bool // from Chainlit's variables
}

// credentials are those of Chainlit's variables, if they are set. A file of
// default credentials that holds a key signs with it too.
func credentials() (a serviceAccount, err error) {
	if blob.Set(os.Getenv, "APP_GCS_PROJECT_ID", "APP_GCS_CLIENT_EMAIL", "APP_GCS_PRIVATE_KEY") {
		key := strings.ReplaceAll(os.Getenv("APP_GCS_PRIVATE_KEY"), `\n`, "\n") // as it stands in .env files
		return serviceAccount{Type: "service_account", Email: os.Getenv("APP_GCS_CLIENT_EMAIL"), Key: key,
			Token: "https://oauth2.googleapis.com/token", chainlit: true}, nil
	}
	path := os.Getenv("GOOGLE_APPLICATION_CREDENTIALS")
	if path == "" {
		return a, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return a, errs.Wrap(errs.Invalid, err, "the file that GOOGLE_APPLICATION_CREDENTIALS names cannot be read")
	}
	if json.Unmarshal(raw, &a) != nil {
		// Not the cause: it may repeat a part of the file.
		return a, errs.New(errs.Invalid, "the file that GOOGLE_APPLICATION_CREDENTIALS names cannot be read as JSON")
	}
	return a, nil
}

func (a serviceAccount) options(endpoint string) []option.ClientOption {
	var options []option.ClientOption
	if endpoint != "" {
		options = append(options, option.WithEndpoint(endpoint+"/storage/v1/"), storage.WithJSONReads())
	}
	switch {
	case strings.HasPrefix(endpoint, "http://"): // no place for a token
		options = append(options, option.WithoutAuthentication())
	case a.chainlit:
		raw, _ := json.Marshal(a) // texts: cannot fail
		options = append(options, option.WithAuthCredentialsJSON(option.ServiceAccount, raw))
	}
	return options
}
