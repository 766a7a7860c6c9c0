package lake

import (
	"encoding/json"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
)

// link is what a token says: which bytes, how they are to be called, and until
// when.
type link struct {
	Hash     string  `json:"hash"`
	Size     int64   `json:"size"`
	Filename string  `json:"filename"`
	Filetype *string `json:"filetype"`
	Until    int64   `json:"until"` // seconds since 1970
}

// Link makes a token with which anybody may read the bytes of this version
// until a time, and those of no other.
func (s *Service) Link(f Record, until time.Time) string {
	raw, err := json.Marshal(link{f.Value.Hash, f.Value.Size, f.Value.Filename, f.Value.Filetype, until.Unix()})
	if err != nil {
		panic(err) // of texts and numbers: cannot fail
	}
	return page.Signer{Secret: s.opt.Secret}.Cursor(links, string(raw))
}

// Linked returns what a token says of a file, for [Service.Read]: its bytes,
// name and type. errs.Forbidden when the token is none of this lake's or is
// over.
func (s *Service) Linked(token string) (Record, error) {
	place, ok := page.Signer{Secret: s.opt.Secret}.Open(links, token)
	var l link
	if !ok || json.Unmarshal([]byte(place), &l) != nil {
		return Record{}, errs.New(errs.Forbidden, "this link is not one of this lake's")
	}
	if s.opt.Now().Unix() > l.Until {
		return Record{}, errs.New(errs.Forbidden, "this link is over; ask for another")
	}
	return Record{Value: File{Hash: l.Hash, Size: l.Size, Filename: l.Filename, Filetype: l.Filetype}}, nil
}

// links is what tokens are signed for.
const links = "lake link"
