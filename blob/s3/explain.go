package s3

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/amazon"
)

// chainlits are where credentials may be beside AWS's own places.
const chainlits = "; or set APP_AWS_ACCESS_KEY, APP_AWS_SECRET_KEY and APP_AWS_REGION"

const credentialsRemedy = "the bucket does not take the credentials: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile, the role of this machine, or APP_AWS_ACCESS_KEY and APP_AWS_SECRET_KEY"

// explain gives an error of S3 a kind by its code, and names the remedy.
func (p place) explain(err error) error {
	if nobody := amazon.NoCredentials(err, chainlits); nobody != nil {
		return nobody
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return errs.Wrap(errs.Unavailable, amazon.Cause(err), "the call to the bucket was given up")
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return p.answered(api.ErrorCode(), amazon.Cause(err))
	}
	if amazon.Unreached(err) {
		return errs.Wrap(errs.Unavailable, amazon.Cause(err), "the bucket %q cannot be reached: check the network, the region and the endpoint", p.bucket)
	}
	return errs.Wrap(errs.Unavailable, err, "the bucket %q failed: check the network, the region and the endpoint", p.bucket)
}

// answered is the error for a code that S3 answered. A request without a body
// in its answer has the status for a code.
func (p place) answered(code string, err error) error {
	header := http.Header{}
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil {
		header = answer.Response.Header
	}
	switch code {
	case "NoSuchKey", "NotFound":
		return errs.Wrap(errs.NotFound, err, "there are no bytes under this key")
	case "NoSuchBucket":
		return errs.Wrap(errs.Unavailable, err, "there is no bucket %q: make it, or check its name and the endpoint", p.bucket)
	case "PermanentRedirect", "MovedPermanently", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException":
		return errs.Wrap(errs.Unavailable, err, "the bucket %q is in another region%s: write s3://%s?region=REGION", p.bucket, named(header.Get("X-Amz-Bucket-Region")), p.bucket)
	case "RequestTimeTooSkewed", "RequestExpired":
		return errs.Wrap(errs.Unavailable, err, blob.ClockRemedy)
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired", "AuthFailure":
		if blob.ClockOff(header, time.Now()) {
			return errs.Wrap(errs.Unavailable, err, blob.ClockRemedy)
		}
		return errs.Wrap(errs.Unauthenticated, err, credentialsRemedy)
	case "AccessDenied", "Forbidden", "AllAccessDisabled", "AccountProblem":
		return errs.Wrap(errs.Forbidden, err, "these credentials may not do this in the bucket: they need s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on arn:aws:s3:::%[1]s/*, and s3:ListBucket on arn:aws:s3:::%[1]s, without which a missing object is forbidden too", p.bucket)
	case "SlowDown", "Throttling", "RequestLimitExceeded", "TooManyRequests":
		return errs.Wrap(errs.Unavailable, err, "the bucket throttles")
	case "ConditionalRequestConflict":
		return errs.Wrap(errs.Conflict, err, "the object is being written or deleted by somebody else; try again")
	case "EntityTooLarge":
		return errs.Wrap(errs.TooLarge, err, "the bucket takes no object this large")
	case "InvalidBucketName":
		return errs.Wrap(errs.Invalid, err, "%q cannot be a bucket's name: those have 3 to 63 lower-case letters, digits, dots and hyphens", p.bucket)
	case "KeyTooLongError":
		return errs.Wrap(errs.Invalid, err, "the object's key is longer than the bucket allows")
	}
	return errs.Wrap(errs.Unavailable, err, "the bucket %q failed (%s)", p.bucket, code)
}

func named(region string) string {
	if region == "" {
		return ""
	}
	return " (" + region + ")"
}
