package gcs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/errs"
)

// explainer gives an error of Google's a kind by its status, and names the
// remedy.
func explainer(bucket string) func(error) error {
	return func(err error) error {
		var answer *googleapi.Error
		var login *auth.Error
		var op *net.OpError
		var dns *net.DNSError
		switch {
		case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
			return errs.Wrap(errs.Unavailable, cause(err), "the call to the bucket was given up")
		case errors.Is(err, storage.ErrBucketNotExist):
			return missing(bucket, err)
		case errors.Is(err, storage.ErrObjectNotExist):
			return absent(bucket, err)
		case errors.As(err, &answer):
			return answered(bucket, answer)
		case errors.As(err, &login):
			return refused(bucket, login)
		case errors.As(err, &op), errors.As(err, &dns):
			return errs.Wrap(errs.Unavailable, cause(err), "the bucket %q cannot be reached: check the network and the endpoint", bucket)
		}
		return errs.Wrap(errs.Unavailable, err, "the bucket %q failed: check the network, the endpoint, and that this machine has credentials", bucket)
	}
}

// refused is the error for an answer of who gives tokens, which is asked before
// the bucket is.
func refused(bucket string, err *auth.Error) error {
	if err.Temporary() {
		return errs.Wrap(errs.Unavailable, err, "Google Cloud gives no token for the bucket %q at the moment; try again", bucket)
	}
	if err.Response != nil && blob.ClockOff(err.Response.Header, time.Now()) {
		return errs.Wrap(errs.Unavailable, err, blob.ClockRemedy)
	}
	return errs.Wrap(errs.Unauthenticated, err, credentialsRemedy)
}

// cause is an error with the text of what went wrong, without the list of who
// called whom.
func cause(err error) error {
	var answer *googleapi.Error
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.Canceled):
		return errs.Short(err, context.Canceled.Error())
	case errors.As(err, &answer):
		message, _, _ := strings.Cut(strings.TrimSpace(answer.Message), "\n")
		return errs.Short(err, strings.TrimSpace(fmt.Sprintf("Google answered %d %s", answer.Code, message)))
	case errors.As(err, &dns):
		return errs.Short(err, dns.Error())
	case errors.As(err, &op):
		return errs.Short(err, op.Error())
	}
	return err
}

// absent tells a missing bucket from a missing object, for which Google has one
// code; only the words of the answer differ, and stand where the kind of request
// puts them.
func absent(bucket string, err error) error {
	var answer *googleapi.Error
	if errors.As(err, &answer) && strings.Contains(answer.Message+answer.Body, "The specified bucket does not exist") {
		return missing(bucket, err)
	}
	return errs.Wrap(errs.NotFound, cause(err), "there are no bytes under this key")
}

func missing(bucket string, err error) error {
	return errs.Wrap(errs.Unavailable, cause(err), "there is no bucket %q: make it, or check its name and the endpoint", bucket)
}

func answered(bucket string, err *googleapi.Error) error {
	switch err.Code {
	case http.StatusNotFound:
		return absent(bucket, err)
	case http.StatusUnauthorized:
		if blob.ClockOff(err.Header, time.Now()) {
			return errs.Wrap(errs.Unavailable, cause(err), blob.ClockRemedy)
		}
		return errs.Wrap(errs.Unauthenticated, cause(err), credentialsRemedy)
	case http.StatusForbidden:
		return errs.Wrap(errs.Forbidden, cause(err), "these credentials may not do this in the bucket %q: they need the role Storage Object Admin (roles/storage.objectAdmin) on it", bucket)
	case http.StatusTooManyRequests:
		return errs.Wrap(errs.Unavailable, cause(err), "the bucket throttles")
	case http.StatusRequestEntityTooLarge:
		return errs.Wrap(errs.TooLarge, cause(err), "the bucket takes no object this large")
	}
	return errs.Wrap(errs.Unavailable, cause(err), "the bucket %q failed (%d)", bucket, err.Code)
}
