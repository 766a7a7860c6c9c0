package mysql_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/store/mysql"
)

func TestEncryptedConnections(t *testing.T) {
	url, authority := mytest.NewTLS(t)
	other := filepath.Join(t.TempDir(), "other.pem")
	if err := os.WriteFile(other, []byte(strangers), 0o600); err != nil {
		t.Fatal(err)
	}
	for parameters, remedy := range map[string]string{ // "" where it works
		"?ssl_ca=" + authority: "",
		"?tls=skip-verify":     "",
		"?tls=preferred":       "",
		"?tls=true":            "?ssl_ca=FILE", // the system does not know who signed this
		"?ssl_ca=" + other:     "?ssl_ca=FILE",
		"":                     "?tls=true",
	} {
		db, err := mysql.Open(t.Context(), url+parameters, mysql.Options{})
		if err == nil {
			err = db.Ping(t.Context())
			db.Close()
		}
		if remedy == "" && err == nil {
			continue
		}
		if remedy == "" || errs.KindOf(err) != errs.Unavailable || !strings.Contains(err.Error(), remedy) {
			t.Errorf("%q: %v", parameters, err)
		}
	}
}

// strangers is a certificate that signed nothing here.
const strangers = `-----BEGIN CERTIFICATE-----
MIIBgTCCASegAwIBAgIUZI94BZEzLtt8gspt+jq05ZyDdIMwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKYSBzdHJhbmdlcjAgFw0yNjExMjEwNDQyNDhaGA8yMTI2MTAy
ODA0NDI0OFowFTETMBEGA1UEAwwKYSBzdHJhbmdlcjBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABPu6zYWm12xepiplzfrvv/Eqz2Wd0607lqovk0KYKGbFQMgKv/H4
+EEoDGI+jo+xVZDcxJKTeZym0a+Jzhg2+eujUzBRMB0GA1UdDgQWBBTYFk6DwW6A
9NklXCNQTEvtMV1hvjAfBgNVHSMEGDAWgBTYFk6DwW6A9NklXCNQTEvtMV1hvjAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIAL7OM+zJwB9K5/B3ju5
cIXS/g2yBAEpeBoYETDU2OOFAiEAh/fB5w55opxoqa2JE/wwXymkPMVYBB8BbXV2
ryuSyNk=
-----END CERTIFICATE-----
`
