package buckettest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// identityEndpoint names the account in the host, as the cloud does; its client
// knows the way.
const identityEndpoint = "https://" + AzureAccount + ".blob.localhost"

// identityServer takes identities, for which it wants TLS.
var identityServer = &server{start: func(dir, port string) (*exec.Cmd, error) {
	cert, key, err := certificate(dir)
	if err != nil {
		return nil, err
	}
	return azurite(dir, "--blobPort", port, "--oauth", "basic", "--cert", cert, "--key", key)
}}

// AzureIdentity is the URL of an empty container for an identity, which may be
// given a key to sign with. The client trusts the server.
func AzureIdentity(t testing.TB) (url string, id *Identity, client *http.Client) {
	t.Helper()
	address := identityServer.run(t)
	ca, err := os.ReadFile(filepath.Join(identityServer.dir, "cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, address)
		}}}
	t.Cleanup(client.CloseIdleConnections)
	return newContainer(t, identityEndpoint, client), new(Identity), client
}

// Identity is somebody who logged in.
type Identity struct{ Asked atomic.Int64 }

// GetToken implements azcore.TokenCredential. The server looks at who is
// named, for what and until when, and not at the signature.
func (id *Identity) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	id.Asked.Add(1)
	now := time.Now()
	until := now.Add(time.Hour)
	claims, err := json.Marshal(map[string]any{"aud": "https://storage.azure.com", "iss": "https://sts.windows.net/varve/",
		"iat": now.Add(-time.Minute).Unix(), "nbf": now.Add(-time.Minute).Unix(), "exp": until.Unix(), "ver": "1.0",
		"oid": "00000000-0000-0000-0000-000000000001", "tid": "00000000-0000-0000-0000-000000000002"})
	part := base64.RawURLEncoding.EncodeToString
	return azcore.AccessToken{Token: part([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + part(claims) + "." + part([]byte("unsigned")), ExpiresOn: until}, err
}

// certificate writes one for this machine into dir.
func certificate(dir string) (cert, key string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{AzureAccount + ".blob.localhost", AzureAccount + ".blob.core.windows.net"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return "", "", err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", err
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return "", "", err
	}
	return cert, key, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600)
}
