package azure

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/varvedb/varve/errs"
)

// identity marks the errors of who gives tokens, which are of many kinds.
type identity struct{ azcore.TokenCredential }

// GetToken implements azcore.TokenCredential.
func (i identity) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	t, err := i.TokenCredential.GetToken(ctx, o)
	if err != nil && ctx.Err() == nil {
		err = &nobody{err}
	}
	return t, err
}

// nobody says that nothing gave a token to call with.
type nobody struct{ error }

func (n *nobody) Unwrap() error { return n.error }

// explain tells what Azure said of credentials that were tried. That there are
// none is told by the library on a page that lists where it looked, which is
// not repeated.
func (n *nobody) explain() error {
	var refused *azidentity.AuthenticationFailedError
	if errors.As(n.error, &refused) && refused.RawResponse != nil {
		if said := description(refused.RawResponse); said != "" {
			return errs.Wrap(errs.Unauthenticated, errs.Short(n.error, said), credentialsRemedy)
		}
	}
	return errs.Wrap(errs.Unauthenticated, errs.Short(n.error, ""), nobodyRemedy)
}

const nobodyRemedy = "this machine has no credentials for Azure: set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN; or APP_AZURE_STORAGE_ACCOUNT and APP_AZURE_STORAGE_ACCESS_KEY; or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; or give it an identity; or run `az login`"

// description is what Azure's login says, on one line.
func description(r *http.Response) string {
	var said struct {
		Description string `json:"error_description"`
	}
	body, err := runtime.Payload(r) // leaves it to be read again
	if err != nil || json.Unmarshal(body, &said) != nil {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(said.Description), "\n")
	return strings.TrimSpace(line)
}
