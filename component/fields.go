package component

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// field is one field of a component, as its tags describe it.
type field struct {
	*form
	value reflect.Value
}

// form is what the tags of a field say.
type form struct {
	name     string
	index    []int // where it stands in its struct
	identity bool  // it says which component this is
	breaks   bool
	derived  bool
	required bool
	child    string // the types of components it holds, "" for none
}

// forms remembers the fields of each type of component: to read tags takes ten
// times as long as to look at a field.
var forms sync.Map // reflect.Type → []form

func formsOf(t reflect.Type) []form {
	if known, ok := forms.Load(t); ok {
		return known.([]form)
	}
	found := collect(nil, t, nil)
	forms.Store(t, found)
	return found
}

// fieldsOf lists the fields of a component in the order of their declaration,
// without those of its identity.
func fieldsOf(c Component) []field { return listed(c, false) }

// allFields are those of the identity too.
func allFields(c Component) []field { return listed(c, true) }

func listed(c Component, identity bool) []field {
	v := reflect.ValueOf(c).Elem()
	known := formsOf(v.Type())
	out := make([]field, 0, len(known))
	for i := range known {
		if f := &known[i]; identity || !f.identity {
			out = append(out, field{f, v.FieldByIndex(f.index)})
		}
	}
	return out
}

func collect(out []form, t reflect.Type, within []int) []form {
	for i := range t.NumField() {
		sf := t.Field(i)
		index := append(slices.Clip(within), i)
		if sf.Anonymous {
			out = collect(out, sf.Type, index)
			continue
		}
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if name == "-" || name == "" {
			continue
		}
		f := form{name: name, index: index, identity: name == "identifier" || name == "version" || name == "uuid"}
		for word := range strings.SplitSeq(sf.Tag.Get("component"), ",") {
			switch {
			case word == "breaks":
				f.breaks = true
			case word == "derived":
				f.derived = true
			case word == "required":
				f.required = true
			case strings.HasPrefix(word, "child="):
				f.child = strings.TrimPrefix(word, "child=")
			}
		}
		out = append(out, f)
	}
	return out
}

// empty tells whether a field says nothing, and so is left out of records.
func (f field) empty() bool {
	switch f.value.Kind() {
	case reflect.Map, reflect.Slice:
		return f.value.Len() == 0
	}
	return f.value.IsZero()
}

// slot is a place in a component that holds a child.
type slot struct {
	role   string // its path: "model", "upstream[0]", "fields.x"
	child  *Child
	typ    string // the type it takes, "*" for any
	breaks bool
}

// slots lists the children of a component in the order of their roles.
// Changing a slot's child changes the component.
func slots(c Component) []slot {
	var out []slot
	for _, f := range fieldsOf(c) {
		switch v := f.value.Addr().Interface().(type) {
		case *Child:
			if !v.IsZero() {
				out = append(out, slot{f.name, v, f.child, f.breaks})
			}
		case *[]Child:
			for i := range *v {
				out = append(out, slot{f.name + "[" + strconv.Itoa(i) + "]", &(*v)[i], f.child, f.breaks})
			}
		}
	}
	return out
}

// typed are the children inside the fields of a schema. They stand in a map,
// so that they are changed by putting them back.
func typed(c Component) []slot {
	s, ok := c.(*Schema)
	if !ok {
		return nil
	}
	var out []slot
	for _, name := range sortedKeys(s.Fields) {
		if t := s.Fields[name]; !t.DataType.IsZero() {
			out = append(out, slot{"fields." + name, &t.DataType, "datatype", true})
		}
	}
	return out
}

// put puts a child where a role says.
func put(c Component, role string, child Child) {
	if s, ok := c.(*Schema); ok && strings.HasPrefix(role, "fields.") {
		name := strings.TrimPrefix(role, "fields.")
		s.Fields[name] = FieldType{DataType: child}
		return
	}
	for _, s := range slots(c) {
		if s.role == role {
			*s.child = child
		}
	}
}

// children lists all places that hold one.
func children(c Component) []slot { return append(slots(c), typed(c)...) }

// contents lists the places of a component that hold bytes, with their paths.
func contents(c Component) (paths []string, at []*Bytes, back func()) {
	var maps []func()
	for _, f := range fieldsOf(c) {
		switch v := f.value.Addr().Interface().(type) {
		case *Bytes:
			if !v.IsZero() {
				paths, at = append(paths, f.name), append(at, v)
			}
		case *map[string]Bytes:
			for _, key := range sortedKeys(*v) {
				b := (*v)[key]
				paths, at = append(paths, f.name+"."+key), append(at, &b)
				maps = append(maps, func() { (*v)[key] = b })
			}
		}
	}
	return paths, at, func() {
		for _, put := range maps {
			put()
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
