package buckettest

import (
	"net/url"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"

	"github.com/varvedb/varve/internal/daemon"
)

// The account that every Azurite has; its key is public.
const (
	AzureAccount = "devstoreaccount1"
	AzureKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

var azureServer = &server{start: func(dir, port string) (*exec.Cmd, error) {
	return azurite(dir, "--blobPort", port)
}}

func azurite(dir string, more ...string) (*exec.Cmd, error) {
	program, err := daemon.Cached("azurite-3.37.0/node_modules/.bin/azurite-blob", remedy)
	if err != nil {
		return nil, err
	}
	at, err := subfolders(dir, "data")
	if err != nil {
		return nil, err
	}
	return exec.Command(program, append([]string{"--blobHost", "127.0.0.1", "--location", at[0], "--silent",
		"--disableTelemetry", "--skipApiVersionCheck"}, more...)...), nil
}

// Azure is the URL of an empty container. Its account's key is [AzureKey].
func Azure(t testing.TB) string {
	t.Helper()
	return newContainer(t, "http://"+azureServer.run(t)+"/"+AzureAccount, nil)
}

func newContainer(t testing.TB, endpoint string, transport policy.Transporter) string {
	t.Helper()
	bucket := name()
	cred, err := azblob.NewSharedKeyCredential(AzureAccount, AzureKey)
	if err != nil {
		t.Fatal(err)
	}
	client, err := container.NewClientWithSharedKeyCredential(endpoint+"/"+bucket, cred,
		&container.ClientOptions{ClientOptions: policy.ClientOptions{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return "azblob://" + bucket + "?account=" + AzureAccount + "&endpoint=" + endpoint
}

// AzureToken is a shared access signature for the account, as its portal makes
// them.
func AzureToken(t testing.TB) string {
	t.Helper()
	cred, err := azblob.NewSharedKeyCredential(AzureAccount, AzureKey)
	if err != nil {
		t.Fatal(err)
	}
	q, err := sas.AccountSignatureValues{Protocol: sas.ProtocolHTTPSandHTTP, ExpiryTime: time.Now().UTC().Add(time.Hour),
		Permissions:   (&sas.AccountPermissions{Read: true, Create: true, Write: true, Delete: true}).String(),
		ResourceTypes: (&sas.AccountResourceTypes{Object: true}).String()}.SignWithSharedKey(cred)
	if err != nil {
		t.Fatal(err)
	}
	return q.Encode()
}

// AzureNames are the names of all that is in a container, sorted.
func AzureNames(t testing.TB, address string) (names []string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	cred, err := azblob.NewSharedKeyCredential(AzureAccount, AzureKey)
	if err != nil {
		t.Fatal(err)
	}
	client, err := container.NewClientWithSharedKeyCredential(u.Query().Get("endpoint")+"/"+u.Host, cred, nil)
	if err != nil {
		t.Fatal(err)
	}
	for pages := client.NewListBlobsFlatPager(nil); pages.More(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page.Segment.BlobItems {
			names = append(names, *b.Name)
		}
	}
	slices.Sort(names)
	return names
}
