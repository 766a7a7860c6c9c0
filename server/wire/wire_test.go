package wire

import (
	"errors"
	"testing"

	"github.com/varvedb/varve/errs"
)

func TestEveryKindHasAStatusOfItsOwn(t *testing.T) {
	seen := map[int]errs.Kind{}
	for _, kind := range errs.Kinds() {
		status := Status(kind)
		if other, ok := seen[status]; ok {
			t.Errorf("%s and %s share status %d", kind, other, status)
		}
		seen[status] = kind
		if got := Kind(status); got != kind {
			t.Errorf("Kind(Status(%s)) = %s", kind, got)
		}
		if err := (Problem{Kind: kind}).Err(); !errors.Is(err, kind) {
			t.Errorf("the problem of %s tells %v", kind, err)
		}
	}
	if len(seen) != len(table) {
		t.Errorf("%d kinds, %d rows", len(seen), len(table))
	}
}

func TestAStatusWithoutAProblemStillHasAKind(t *testing.T) {
	for status, want := range map[int]errs.Kind{405: errs.Unsupported, 416: errs.Invalid, 422: errs.Invalid,
		429: errs.Unavailable, 502: errs.Unavailable, 504: errs.Unavailable, 507: errs.Internal} {
		if got := Kind(status); got != want {
			t.Errorf("Kind(%d) = %s, want %s", status, got, want)
		}
	}
}
