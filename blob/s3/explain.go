package s3

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/errs"
)

const credentialsRemedy = "the bucket does not take the credentials: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile, the role of this machine, or APP_AWS_ACCESS_KEY and APP_AWS_SECRET_KEY"

// explain gives an error of S3 a kind by its code, and names the remedy.
func (p place) explain(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return errs.Wrap(errs.Unavailable, err, "the call to the bucket was given up")
	}
	if beforeTheBucket(err) {
		return errs.Wrap(errs.Unauthenticated, err, credentialsRemedy)
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return p.answered(api.ErrorCode(), err)
	}
	var unsent *smithyhttp.RequestSendError
	var op *net.OpError
	// A request without an answer never reached the bucket, whatever the line
	// said; an answer that is cut ends as an error of the network or as an early
	// end.
	if errors.As(err, &unsent) || errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errs.Wrap(errs.Unavailable, err, "the bucket %q cannot be reached: check the network, the region and the endpoint", p.bucket)
	}
	return errs.Wrap(errs.Unavailable, err, "the bucket %q failed: check the network, the region, the endpoint, and that this machine has AWS credentials", p.bucket)
}

// beforeTheBucket tells whether it was another service that failed: the one that
// gives credentials.
func beforeTheBucket(err error) bool {
	var ours, theirs *smithy.OperationError
	return errors.As(err, &ours) && errors.As(ours.Err, &theirs) && theirs.ServiceID != ours.ServiceID
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
