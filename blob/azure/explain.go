package azure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/errs"
)

const credentialsRemedy = "Azure does not take the credentials: check AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, APP_AZURE_STORAGE_ACCESS_KEY, or log in"

// explain gives an error of Azure a kind by its code, and names the remedy.
func (a account) explain(err error) error {
	var answer *azcore.ResponseError
	var login *nobody
	var op *net.OpError
	var unsent *url.Error // what net/http makes of every request without an answer
	switch {
	case errors.As(err, &login):
		return login.explain()
	case errors.Is(err, context.Canceled):
		return errs.Wrap(errs.Unavailable, context.Canceled, "the call to the container was given up")
	case errors.Is(err, context.DeadlineExceeded):
		return errs.Wrap(errs.Unavailable, context.DeadlineExceeded, "the call to the container was given up")
	case errors.As(err, &answer):
		return a.answered(answer)
	case errors.As(err, &unsent), errors.As(err, &op), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errs.Wrap(errs.Unavailable, plain(err), "the container %q cannot be reached: check the network, and the name of the account (%s)", a.container, a.name)
	}
	return errs.Wrap(errs.Unavailable, plain(err), "the container %q failed: check the network and the account (%s)", a.container, a.name)
}

// plain is a cause without the address that was called, which may hold a token,
// and without who called whom.
func plain(err error) error {
	var op *net.OpError
	var dns *net.DNSError
	var u *url.Error
	switch {
	case errors.As(err, &dns):
		return dns
	case errors.As(err, &op):
		return op
	case errors.As(err, &u):
		return u.Err
	}
	return err
}

// status is a cause on one line: the library's own is a page with the answer's
// body.
type status struct {
	code int
	word string
}

func (s status) Error() string { return fmt.Sprintf("Azure answered %d %s", s.code, s.word) }

func (a account) answered(answer *azcore.ResponseError) error {
	cause := status{answer.StatusCode, answer.ErrorCode}
	header := http.Header{}
	if answer.RawResponse != nil {
		header = answer.RawResponse.Header
	}
	switch bloberror.Code(answer.ErrorCode) {
	case bloberror.BlobNotFound, "PathNotFound":
		return errs.Wrap(errs.NotFound, cause, "there are no bytes under this key")
	case bloberror.ContainerNotFound, bloberror.ContainerBeingDeleted, bloberror.ContainerDisabled, "FilesystemNotFound":
		return errs.Wrap(errs.Unavailable, cause, "there is no container %q in the account %s: make it, or check both names", a.container, a.name)
	case bloberror.AuthorizationPermissionMismatch, bloberror.InsufficientAccountPermissions,
		bloberror.AuthorizationSourceIPMismatch, bloberror.AuthorizationProtocolMismatch, bloberror.AuthorizationResourceTypeMismatch:
		return errs.Wrap(errs.Forbidden, cause, "these credentials may not do this in the container %q: an identity needs the role Storage Blob Data Contributor, a shared access signature the permissions rcwd, and the account's firewall must let this machine in", a.container)
	case bloberror.AuthorizationFailure: // a key's, a network's or a permission's
		return errs.Wrap(errs.Forbidden, cause, "the account %s refuses: its firewall must let this machine in, and the credentials must be its own: check AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, APP_AZURE_STORAGE_ACCESS_KEY", a.name)
	case bloberror.AuthenticationFailed, bloberror.InvalidAuthenticationInfo, bloberror.NoAuthenticationInformation:
		if blob.ClockOff(header, time.Now()) {
			return errs.Wrap(errs.Unavailable, cause, blob.ClockRemedy)
		}
		return errs.Wrap(errs.Unauthenticated, cause, credentialsRemedy)
	case bloberror.ServerBusy:
		return errs.Wrap(errs.Unavailable, cause, "the account throttles")
	case "PathConflict", "ResourceTypeMismatch", "DirectoryIsNotEmpty":
		return errs.Wrap(errs.Unavailable, cause, "the Data Lake has a folder where the file would be, or a file where its folder would be")
	}
	switch answer.StatusCode {
	case http.StatusNotFound: // an answer to HEAD has no word for it
		return errs.Wrap(errs.NotFound, cause, "there are no bytes under this key")
	case http.StatusUnauthorized:
		return errs.Wrap(errs.Unauthenticated, cause, credentialsRemedy)
	case http.StatusRequestEntityTooLarge:
		return errs.Wrap(errs.TooLarge, cause, "the container takes no object this large")
	}
	return errs.Wrap(errs.Unavailable, cause, "the container %q failed", a.container)
}
