package page

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// CursorMark begins every cursor of a [Signer].
const CursorMark = "v1."

const macSize = 16

// Signer makes cursors that nobody can make up: "v1." and, in unpadded URL
// base64, a MAC of 16 bytes followed by the place. The MAC (HMAC-SHA-256, cut)
// covers the question too, so that a cursor works for the listing it was made
// for and for no other. The place can be read by whoever holds the cursor.
type Signer struct {
	Secret []byte // processes that serve one database share it
}

// Cursor is a cursor for a place in the listing that a question names.
func (s Signer) Cursor(question, place string) string {
	return CursorMark + base64.RawURLEncoding.EncodeToString(append(s.mac(question, place), place...))
}

func (s Signer) mac(question, place string) []byte {
	mac := hmac.New(sha256.New, s.Secret)
	fmt.Fprintf(mac, "%s\x00%s", question, place)
	return mac.Sum(nil)[:macSize]
}

// Open returns the place that a cursor of ours holds, and whether it is one
// for the question.
func (s Signer) Open(question, cursor string) (place string, ok bool) {
	rest, ok := strings.CutPrefix(cursor, CursorMark)
	if !ok {
		return "", false
	}
	raw, err := base64.RawURLEncoding.DecodeString(rest)
	if err != nil || len(raw) < macSize {
		return "", false
	}
	place = string(raw[macSize:])
	return place, hmac.Equal(raw[:macSize], s.mac(question, place))
}
