package query

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/datum"
)

// Bounds of a question.
const (
	maxDepthOfWhere = 50
	maxValues       = 10_000 // in all conditions together
	maxPath         = 20
	maxJoins        = 20
	maxOutputs      = 1600
)

// resolver turns names into columns and values into their columns' types.
type resolver struct {
	scope
	values int
}

// where resolves a condition; nil is none.
func (r *resolver) where(e *Expr) (Cond, error) {
	if e == nil {
		return Cond{Op: And}, nil
	}
	return r.cond(*e, 0)
}

func (r *resolver) cond(e Expr, depth int) (Cond, error) {
	if depth > maxDepthOfWhere {
		return Cond{}, errs.Field(errs.TooLarge, "where", "nests deeper than %d", maxDepthOfWhere)
	}
	switch e.Op {
	case And, Or, Not:
		if e.Op == Not && len(e.Of) != 1 {
			return Cond{}, errs.Field(errs.Invalid, "not", "has %d conditions; it has one", len(e.Of))
		}
		c := Cond{Op: e.Op}
		for _, of := range e.Of {
			one, err := r.cond(of, depth+1)
			if err != nil {
				return c, err
			}
			c.Of = append(c.Of, one)
		}
		return c, nil
	}
	ref, err := r.column(e.Column)
	if err != nil {
		return Cond{}, err
	}
	if r.values++; r.values > maxValues {
		return Cond{}, errs.Field(errs.TooLarge, "where", "has more than %d values", maxValues)
	}
	if e.Other != "" {
		return r.other(ref, e)
	}
	return r.compare(ref, e)
}

// column is ref with the check of its path.
func (r *resolver) column(name string) (Ref, error) {
	ref, err := r.ref(name)
	if err != nil {
		return ref, err
	}
	if len(ref.Path) > maxPath {
		return ref, errs.Field(errs.TooLarge, name, "goes deeper than %d", maxPath)
	}
	for _, part := range ref.Path {
		if part == "" || !utf8.ValidString(part) || strings.ContainsFunc(part, func(c rune) bool { return c == '"' || c == '\\' || unicode.IsControl(c) }) {
			return ref, errs.Field(errs.Invalid, name, `is a path with a part that is empty, is not UTF-8, or has a quote, a backslash or a control character`)
		}
	}
	if ref.Path != nil {
		ref.Type = Type{Kind: JSON}
	}
	return ref, nil
}

// other resolves a comparison of two columns.
func (r *resolver) other(ref Ref, e Expr) (Cond, error) {
	if !slices.Contains([]Op{Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, Is, IsNot}, e.Op) {
		return Cond{}, errs.Field(errs.Invalid, e.Column, "cannot be compared by %q with another column", string(e.Op))
	}
	other, err := r.column(e.Other)
	if err != nil {
		return Cond{}, err
	}
	if err := pair(&ref, &other, e.Column, e.Other); err != nil {
		return Cond{}, err
	}
	if ordering(e.Op) && !ref.Type.Ordered() {
		return Cond{}, incomparable(ref, e)
	}
	return Cond{Op: e.Op, Ref: ref, Other: &other}, nil
}

// pair gives the two sides of a comparison types that can be compared.
func pair(a, b *Ref, nameA, nameB string) error {
	if a.Path != nil && b.Path == nil {
		a.Type = inJSON(b.Type)
	}
	if b.Path != nil && a.Path == nil {
		b.Type = inJSON(a.Type)
	}
	number := func(t Type) bool { return t.Kind == Integer || t.Kind == Real }
	if a.Type.Kind == JSON || !equatable(a.Type) || !equatable(b.Type) || !a.Type.Same(b.Type) && !(number(a.Type) && number(b.Type)) {
		return errs.Field(errs.Invalid, nameA, "is of type %s and cannot be compared with %q of type %s", a.Type, nameB, b.Type)
	}
	return nil
}

// inJSON is the type that a place in JSON has beside a column of a type.
func inJSON(t Type) Type {
	switch t.Kind {
	case Integer, Real:
		return Type{Kind: Real}
	case Text, Boolean:
		return t
	}
	return Type{Kind: JSON}
}

// equatable tells whether values of a type can be equal.
func equatable(t Type) bool {
	return t.Kind != JSON && t.Kind != Vector && t.Kind != Tensor
}

func ordering(o Op) bool { return o == Less || o == LessEqual || o == Greater || o == GreaterEqual }

