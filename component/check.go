package component

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
)

// check holds a component to what can be said without a database, and fills in
// what it leaves to a default, so that a default that is written out is no
// difference. Errors name the component and the field.
func check(c Component) error {
	if err := checkIdentifier(c.base().Identifier); err != nil {
		return at(c.Type(), err)
	}
	place := nameOf(c).String()
	for _, f := range fieldsOf(c) {
		if f.required && f.empty() {
			return errs.Field(errs.Invalid, place+"."+f.name, "is missing")
		}
		if f.empty() {
			continue
		}
		if err := checkField(f); err != nil {
			return at(place+"."+f.name, err)
		}
		if f.name == "select" || f.name == "run" {
			if err := checkQuestion(c, f); err != nil {
				return at(place+"."+f.name, err)
			}
		}
	}
	for _, s := range children(c) {
		if err := checkChild(s); err != nil {
			return at(place+"."+s.role, err)
		}
	}
	if v := c.base().Version; v != nil && *v < 0 {
		return errs.Field(errs.Invalid, place+".version", "is %d; versions count from 0", *v)
	}
	return at(place, checkKind(c))
}

func checkField(f field) error {
	switch v := f.value.Interface().(type) {
	case Object:
		return checkSecrets(v)
	case json.RawMessage:
		parsed, err := parse(v)
		if err != nil {
			return err
		}
		return checkSecretsIn("", parsed)
	case int:
		if v < 0 {
			return errs.New(errs.Invalid, "is less than 0")
		}
	}
	return nil
}

// checkQuestion takes a query that does what its field is for: what is run may
// be any, and a model may be one in the database's own language.
func checkQuestion(c Component, f field) error {
	q, err := question(f.value.Interface().(json.RawMessage))
	_, model := c.(*Model)
	if err != nil || f.name == "run" || q.Select != nil || model && q.Raw != nil {
		return err
	}
	if q.Insert != nil || q.Update != nil || q.Delete != nil || q.Raw != nil || q.Predict != nil {
		return errs.New(errs.Invalid, "asks for no rows; write a query that selects")
	}
	return nil // it has variables
}

// question is a query of a component; the zero one when it has variables and so
// is none yet.
func question(raw json.RawMessage) (query.Query, error) {
	v, err := parse(raw)
	if err != nil || len(variablesIn(nil, v)) > 0 {
		return query.Query{}, err
	}
	q, err := query.Decode(raw)
	var e *errs.Error
	if errors.As(err, &e) && e.Field == "query" {
		return q, errs.New(e.Kind, "the query %s", e.Detail) // the place is the field that holds it
	}
	return q, err
}

func checkChild(s slot) error {
	n := s.child.name()
	if s.child.Component == nil && n.Identifier == "" {
		if isUUID(s.child.Ref.UUID) {
			return nil // its type shows when it is looked up
		}
		return errs.New(errs.Invalid, "is no component and no reference to one")
	}
	if s.child.Component == nil {
		if err := checkIdentifier(n.Identifier); err != nil {
			return err
		}
	}
	return takes(s, n)
}

// takes tells whether a slot takes a component of a type.
func takes(s slot, n Name) error {
	if s.typ != "*" && n.Type != s.typ {
		return errs.New(errs.Invalid, "is a %s, and only a %s may stand here", n, s.typ)
	}
	return nil
}

func checkKind(c Component) error {
	switch c := c.(type) {
	case *VectorIndex:
		if c.Measure == "" {
			c.Measure = "cosine"
		}
		if !slices.Contains([]string{"cosine", "dot", "l2"}, c.Measure) {
			return errs.Field(errs.Invalid, "measure", "%q is none of cosine, dot and l2", c.Measure)
		}
	case *Model:
		signatures := []string{"", "singleton", "*args", "**kwargs", "*args,**kwargs"}
		if !slices.Contains(signatures, c.Signature) {
			return errs.Field(errs.Invalid, "signature", "%q is none of %s", c.Signature, strings.Join(signatures[1:], ", "))
		}
	case *DataType:
		_, err := query.ParseType(c.Of)
		return err
	case *Schema:
		return checkSchema(c)
	case *Table:
		if c.Primary == "" {
			c.Primary = "id"
		}
	case *Listener:
		return checkKey(c.Key)
	case *CronJob:
		return checkSchedule(c.Schedule)
	case *Template:
		return c.check()
	}
	return nil
}

func checkSchema(s *Schema) error {
	for _, name := range sortedKeys(s.Fields) {
		t := s.Fields[name]
		if name == "" || strings.ContainsRune(name, 0) {
			return errs.Field(errs.Invalid, "fields", "has a field without a name")
		}
		if t.DataType.IsZero() {
			if _, err := query.ParseType(t.Type); err != nil {
				return at("fields."+name, err)
			}
		}
	}
	return nil
}

// checkKey takes the forms of a key: a field, a list of fields in order, an
// object of fields and the parameters they fill, or a list of the last two.
func checkKey(raw json.RawMessage) error {
	v, err := parse(raw)
	if err != nil {
		return at("key", err)
	}
	if !isKey(v, 0) {
		return errs.Field(errs.Invalid, "key", `is a field ("x"), a list of fields (["x","y"]), fields with the parameters they fill ({"x":"param"}), or a list of the last two ([["x"],{"y":"param"}])`)
	}
	return nil
}

func isKey(v any, depth int) bool {
	switch v := v.(type) {
	case string:
		return v != ""
	case []any:
		return len(v) > 0 && depth < 2 && !slices.ContainsFunc(v, func(item any) bool { return !isKey(item, depth+1) })
	case map[string]any:
		for _, to := range v {
			if name, ok := to.(string); !ok || name == "" {
				return false
			}
		}
		return len(v) > 0 && depth < 2
	}
	return false
}

// bounds are the least and greatest values of the five fields of a schedule.
var bounds = [5][2]int{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 7}}

// checkSchedule takes what cron takes: five fields, each a list of values,
// ranges and steps.
func checkSchedule(s string) error {
	fields := strings.Fields(s)
	if len(fields) != len(bounds) {
		return errs.Field(errs.Invalid, "schedule", "has %d fields; cron has minute, hour, day of the month, month and day of the week, as in \"0 3 * * 1\"", len(fields))
	}
	for i, f := range fields {
		for part := range strings.SplitSeq(f, ",") {
			if !isPeriod(part, bounds[i][0], bounds[i][1]) {
				return errs.Field(errs.Invalid, "schedule", "%q is not within %d-%d", part, bounds[i][0], bounds[i][1])
			}
		}
	}
	return nil
}

func isPeriod(s string, low, high int) bool {
	within := func(s string) (int, bool) {
		n, err := strconv.Atoi(s)
		return n, err == nil && n >= low && n <= high
	}
	span, step, stepped := strings.Cut(s, "/")
	if n, err := strconv.Atoi(step); stepped && (err != nil || n < 1 || n > high) {
		return false
	}
	if span == "*" {
		return true
	}
	first, last, ranged := strings.Cut(span, "-")
	a, ok := within(first)
	if !ranged {
		return ok
	}
	b, also := within(last)
	return ok && also && a <= b
}
