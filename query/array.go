package query

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/datum"
)

// Array is a tensor as callers give and get it. Its JSON form is lists within
// lists.
type Array struct {
	Type Type   // of kind Tensor
	Data []byte // the numbers in row-major order, little-endian
}

// Number is what a tensor may be made of.
type Number interface {
	float32 | float64 | int32 | int64 | uint8
}

// ArrayOf makes a tensor of numbers in row-major order. errs.Invalid when the
// shape has another number of them.
func ArrayOf[T Number](numbers []T, shape ...int) (Array, error) {
	a := Array{Type: Type{Kind: Tensor, Elem: elemOf[T](), Shape: shape}}
	if checked, err := ParseType(a.Type.String()); err != nil || checked.Count() != len(numbers) {
		return Array{}, errs.Field(errs.Invalid, "shape", "has not the %d numbers that are given", len(numbers))
	}
	for _, n := range numbers {
		a.Data = appendNumber(a.Data, a.Type.Elem, float64(n), int64(n))
	}
	return a, nil
}

func elemOf[T Number]() string {
	var zero T
	switch any(zero).(type) {
	case float32:
		return "f32"
	case float64:
		return "f64"
	case int32:
		return "int32"
	case int64:
		return "int64"
	}
	return "uint8"
}

// NumbersOf are the numbers of a tensor in row-major order. errs.Invalid when
// it is made of others.
func NumbersOf[T Number](a Array) ([]T, error) {
	if a.Type.Elem != elemOf[T]() || len(a.Data) != a.Type.Size() {
		return nil, errs.New(errs.Invalid, "the array is %s", a.Type)
	}
	out := make([]T, a.Type.Count())
	for i := range out {
		f, n := a.number(i)
		if out[i] = T(n); a.Type.Elem[0] == 'f' {
			out[i] = T(f)
		}
	}
	return out, nil
}

func appendNumber(b []byte, elem string, f float64, n int64) []byte {
	switch elem {
	case "f32":
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(f)))
	case "f64":
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
	case "int32":
		return binary.LittleEndian.AppendUint32(b, uint32(n))
	case "int64":
		return binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return append(b, byte(n))
}

// number is one number of the data: as a float, or as an integer.
func (a Array) number(i int) (float64, int64) {
	at := a.Data[i*sizes[a.Type.Elem]:]
	switch a.Type.Elem {
	case "f32":
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(at))), 0
	case "f64":
		return math.Float64frombits(binary.LittleEndian.Uint64(at)), 0
	case "int32":
		return 0, int64(int32(binary.LittleEndian.Uint32(at)))
	case "int64":
		return 0, int64(binary.LittleEndian.Uint64(at))
	}
	return 0, int64(at[0])
}

// MarshalJSON writes lists within lists.
func (a Array) MarshalJSON() ([]byte, error) {
	if a.Type.Kind != Tensor || len(a.Data) != a.Type.Size() {
		return nil, errs.New(errs.Invalid, "an array of %d bytes is no %s", len(a.Data), a.Type)
	}
	b, _ := a.append(nil, a.Type.Shape, 0)
	return b, nil
}

func (a Array) append(b []byte, shape []int, at int) ([]byte, int) {
	b = append(b, '[')
	for i := range shape[0] {
		if i > 0 {
			b = append(b, ',')
		}
		if len(shape) > 1 {
			b, at = a.append(b, shape[1:], at)
			continue
		}
		f, n := a.number(at)
		switch at++; a.Type.Elem {
		case "f32":
			b = strconv.AppendFloat(b, f, 'g', -1, 32)
		case "f64":
			b = strconv.AppendFloat(b, f, 'g', -1, 64)
		default:
			b = strconv.AppendInt(b, n, 10)
		}
	}
	return append(b, ']'), at
}

func (t Type) vector(v any) (any, error) {
	if list, ok := v.([]float32); ok && len(list) == t.Shape[0] && !slices.ContainsFunc(list, func(f float32) bool { return f-f != 0 }) {
		return slices.Clone(list), nil
	}
	out := make([]float32, 0, t.Shape[0])
	err := t.each(v, t.Shape, func(item any) error {
		f, ok := datum.Float(item)
		if !ok || math.IsNaN(f) || math.IsInf(float64(float32(f)), 0) {
			return errs.New(errs.Invalid, "is of type %s; its numbers are finite and of 32 bits", t)
		}
		out = append(out, float32(f))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (t Type) tensor(v any) (any, error) {
	if a, ok := v.(Array); ok {
		if !a.Type.Same(t) {
			return nil, errs.New(errs.Invalid, "is of type %s and cannot hold a %s", t, a.Type)
		}
		v = a.Data
	}
	if raw, ok := v.([]byte); ok {
		if len(raw) != t.Size() {
			return nil, errs.New(errs.Invalid, "is of type %s, which has %d bytes, not %d", t, t.Size(), len(raw))
		}
		if !finite(Array{t, raw}) {
			return nil, errs.New(errs.Invalid, "has a number that is not finite")
		}
		return append([]byte{}, raw...), nil
	}
	out := make([]byte, 0, t.Size())
	err := t.each(v, t.Shape, func(item any) error {
		f, n, err := t.element(item)
		out = appendNumber(out, t.Elem, f, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func finite(a Array) bool {
	if a.Type.Elem[0] == 'f' {
		for i := range a.Type.Count() {
			if f, _ := a.number(i); math.IsNaN(f) || math.IsInf(f, 0) {
				return false
			}
		}
	}
	return true
}

// element reads one number of a tensor.
func (t Type) element(v any) (f float64, n int64, err error) {
	wrong := errs.New(errs.Invalid, "is of type %s and has something else in it", t)
	if t.Elem[0] == 'f' {
		f, ok := datum.Float(v)
		if !ok || math.IsNaN(f) || math.IsInf(f, 0) || t.Elem == "f32" && math.IsInf(float64(float32(f)), 0) {
			return 0, 0, wrong
		}
		return f, 0, nil
	}
	i, err := datum.Integer(v)
	if err != nil {
		return 0, 0, wrong
	}
	n = i.(int64)
	if t.Elem == "uint8" && n != int64(uint8(n)) || t.Elem == "int32" && n != int64(int32(n)) {
		return 0, 0, wrong
	}
	return 0, n, nil
}

// each walks lists within lists of a shape.
func (t Type) each(v any, shape []int, fn func(any) error) error {
	if raw, ok := v.(json.RawMessage); ok {
		var err error
		if v, err = datum.Decode(raw); err != nil {
			return err
		}
	}
	if v == nil {
		return errs.New(errs.Invalid, "is of type %s and has NULL in it", t)
	}
	if len(shape) == 0 {
		return fn(v)
	}
	r := reflect.ValueOf(v)
	if k := r.Kind(); k != reflect.Slice && k != reflect.Array {
		return datum.Mismatch(t.String(), v)
	}
	if r.Len() != shape[0] {
		return errs.New(errs.Invalid, "is of type %s; a list of %d is given where %d belong", t, r.Len(), shape[0])
	}
	for i := range r.Len() {
		if err := t.each(r.Index(i).Interface(), shape[1:], fn); err != nil {
			return err
		}
	}
	return nil
}
