package buckettest

import (
	"os/exec"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

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
	endpoint, bucket := "http://"+azureServer.run(t)+"/"+AzureAccount, name()
	cred, err := azblob.NewSharedKeyCredential(AzureAccount, AzureKey)
	if err != nil {
		t.Fatal(err)
	}
	client, err := container.NewClientWithSharedKeyCredential(endpoint+"/"+bucket, cred, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return "azblob://" + bucket + "?account=" + AzureAccount + "&endpoint=" + endpoint
}
