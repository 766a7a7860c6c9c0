package query

import (
	"math"
	"testing"
)

// A statement in the database's own language may answer with numbers that JSON
// has not.
func TestNumbersThatJSONHasNot(t *testing.T) {
	columns := []OutputColumn{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	values := []any{math.Inf(1), math.Inf(-1), math.NaN()}
	if raw, err := EncodeRow(columns, values); err != nil || string(raw) != `{"a":"+Inf","b":"-Inf","c":"NaN"}` {
		t.Errorf("%s, %v", raw, err)
	}
	if raw, err := EncodeValues(values); err != nil || string(raw) != `["+Inf","-Inf","NaN"]` {
		t.Errorf("%s, %v", raw, err)
	}
}
