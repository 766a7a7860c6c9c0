package state

import (
	"bytes"
	"encoding/json"
	"fmt"
	"github.com/varvedb/varve/internal/datum"
	"time"
)

// A cursor of rows holds the position that the listing is of, the values of the
// order, and the entity of the row it points at. The order and the conditions
// are in the question that it is signed for.

// question is what a cursor of rows belongs to.
func (t *Table) question(of moment, q Scan) string {
	raw, err := datum.Encode([]any{of.name, q.Where, q.Order, q.Deleted})
	if err != nil {
		panic(err) // of checked values: cannot fail
	}
	return fmt.Sprintf("rows\x00%s\x00%d\x00%s", t.Name, t.Generation, raw)
}

// standing is where a version stands in an order, as text.
func (t *Table) standing(at int64, order []Order, v Version) string {
	after := append(make([]any, 0, len(order)+2), at)
	for _, o := range order {
		value := t.orderValue(o, v)
		if at, ok := value.(time.Time); ok {
			value = at.UnixMicro()
		}
		after = append(after, value)
	}
	raw, err := datum.Encode(append(after, v.Entity))
	if err != nil {
		panic(err) // of texts and finite numbers: cannot fail
	}
	return string(raw)
}

func (t *Table) orderValue(o Order, v Version) any {
	switch o.Column {
	case "_seq":
		return v.Seq
	case "_version":
		return v.Number
	case "_at":
		return v.At
	}
	return v.Values[t.Index(o.Column)]
}

// readPlace is the reverse of standing, for a cursor of ours.
func (t *Table) readPlace(order []Order, place string) (at int64, after []any, err error) {
	d := json.NewDecoder(bytes.NewReader([]byte(place)))
	d.UseNumber()
	if err := d.Decode(&after); err != nil || len(after) != len(order)+2 {
		return 0, nil, errCursor
	}
	first, err := datum.Integer(after[0])
	if err != nil {
		return 0, nil, errCursor
	}
	at, after = first.(int64), after[1:]
	for i, v := range after {
		typ := Integer
		if i < len(order) {
			typ = t.orderType(order[i])
		}
		var err error
		if after[i], err = placed(typ, v); err != nil {
			return 0, nil, errCursor
		}
	}
	return at, after, nil
}

func (t *Table) orderType(o Order) Type {
	switch o.Column {
	case "_seq", "_version":
		return Integer
	case "_at":
		return Time
	}
	return t.Columns[t.Index(o.Column)].Type
}

func placed(typ Type, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	if typ == Time {
		us, err := v.(json.Number).Int64()
		return time.UnixMicro(us).UTC(), err
	}
	return datum.Value(string(typ), v)
}
