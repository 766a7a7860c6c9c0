// Package amazon is what the rooms that call AWS have in common: how its
// configuration is read, and how its errors are told to people.
package amazon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/varvedb/varve/errs"
)

// Load reads what AWS's programs read: variables, profile, the role of the
// machine. The library's own lines are dropped, since they go past the
// program's log; what matters is in errors.
func Load(ctx context.Context, options ...func(*config.LoadOptions) error) (aws.Config, error) {
	options = append([]func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})}, options...)
	c, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return c, errs.Wrap(errs.Invalid, err, "AWS's configuration cannot be read: check AWS_PROFILE and the files in ~/.aws")
	}
	if c.Credentials != nil {
		c.Credentials = identity{c.Credentials}
	}
	return c, nil
}

// identity marks the errors of who gives credentials: by themselves they look
// like those of the service that was called, and of the network.
type identity struct{ aws.CredentialsProvider }

// Retrieve implements aws.CredentialsProvider.
func (i identity) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := i.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = &nobody{err}
	}
	return c, err
}

// nobody says that there are no credentials to call with.
type nobody struct{ error }

func (n *nobody) Unwrap() error { return n.error }

// NoCredentials is the error for a call that was not made because nothing gave
// credentials, and nil for any other. more names further places for them.
func NoCredentials(err error, more string) error {
	var n *nobody
	if !errors.As(err, &n) {
		return nil
	}
	cause := Cause(n.error)
	// The machine's role is asked for last: that there is none says nothing.
	var asked *smithy.OperationError
	if errors.As(n.error, &asked) && asked.ServiceID == imds.ServiceID {
		cause = errs.Short(err, "")
	}
	return errs.Wrap(errs.Unauthenticated, cause, "this machine has no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile with AWS_PROFILE, or give it a role%s", more)
}

// Unreached tells whether a request had no answer, or none that was whole.
func Unreached(err error) bool {
	var unsent *smithyhttp.RequestSendError
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &unsent) || errors.As(err, &op) || errors.As(err, &dns) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// Cause is an error with the text of what went wrong, without the list of who
// called whom: the code and the first line of an answer, since others repeat
// the request, or what the network said.
func Cause(err error) error {
	var api smithy.APIError
	var op *net.OpError
	var dns *net.DNSError
	var sent *url.Error
	switch {
	case errors.Is(err, context.Canceled):
		return errs.Short(err, context.Canceled.Error())
	case errors.As(err, &api):
		message, _, _ := strings.Cut(strings.TrimSpace(api.ErrorMessage()), "\n")
		said := cmp.Or(api.ErrorCode(), "an error without a code")
		if message != "" && message != said {
			said += ": " + message
		}
		var answer interface{ ServiceRequestID() string }
		if errors.As(err, &answer) && answer.ServiceRequestID() != "" {
			said += fmt.Sprintf(" (request %s)", answer.ServiceRequestID())
		}
		return errs.Short(err, said)
	case errors.As(err, &dns):
		return errs.Short(err, dns.Error())
	case errors.As(err, &op):
		return errs.Short(err, op.Error())
	case errors.As(err, &sent):
		return errs.Short(err, sent.Err.Error())
	}
	return err
}
