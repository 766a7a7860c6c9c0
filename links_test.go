package varve_test

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// Signed addresses of elements' bytes work as long as the options say.
func TestHowLongLinksWork(t *testing.T) {
	for _, life := range []time.Duration{0, 100 * time.Hour} {
		db, err := all.Open(t.Context(), "memory:", &varve.Options{Data: t.TempDir(), LinkLife: life})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		e, err := db.Chat().PutElement(t.Context(), chat.Element{ID: "e", ThreadID: "t", Name: "n"}, strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		address, err := url.Parse(e.URL)
		if err != nil {
			t.Fatal(err)
		}
		ends, err := strconv.ParseInt(address.Query().Get("expires"), 10, 64)
		want := cmp.Or(life, blob.DefaultTTL)
		if left := time.Until(time.Unix(ends, 0)); err != nil || left > want || left < want/2 {
			t.Errorf("an address works for %v, want %v, %v", left, want, err)
		}
	}
	if _, err := all.Open(t.Context(), "memory:", &varve.Options{Data: t.TempDir(), LinkLife: blob.MaxTTL + time.Hour}); errs.KindOf(err) != errs.Invalid {
		t.Errorf("longer than a bucket signs: %v", err)
	}
}
