// Package erasure is the receipt of a person's erasure: what was removed, what
// is left, and who says so.
//
//	receipt, err := erasure.Sign(seed, report)
//	report, err := erasure.Verify(raw, key)
//
// A receipt holds no personal data: it counts, and names its subject by a code
// that only the database's owner can make again. It is signed with Ed25519 by a
// key that the database keeps, so that whoever knows the public half can tell
// that it is of that database and unchanged, without being able to make one.
package erasure

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// Format is the version of the form of a report.
const Format = 1

// Report is what happened.
type Report struct {
	Format   int         `json:"format"`
	ID       string      `json:"id" doc:"of this receipt"`
	Subject  string      `json:"subject" doc:"a code for the person: the database makes it of their identifier and a secret"`
	Began    time.Time   `json:"began"`
	Ended    time.Time   `json:"ended"`
	Complete bool        `json:"complete" doc:"all was removed that can be reached; else repeat it"`
	DryRun   bool        `json:"dryRun,omitempty" doc:"nothing was removed: it is what would be"`
	Removed  chat.Erased `json:"removed" doc:"by this run; a run before it that broke off has removed the rest"`
	Cleaned  []string    `json:"cleaned" nullable:"false" doc:"what was done about traces in files"`
	Kept     []Kept      `json:"kept" nullable:"false" doc:"rows of versioned tables whose owner the person is: they are no conversations, and stay"`
	Exports  []Reached   `json:"exports" nullable:"false" doc:"exports that were made of the database, and what became of the person's rows in them"`
	Beyond   []string    `json:"beyond" nullable:"false" doc:"what cannot be reached from here"`
	Undone   []string    `json:"undone" nullable:"false" doc:"why it is not complete"`
}

// Kept is a versioned table that has rows of the person's.
type Kept struct {
	Table string `json:"table"`
	Rows  int    `json:"rows"`
}

// Receipt is a signed report. The signature is over the report as it stands,
// without the blanks between its parts.
type Receipt struct {
	Report    json.RawMessage `json:"report"`
	Key       string          `json:"key"`       // public, of Ed25519, in base64
	Signature string          `json:"signature"` // in base64
}

// signed goes before what is signed, so that the key's signatures under
// anything else are none under a receipt.
const signed = "varve erasure receipt\n"

// Sign makes a receipt. The seed, of 32 bytes, is the private key.
func Sign(seed []byte, r Report) (Receipt, error) {
	if len(seed) != ed25519.SeedSize {
		return Receipt{}, errs.New(errs.Internal, "a seed has %d bytes", ed25519.SeedSize)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return Receipt{}, errs.Wrap(errs.Internal, err, "the report cannot be written")
	}
	key := ed25519.NewKeyFromSeed(seed)
	return Receipt{Report: raw, Key: Key(seed), Signature: base64.StdEncoding.EncodeToString(ed25519.Sign(key, append([]byte(signed), raw...)))}, nil
}

// Key is the public half of the key of a seed, in base64.
func Key(seed []byte) string {
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	return base64.StdEncoding.EncodeToString(public)
}

// Read is the report of a receipt, as it says it, whoever signed it.
func (r Receipt) Read() (Report, error) {
	var out Report
	if err := json.Unmarshal(r.Report, &out); err != nil {
		return out, errs.Wrap(errs.Invalid, err, "this is no receipt of an erasure")
	}
	if out.Format != Format {
		return out, errs.New(errs.Unsupported, "the receipt has the format %d, and this program reads %d", out.Format, Format)
	}
	return out, nil
}

// Verify returns the report of a receipt that was signed with the private half
// of a key, in base64. errs.Forbidden when it was not, or was changed since;
// blanks and line ends between its parts may be others. errs.Invalid for what is
// no receipt.
func Verify(raw []byte, key string) (Report, error) {
	var r Receipt
	if err := json.Unmarshal(raw, &r); err != nil || len(r.Report) == 0 {
		return Report{}, errs.Wrap(errs.Invalid, err, "this is no receipt of an erasure")
	}
	public, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(public) != ed25519.PublicKeySize {
		return Report{}, errs.Field(errs.Invalid, "key", "is no public key of Ed25519 in base64")
	}
	signature, err := base64.StdEncoding.DecodeString(r.Signature)
	if err != nil {
		return Report{}, errs.Field(errs.Invalid, "signature", "is not base64")
	}
	var text bytes.Buffer
	text.WriteString(signed)
	if err := json.Compact(&text, r.Report); err != nil {
		return Report{}, errs.Wrap(errs.Invalid, err, "this is no receipt of an erasure")
	}
	if !ed25519.Verify(public, text.Bytes(), signature) {
		return Report{}, errs.Field(errs.Forbidden, "signature", "is not of this key, or the receipt was changed")
	}
	return r.Read()
}

// Subject is the code of a person in the receipts of the database that keeps a
// seed. Who does not know the seed cannot try identifiers.
func Subject(seed []byte, identifier string) string {
	mac := hmac.New(sha256.New, seed)
	mac.Write([]byte("varve erasure subject\n" + identifier))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
