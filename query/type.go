package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/varvedb/varve/errs"
)

// Kind is what a column holds, its shape aside.
type Kind string

// The kinds, and what holds a value of each at the port. Beside its value
// every column but the key may hold NULL, which is nil in Go.
const (
	Text    Kind = "text"    // string, without NUL
	Integer Kind = "integer" // int64
	Real    Kind = "real"    // float64, finite
	Boolean Kind = "boolean" // bool
	Time    Kind = "time"    // time.Time in UTC, of whole microseconds
	Bytes   Kind = "bytes"   // []byte
	JSON    Kind = "json"    // json.RawMessage, compact; lists and nested values
	Vector  Kind = "vector"  // []float32, finite, of the type's length
	Tensor  Kind = "tensor"  // []byte: the numbers in row-major order, little-endian
	File    Kind = "file"    // string: "&:blob:" and the SHA-256 of bytes in the artifact store
)

// Type is the type of a column. Its text is its JSON form:
//
//	text  integer  real  boolean  time  bytes  json  file
//	vector[384]               384 numbers of 32 bits
//	tensor[int64:2,3]         a 2×3 matrix; f32, f64, int32, int64 or uint8
type Type struct {
	Kind  Kind
	Elem  string // of a tensor: "f32", "f64", "int32", "int64", "uint8"
	Shape []int  // of a vector: its length; of a tensor: its axes
}

// sizes are the numbers a tensor may be made of, with their bytes.
var sizes = map[string]int{"f32": 4, "f64": 8, "int32": 4, "int64": 8, "uint8": 1}

// limit is how many numbers a vector or tensor may have: what is larger is a
// file.
const limit = 1 << 24

// ParseType reads the text of a type.
func ParseType(s string) (Type, error) {
	kind, shape, shaped := strings.Cut(s, "[")
	switch k := Kind(kind); k {
	case Text, Integer, Real, Boolean, Time, Bytes, JSON, File:
		if shaped {
			return Type{}, errs.Field(errs.Invalid, "type", "%q has no shape", kind)
		}
		return Type{Kind: k}, nil
	case Vector, Tensor:
		shape, closed := strings.CutSuffix(shape, "]")
		if !shaped || !closed {
			return Type{}, errs.Field(errs.Invalid, "type", "%q needs a shape, as in vector[384] or tensor[f32:2,3]", s)
		}
		return shapedType(k, shape)
	}
	return Type{}, errs.Field(errs.Invalid, "type", "%q is no type; types are text, integer, real, boolean, time, bytes, json, file, vector[N] and tensor[f32:N,M]", s)
}

func shapedType(k Kind, shape string) (Type, error) {
	t := Type{Kind: k}
	if k == Tensor {
		var ok bool
		if t.Elem, shape, ok = strings.Cut(shape, ":"); !ok || sizes[t.Elem] == 0 {
			return Type{}, errs.Field(errs.Invalid, "type", "a tensor names its numbers, f32, f64, int32, int64 or uint8, as in tensor[f32:2,3]")
		}
	}
	count := 1
	for axis := range strings.SplitSeq(shape, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(axis))
		if err != nil || n < 1 || n > limit/count {
			return Type{}, errs.Field(errs.Invalid, "type", "the axis %q is no number from 1, or makes more than %d numbers; keep larger things as files", axis, limit)
		}
		count *= n
		t.Shape = append(t.Shape, n)
	}
	if k == Vector && len(t.Shape) != 1 {
		return Type{}, errs.Field(errs.Invalid, "type", "a vector has one axis; write tensor[f32:%s]", shape)
	}
	return t, nil
}

// String is the text of the type.
func (t Type) String() string {
	if len(t.Shape) == 0 {
		return string(t.Kind)
	}
	axes := make([]string, len(t.Shape))
	for i, n := range t.Shape {
		axes[i] = strconv.Itoa(n)
	}
	elem := ""
	if t.Kind == Tensor {
		elem = t.Elem + ":"
	}
	return fmt.Sprintf("%s[%s%s]", t.Kind, elem, strings.Join(axes, ","))
}

// Count is how many numbers a vector or tensor of the type has.
func (t Type) Count() int {
	n := 1
	for _, axis := range t.Shape {
		n *= axis
	}
	return n
}

// Size is how many bytes a vector or tensor of the type takes.
func (t Type) Size() int {
	if t.Kind == Vector {
		return 4 * t.Count()
	}
	return sizes[t.Elem] * t.Count()
}

// Same tells whether two types are one.
func (t Type) Same(u Type) bool {
	return t.Kind == u.Kind && t.Elem == u.Elem && slices.Equal(t.Shape, u.Shape)
}

// Ordered tells whether values of the type can be less and greater.
func (t Type) Ordered() bool {
	switch t.Kind {
	case Text, Integer, Real, Boolean, Time:
		return true
	}
	return false
}

// MarshalText implements encoding.TextMarshaler.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Type) UnmarshalText(text []byte) (err error) {
	*t, err = ParseType(string(text))
	return err
}