func incomparable(ref Ref, e Expr) error {
	return errs.Field(errs.Invalid, e.Column, "is of type %s and cannot be compared by %q", ref.Type, string(e.Op))
}

// compare resolves a comparison with a value.
func (r *resolver) compare(ref Ref, e Expr) (Cond, error) {
	c := Cond{Op: e.Op, Ref: ref}
	given := datum.Plain(e.Value)
	switch e.Op {
	case Is, IsNot:
		if given == nil {
			return c, nil
		}
	case In:
		return r.in(c, e)
	case Contains:
		return contains(c, e)
	case Matches:
		if s, isText := given.(string); isText && (ref.Path != nil || ref.Type.Kind == Text) {
			c.Ref.Type, c.Value = Type{Kind: Text}, s
			return c, located(e.Column, datum.CheckText(s))
		}
		return c, incomparable(ref, e)
	case Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual:
		if given == nil {
			return c, errs.Field(errs.Invalid, e.Column, "is compared by %q with NULL, which is never true; ask by \"is\" or \"is not\"", string(e.Op))
		}
	default:
		return c, errs.Field(errs.Invalid, e.Column, "%q is no comparison; there are =, !=, <, <=, >, >=, in, like, contains, is and \"is not\"", string(e.Op))
	}
	var err error
	if c.Ref.Type, c.Value, err = value(ref, e.Column, given); err != nil {
		return c, err
	}
	if ordering(e.Op) && !c.Ref.Type.Ordered() || !equatable(c.Ref.Type) {
		return c, incomparable(ref, e)
	}
	return c, nil
}

// value brings what a column is compared with into its type; with a path it is
// the value that has one.
func value(ref Ref, name string, given any) (Type, any, error) {
	t := ref.Type
	if ref.Path != nil {
		t, _ = InferType(given)
		if t = inJSON(t); t.Kind == JSON {
			return t, nil, errs.Field(errs.Invalid, name, "is a place in JSON, which is compared with text, numbers and booleans")
		}
	}
	if !equatable(t) {
		return t, nil, nil // which the caller refuses
	}
	v, err := t.Value(given)
	return t, v, located(name, err)
}

func (r *resolver) in(c Cond, e Expr) (Cond, error) {
	list, err := listOf(e)
	if err != nil {
		return c, err
	}
	if r.values += len(list); r.values > maxValues {
		return c, errs.Field(errs.TooLarge, e.Column, "makes more than %d values in all conditions", maxValues)
	}
	out := make([]any, len(list))
	for i, given := range list {
		t, v, err := value(c.Ref, e.Column, datum.Plain(given))
		if err != nil {
			return c, err
		}
		if v == nil {
			return c, errs.Field(errs.Invalid, e.Column, "is compared by \"in\" with NULL or with what has no equal; ask for NULL by \"is\"")
		}
		if i > 0 && e.Column != "" && c.Ref.Path != nil && !t.Same(c.Ref.Type) {
			return c, errs.Field(errs.Invalid, e.Column, "is compared with values of several types")
		}
		if out[i] = v; c.Ref.Path != nil {
			c.Ref.Type = t
		}
	}
	if !equatable(c.Ref.Type) && c.Ref.Path == nil {
		return c, incomparable(c.Ref, e)
	}
	c.Value = out
	return c, nil
}

// listOf is the list of an In, of whatever Go type.
func listOf(e Expr) ([]any, error) {
	if list, ok := e.Value.([]any); ok {
		return list, nil
	}
	list, ok := anyList(e.Value)
	if !ok {
		return nil, errs.Field(errs.Invalid, e.Column, "is compared by \"in\" with something else than a list")
	}
	return list, nil
}

func contains(c Cond, e Expr) (Cond, error) {
	given := datum.Plain(e.Value)
	if c.Ref.Path == nil && c.Ref.Type.Kind == Text {
		if s, isText := given.(string); isText {
			c.Value = s
			return c, located(e.Column, datum.CheckText(s))
		}
	}
	if c.Ref.Type.Kind != JSON || given == nil {
		return c, incomparable(c.Ref, e)
	}
	t, _ := InferType(given)
	if t = inJSON(t); t.Kind == JSON {
		return c, errs.Field(errs.Invalid, e.Column, "contains text, numbers and booleans; nothing else can be looked for")
	}
	var err error
	c.Value, err = t.Value(given)
	return c, located(e.Column, err)
}
