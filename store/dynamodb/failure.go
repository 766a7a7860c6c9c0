package dynamodb

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/amazon"
)

// errMoved says that a write found another state than it was made for.
var errMoved = errors.New("the item changed meanwhile")

// errThrottled is in errors of transactions that DynamoDB was too busy for: it
// refuses those whole, and the SDK does not try them again.
var errThrottled = errors.New("throttled")

const throttledRemedy = "DynamoDB throttles: the table's capacity is spent; raise it, or use on-demand billing"

// failed classifies an error by its code and names the remedy.
func (c *client) failed(operation string, err error) error {
	if nobody := amazon.NoCredentials(err, ""); nobody != nil {
		return nobody
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return errs.Wrap(errs.Unavailable, amazon.Cause(err), "the call was given up")
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return c.answered(operation, api.ErrorCode(), amazon.Cause(err))
	}
	if amazon.Unreached(err) {
		return errs.Wrap(errs.Unavailable, amazon.Cause(err), "DynamoDB cannot be reached: check the network, the region (%s) and the endpoint in the URL", c.db.Options().Region)
	}
	return errs.Wrap(errs.Unavailable, err, "%s failed: check the network, the region and the endpoint", operation)
}

const credentialsRemedy = "AWS did not accept the credentials: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile, or the role of this machine, and that its clock is right"

// answered is the error for a code that DynamoDB answered.
func (c *client) answered(operation, code string, err error) error {
	switch code {
	case "ConditionalCheckFailedException", "TransactionConflictException":
		return errMoved
	case "TransactionCanceledException":
		return c.canceled(err)
	case "TransactionInProgressException":
		return errs.Wrap(errs.Unavailable, err, "an earlier try of the same write is still running")
	case "ResourceNotFoundException":
		return errs.Wrap(errs.Unavailable, err, "there is no table %q with the index %s in the region %s: check the table's name and the region, or make it with `varve doctor --apply`", c.table, index, c.db.Options().Region)
	case "UnrecognizedClientException", "InvalidSignatureException", "MissingAuthenticationTokenException",
		"IncompleteSignatureException", "ExpiredTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch":
		return errs.Wrap(errs.Unauthenticated, err, credentialsRemedy)
	case "AccessDeniedException":
		return errs.Wrap(errs.Forbidden, err, "these credentials may not %s on the table %q: give their role dynamodb:%s on the table and its indexes", operation, c.table, operation)
	case "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded":
		return errs.Wrap(errs.Unavailable, err, throttledRemedy)
	case "ItemCollectionSizeLimitExceededException":
		return errs.Wrap(errs.TooLarge, err, "the conversation is larger than the table can hold")
	case "ValidationException":
		return errs.Wrap(errs.Internal, err, "DynamoDB refused the form of %s", operation)
	}
	return errs.Wrap(errs.Unavailable, err, "DynamoDB failed at %s (%s)", operation, code)
}

// canceled tells a transaction that met another state, or another
// transaction, from one that can never work.
func (c *client) canceled(err error) error {
	var why *types.TransactionCanceledException
	if !errors.As(err, &why) {
		return errMoved
	}
	for _, r := range why.CancellationReasons {
		code := ""
		if r.Code != nil {
			code = *r.Code
		}
		switch code {
		case "", "None", "ConditionalCheckFailed", "TransactionConflict":
		case "ThrottlingError", "ProvisionedThroughputExceeded":
			return errs.Wrap(errs.Unavailable, fmt.Errorf("%w: %w", errThrottled, err), throttledRemedy)
		default:
			return errs.Wrap(errs.Internal, err, "DynamoDB refused a transaction (%s)", code)
		}
	}
	return errMoved
}
