package state

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// A cursor of rows holds the values of the order and the entity of the row it
// points at. The order and the conditions are in the question that it is
// signed for.

// question is what a cursor of rows belongs to.
func (t *Table) question(q Scan) string {
	raw, err := encodeJSON([]any{q.Where, q.Order, q.At, q.Deleted})
	if err != nil {
		panic(err) // of checked values: cannot fail
	}
	return fmt.Sprintf("rows\x00%s\x00%d\x00%s", t.Name, t.Generation, raw)
}

// standing is where a version stands in an order, as text.
func (t *Table) standing(order []Order, v Version) string {
	after := make([]any, 0, len(order)+1)
	for _, o := range order {
		value := t.orderValue(o, v)
		if at, ok := value.(time.Time); ok {
			value = at.UnixMicro()
		}
		after = append(after, value)
	}
	raw, err := encodeJSON(append(after, v.Entity))
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
func (t *Table) readPlace(order []Order, place string) ([]any, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(place)))
	d.UseNumber()
	var after []any
	if err := d.Decode(&after); err != nil || len(after) != len(order)+1 {
		return nil, errCursor
	}
	for i, v := range after {
		typ := Integer
		if i < len(order) {
			typ = t.orderType(order[i])
		}
		var err error
		if after[i], err = placed(typ, v); err != nil {
			return nil, errCursor
		}
	}
	return after, nil
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
	return typ.normal(v)
}
